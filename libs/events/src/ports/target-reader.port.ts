import type { TableSchema } from '../frame/table-schema.js';
import type { ReadPosition } from '../log/event-log.port.js';
import type { TableDigest } from './checkpoints.port.js';
import type { LoadProgress } from './target-writer.port.js';

/**
 * Load held at a place of our choosing: it finishes the batch in hand, then goes no further than it is let. The hold ends by itself when it was not renewed for
 * {@link HOLD_MS}, so that whoever held it may die; {@link snapshot} says whether it still held.
 */
export interface LoadHold extends AsyncDisposable {
  /** Where load is held; null: nothing was ever loaded. */
  readonly progress: LoadProgress | null;
  /**
   * Lets load go on up to the record `seq` of `changes`, not beyond; resolves with where it is when it has come there. Rejects with HOLD_LOST where it is
   * beyond, or where the hold is lost before, and with the signal's reason when that aborts. Never `seq` of a `schema` record: it may become none of
   * `writes`, so that load would never come there. One call at a time.
   */
  advanceTo(seq: number, signal: AbortSignal): Promise<LoadProgress>;
  /** Opens a snapshot of what the target holds where load is held. HOLD_LOST if it is not there any more. */
  snapshot(): Promise<TargetSnapshot>;
  /**
   * Brings rows of tables with keys in order, all in one transaction which also proves that load stands where it is held: HOLD_LOST if not, and nothing is written.
   * Of each row it is looked first whether it still is as it was found; what load brought meanwhile is the caller's to leave out. Constraints of the target stay
   * on, and rows may come in any order. After an error that is not one of a single row nothing is written; after TARGET_UNREACHABLE all of it may be. One outcome
   * for each row, in their order.
   *
   * TARGET_CHANGED where a table does not take what it took when it was loaded; TARGET_BUSY where somebody keeps a row locked.
   */
  repair(rows: readonly RowRepair[]): Promise<readonly RepairOutcome[]>;
  /** How long load has been held, in milliseconds; once it is let go, how long it was. */
  readonly heldMs: number;
}

/** Milliseconds after which a hold that nobody renews is none any more. */
export const HOLD_MS = 5_000;

/** What a row of the target should be: each a whole line of COPY text, the table's columns in their order. At least one is not null. */
export type RowRepair = {
  readonly table: TableSchema;
  /** As {@link TargetSnapshot.rows} gave it; null: it was not there. */
  readonly found: Buffer | null;
  /** In the source's words; null: it should not be there. */
  readonly expected: Buffer | null;
  /** Load refuses to change the row, as it is not there ({@link RefusedVersion.isMissed}): with the row that ends, too. */
  readonly isMissed?: boolean;
};

/** `changed`: the row is not as it was found any more, and was left. `refused`: the target does not take it, and it was left; the reason holds no value. */
export type RepairOutcome = { readonly done: 'repaired' | 'changed' } | { readonly done: 'refused'; readonly reason: string };

/** A version that the target refuses: `wanted` null: the row should be gone; `stands` null: there is none. Column to text or null. */
export type RefusedVersion = {
  readonly wanted: Readonly<Record<string, string | null>> | null;
  readonly stands: Readonly<Record<string, string | null>> | null;
  /** Refused because load was to change the row, and somebody had deleted it. */
  readonly isMissed?: boolean;
};

/** What a target holds, as one instant shows it. Several calls may be under way. */
export interface TargetSnapshot extends AsyncDisposable {
  readonly progress: LoadProgress;
  /** Another one when the target was taken to another place of the stream than load would, or its tables were exchanged with rebuilt ones. */
  readonly generation: string;
  /**
   * The rows of a table, as {@link SourceSnapshot.rows}, without those that were there before us (`changeover.preexisting`); of our own list of held rows those
   * of this migration. Text is *as compared*: equal for two values that the column's type takes to be equal, different for others; a null is never like an empty text.
   */
  rows(table: TableSchema): AsyncIterable<Buffer>;
  /**
   * These lines (COPY text, the table's columns in their order), as {@link rows} would give them if they were stored: in number and order the same. A line that
   * the columns' types do not take stays as it is.
   */
  asCompared(table: TableSchema, lines: Buffer): Promise<Buffer>;
  /**
   * Those of the rows that have one of these keys, as {@link SourceSnapshot.find}; a key that the columns' types do not take is no row's. Of the list of held rows only
   * those of this migration.
   */
  find(table: TableSchema, keys: Buffer): AsyncIterable<Buffer>;
  /** How many {@link rows} there are. */
  count(table: TableSchema): Promise<number>;
  /** Versions that the target refuses at this instant, of one table. */
  refused(table: TableSchema): Promise<readonly RefusedVersion[]>;
}

/** What a verification has come to. It is written down, because the next one may build upon it. */
export type Verified = {
  /** `full`: of all rows; `tables`: of all rows of some tables; `touched`: of those touched since the verification before it; `sample`: of some. */
  readonly kind: 'full' | 'tables' | 'touched' | 'sample';
  readonly outcome: 'equal' | 'different';
  /** It says of all rows, by itself or with those that it builds upon, that they are equal: another one may begin behind its place. */
  readonly isBase: boolean;
  /** Where both ends were compared: the records of `changes` and of `writes`. */
  readonly changes: ReadPosition;
  readonly writes: ReadPosition;
  /** {@link TargetSnapshot.generation} there. */
  readonly generation: string;
  /** Hash of the mapping. */
  readonly mapping: string;
  /** What `writes` says up to there of the numbers that were given; null: it was not read for that. */
  readonly numbers: TableDigest | null;
  /** When it ended, milliseconds since the epoch; how long it took; rows that were compared. */
  readonly ended_ms: number;
  readonly seconds: number;
  readonly rows: number;
};

/** Which numbers were given (`ALLOCATED_TABLE`), as the records of `writes` up to a place say. */
export type NumbersTold = Pick<Verified, 'writes'> & { readonly numbers: TableDigest };

/** Reads what load has brought into a target, at an exact place of the stream; and keeps what was found out about it. */
export abstract class TargetReader {
  /** Holds load. TARGET_BUSY while somebody else does. */
  abstract hold(): Promise<LoadHold>;

  /** Writes a verification down. One of all rows, of some tables, or of a sample, that found some that differ: those before it are no base any more, as the rows that differ need not be touched again; nor are those that have begun (`began_ms`, milliseconds since the epoch) before it ended. */
  abstract record(verified: Verified, began_ms: number): Promise<void>;

  /** The verification that ended last; of those that are a base, where that is asked for. Null: there is none. */
  abstract lastVerified(which: 'any' | 'base'): Promise<Verified | null>;

  /** The last verification at or before this record of `writes` that knows which numbers were given, as far as that goes. Null: there is none. */
  abstract numbersTold(at: Pick<ReadPosition, 'logId' | 'seq'>): Promise<NumbersTold | null>;

  abstract stop(): Promise<void>;
}
