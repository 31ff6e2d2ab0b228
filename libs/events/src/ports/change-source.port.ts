import type { ChangeoverError, Position } from '@changeover/core';

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
  /** A table (`schema.table`) whose rows the start would copy, and what it probably holds; null where the source has no idea. */
  readonly copy?: { readonly table: string; readonly rows: number | null; readonly bytes: number };
};

export type SourceIdentity = {
  /** PostgreSQL: system identifier. */
  readonly systemId: string;
  readonly timeline: number;
};

/** What a table probably holds, by what the source itself believes. */
export type TableSize = { readonly rows: number; readonly bytes: number };

/** A piece of a table to be copied: the rows behind `after` in the order of the key, about `maxBytes` of them. */
export type ChunkRequest = {
  readonly schema: string;
  readonly table: string;
  /** The `last` of the chunk before; null: from the first row. */
  readonly after: string | null;
  /**
   * Keys of rows to be read as well, as COPY text of the key columns: rows that moved to another key, of which the stream did not tell every value, and
   * which may have moved to where the copy has been already.
   */
  readonly again: readonly string[];
  /** Only the rows of `again`: all others were read. */
  readonly onlyAgain?: true;
  /**
   * Hash of the form to whose key `after` and `again` belong. Of a table that has another by now the chunk tells the new form alone: it holds no row, and
   * its `last` is `after`.
   */
  readonly form?: string;
  readonly maxBytes: number;
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
  /**
   * Rows of a table as they are at this place of the stream: all that was told of them before lies in them, what comes behind does not. `last` is the key
   * to go on behind; null: there are no more, as with `onlyAgain`. Stands outside a transaction.
   */
  | {
      readonly type: 'chunk';
      readonly table: TableSchema;
      readonly rowCount: number;
      readonly rows: Buffer;
      readonly last: string | null;
      readonly position: Position;
      readonly ts_ms: number;
    }
  /** A mark of our own (see {@link HeldSource.mark}) was reached in commit order; stands outside a transaction. */
  | { readonly type: 'mark'; readonly token: string; readonly position: Position; readonly ts_ms: number };

/**
 * A source held by us alone, streaming. Disposing lets it go.
 *
 * `events` gives batches in commit order and applies backpressure: while nobody pulls, at most a bounded number of
 * bytes is read ahead, yet status goes out on a timer. The first error ends it; after that a new hold is needed.
 */
export interface HeldSource extends AsyncDisposable {
  /**
   * What makes the source tell us of changes, and how the tables looked last, in words of its own: kept in the log, and given back to
   * {@link requireNothingMissed} by the next hold.
   */
  readonly watched: string;
  /**
   * SOURCE_LOST if something was taken away, or given another name, since an earlier hold had `watched`, or without it since this hold began, so that
   * changes may not have been told. A table whose rows were written anew since has another {@link TableSchema.generation} from then on. Gives the tables
   * (`schema.table`) that came since, or came back: what they held then was not told.
   */
  requireNothingMissed(watched?: string): Promise<readonly string[]>;
  /** What the source was told is safe with us: it will not send again what lies at or before this. */
  readonly confirmed: Position;
  /**
   * Everything whose position lies behind `after` (not before {@link confirmed}). `unseen`: see there; of earlier holds. Called once. From the call on, not
   * only from the first batch, {@link copy} may be asked for.
   */
  events(after: Position, signal: AbortSignal, unseen?: readonly string[]): AsyncIterable<readonly SourceEvent[]>;
  /** Everything up to `position` is durable in the log. Never moves back. The only way anything is acknowledged. */
  acknowledge(position: Position): void;
  /**
   * Reads a piece of a table beside the stream; it comes as a `chunk` event where the stream has caught up with it. Resolves when that is on its way.
   * One at a time of each table; several tables at once. SNAPSHOT_NEEDED for a table without a key: of its rows nobody could tell which a change concerns.
   */
  copy(request: ChunkRequest): Promise<void>;
  /**
   * Transactions that were given and that a reader of the source may not see yet, as the source writes their ids. Whoever copies has to tell the next hold of
   * them, and of those given since: what they did may be missing in a chunk, although it stands before it.
   */
  unseen(): Promise<readonly string[]>;
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

  /** Whether the table holds no row that a reader can see. */
  abstract isEmpty(table: Pick<TableSchema, 'schema' | 'table'>): Promise<boolean>;

  /** What each of the tables probably holds, for people: null where the source has no idea. */
  abstract sizes(tables: readonly Pick<TableSchema, 'schema' | 'table'>[]): Promise<readonly (TableSize | null)[]>;

  /** Selected tables of which nothing is told, because they lack what it takes, or came later with rows and without a key (see {@link hold}). */
  abstract leftOut(): Promise<readonly string[]>;

  /** What the source keeps for us (PostgreSQL: the slot): `null` if there is nothing. */
  abstract kept(): Promise<{ readonly confirmed: Position } | null>;

  /**
   * Makes publication and slot, replacing a slot of ours (only the log's owner calls it, see CaptureLoop). Gives where
   * it starts, and which captured tables held rows at exactly that point (read in the snapshot that the slot's creation
   * exports: rows committed before it will not come through the stream, rows after it will). `onWaiting` is told, sparsely, what of others holds it up.
   */
  abstract create(
    onWaiting?: (warning: ChangeoverError) => void,
  ): Promise<{ readonly start: Position; readonly tablesWithRows: readonly string[] }>;

  /** Lets the source forget us: drops slot and publication. */
  abstract drop(): Promise<void>;

  /**
   * Takes sole hold. The caller fences the log next, and asks for events when it knows its tail.
   * SOURCE_BUSY while another holds it (with `takeOver` the other's session is ended first), SOURCE_LOST if what was kept is gone.
   * A table that came later joins, and what it holds the caller has to {@link HeldSource.copy}; one without a key joins when it is empty.
   */
  abstract hold(options: { readonly takeOver: boolean }): Promise<HeldSource>;

  abstract stop(): Promise<void>;
}
