import type { TableSchema } from '../frame/table-schema.js';

/** Of a column of the target, the lines (from 0) that it does not take. */
export type ColumnRefusals = {
  readonly column: string;
  /** As the database prints it: `character varying(80)`. */
  readonly type: string;
  /** Whose value its type does not take: of another kind, too long, out of range, none of its labels, against a check of its domain. */
  readonly values: readonly number[];
  /** Without a value, where there must be one. */
  readonly nulls: readonly number[];
};

/** What the columns of a target's tables take, asked without writing anything. */
export abstract class ColumnTypes {
  /**
   * `lines`: whole lines of COPY text with the table's columns in their order. Given are the columns that do not take some of them, in their order; nothing is said
   * of those that the target lacks, or makes itself. TARGET_CHANGED where it does not have the table.
   */
  abstract refusals(table: TableSchema, lines: Buffer): Promise<readonly ColumnRefusals[]>;

  abstract stop(): Promise<void>;
}
