import type { Position } from '@changeover/core';

import type { Before, Operation } from '../frame/frame.js';
import type { TableSchema } from '../frame/table-schema.js';

/** One finding of a preflight. `fix` holds the exact lines to run; `restart` whether the server must restart after them. */
export type PreflightFinding = {
  readonly severity: 'error' | 'warning' | 'ok';
  /** Stable word for the check, such as `wal_level`. */
  readonly check: string;
  readonly message: string;
  readonly fix?: readonly string[];
  readonly restart?: boolean;
};

export type SourceIdentity = {
  /** PostgreSQL: system identifier. */
  readonly systemId: string;
  readonly timeline: number;
};

export type SourceEvent =
  /** A transaction's rows follow. `txId` as the source writes it. */
  | { readonly type: 'begin'; readonly txId: string; readonly ts_ms: number; readonly origin?: string }
  /**
   * Consecutive rows of one table and operation in the shape of {@link Frame}. `table` is the same object as long as
   * the table's form is the same. At most about 64 kB, or one larger row.
   */
  | {
      readonly type: 'rows';
      readonly table: TableSchema;
      readonly op: Exclude<Operation, 'r'>;
      readonly before: Before;
      readonly partial: boolean;
      readonly rowCount: number;
      readonly rows: Buffer;
    }
  /** The transaction is complete; `position` is its end. */
  | { readonly type: 'commit'; readonly position: Position }
  /** Nothing up to `position` is on its way any more (never sent inside a transaction). */
  | { readonly type: 'keepalive'; readonly position: Position }
  /** A mark of our own (see {@link HeldSource.mark}) was reached in commit order; stands outside a transaction. */
  | { readonly type: 'mark'; readonly token: string; readonly position: Position; readonly ts_ms: number };

/**
 * A source held by us alone, streaming. Disposing lets it go.
 *
 * `events` gives batches in commit order and applies backpressure: while nobody pulls, at most a bounded number of
 * bytes is read ahead, yet status goes out on a timer. The first error ends it; after that a new hold is needed.
 */
export interface HeldSource extends AsyncDisposable {
  /** What the source was told is safe with us: it will not send again what lies at or before this. */
  readonly confirmed: Position;
  /** Everything whose position lies behind `after` (not before {@link confirmed}). Called once. */
  events(after: Position, signal: AbortSignal): AsyncIterable<readonly SourceEvent[]>;
  /** Everything up to `position` is durable in the log. Never moves back. The only way anything is acknowledged. */
  acknowledge(position: Position): void;
  /** Writes a mark into the source's own order, after all that is committed now; it comes back as a `mark` event. */
  mark(token: string): Promise<void>;
  /** Bytes of log the source keeps for us, and whether it is about to give up (`null`: it cannot say). */
  retained(): Promise<{ readonly bytes: number; readonly lost: boolean }>;
}

/** A database whose changes can be followed in commit order. PostgreSQL now; MySQL and others later. */
export abstract class ChangeSource {
  /** Looks, changes nothing. */
  abstract preflight(): Promise<readonly PreflightFinding[]>;

  abstract identity(): Promise<SourceIdentity>;

  /** The captured tables as the catalogue shows them now. */
  abstract tables(): Promise<readonly TableSchema[]>;

  /** What the source keeps for us (PostgreSQL: the slot): `null` if there is nothing. */
  abstract kept(): Promise<{ readonly confirmed: Position } | null>;

  /**
   * Makes publication and slot, replacing a slot of ours (only the log's owner calls it, see CaptureLoop). Gives where
   * it starts, and which captured tables held rows at exactly that point (read in the snapshot that the slot's creation
   * exports: rows committed before it will not come through the stream, rows after it will).
   */
  abstract create(): Promise<{ readonly start: Position; readonly tablesWithRows: readonly string[] }>;

  /** Lets the source forget us: drops slot and publication. */
  abstract drop(): Promise<void>;

  /**
   * Takes sole hold. The caller fences the log next, and asks for events when it knows its tail.
   * SOURCE_BUSY while another holds it (with `takeOver` the other's session is ended first), SOURCE_LOST if what was kept is gone.
   */
  abstract hold(options: { readonly takeOver: boolean }): Promise<HeldSource>;

  abstract stop(): Promise<void>;
}
