import type { TableSchema } from '../frame/table-schema.js';

/**
 * A source's rows as one instant shows them, read beside the stream of its changes. Sessions of its own; it never disturbs whoever holds the source. One call
 * at a time, but for {@link rows}, of which several may be under way.
 */
export interface SourceSnapshot extends AsyncDisposable {
  /**
   * Takes the snapshot, or another one in the place of the one before. Whatever was committed, and seen by others, when it was called is in it.
   *
   * `tables`: in the forms in which they will be read. `moved`: one of them is not there, or has another form by now, and nothing was taken: the stream of
   * changes tells of it before long. SOURCE_LOCKED while somebody keeps one of them locked against readers; it may be called
   * again.
   */
  take(tables: readonly TableSchema[]): Promise<'taken' | 'moved'>;
  /**
   * Whether the snapshot shows what this transaction did, whose id is as the stream writes it. Exact for transactions that the stream has told, or will: of
   * PostgreSQL's ids of 32 bits the nearest is meant.
   */
  shows(txId: string): boolean;
  /**
   * The rows of one of the tables, whole lines of COPY text with the form's columns in their order, in pieces of about 64 kB (or one larger row); in the order
   * of the table's key where it has one. Reading stops while nobody asks for more.
   */
  rows(table: TableSchema): AsyncIterable<Buffer>;
  /**
   * Those of the rows that have one of these keys, as {@link rows} gives them, in any order. `keys`: whole lines of COPY text, the columns of the table's key in the
   * order of the form. All of them are asked for in one question: give some thousand at most.
   */
  find(table: TableSchema, keys: Buffer): AsyncIterable<Buffer>;
  /** How many {@link rows} there are. */
  count(table: TableSchema): Promise<number>;
}

/** Opens snapshots of a source. */
export abstract class SourceSnapshots {
  /** Connects, so that {@link SourceSnapshot.take} takes no longer than it must. */
  abstract open(): Promise<SourceSnapshot>;

  abstract stop(): Promise<void>;
}
