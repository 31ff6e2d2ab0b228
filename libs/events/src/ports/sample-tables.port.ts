import type { TableSchema } from '../frame/table-schema.js';

/** A line (from 0) that a table does not take, and why, without a value of it. */
export type RefusedLine = { readonly line: number; readonly reason: string };

/** Tables like some of the target's, in a schema of their own, for rows that people look at. What the real ones hold is not touched. */
export abstract class SampleTables {
  /**
   * Makes empty ones, with their columns, checks and indexes, but nothing that leads to other tables or does something by itself: foreign keys, triggers, sequences, defaults by functions of somebody's. A generated column that is among those of the schema is a plain one. One call
   * makes all or none. SAMPLE_REFUSED where the schema is there and is no sample of this migration; where it is one, unless it is to be replaced; and where a table cannot be made.
   */
  abstract make(tables: readonly TableSchema[], options: { readonly replace: boolean }): Promise<void>;

  /** Whole lines of COPY text of one of the tables, with its columns in their order. Gives those that are refused, in their order; all others are there then. */
  abstract write(table: TableSchema, lines: Buffer): Promise<readonly RefusedLine[]>;

  abstract stop(): Promise<void>;
}
