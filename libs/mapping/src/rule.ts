/** Plain data of any shape that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * What a target column holds, as plain data: read from the driving row and the rows joined to it. A value is the source's text, or null.
 */
export type Expression =
  /** A column of the driving row, or of the join named by `of`; null where nothing was joined. */
  | { readonly column: string; readonly of?: string }
  | { readonly constant: string | null }
  /**
   * `input` by a named converter. What it cannot take holds the whole row back (`held`, only in `columns`), or leaves the column empty. Null
   * stays null.
   */
  | { readonly convert: string; readonly options?: Json; readonly input: Expression; readonly invalid: 'held' | 'empty' }
  /** The first that is not null. */
  | { readonly first: readonly Expression[] }
  /** Those that are not null, with the separator between them; null if all are. */
  | { readonly concat: readonly Expression[]; readonly separator: string }
  /** A key as a UUID: itself where it is one, in lower case; else its UUIDv5 in the namespace `uuid`. Null stays null. */
  | { readonly uuid: string; readonly input: Expression };

/** Null is a value like others here: `is` null when `in` names it. */
export type Condition =
  | { readonly is: Expression; readonly in: readonly (string | null)[] }
  | { readonly not: Condition }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] };

/** Rows are compared by these columns (null last; numbers by value, all else by its text), then by key, so that there is always one order. */
export type Order = readonly { readonly column: string; readonly descending?: boolean }[];

/**
 * At most one row of another table for each driving row: of those whose columns equal what `on` says and that `where` accepts (in it a column
 * without `of` is the joined row's), the first in `order`. `where` names no other join.
 */
export type JoinRule = {
  readonly as: string;
  readonly table: string;
  /** Column of the joined table, and what it must equal: of the driving row, or of a join before this one. Null equals nothing. */
  readonly on: Readonly<Record<string, Expression>>;
  readonly where?: Condition;
  readonly order?: Order;
};

/** The row needs the target row that `parent`'s rule makes of the source row with this key (columns in the order of its key); with a null in it, none. */
export type ParentRule = { readonly parent: string; readonly key: readonly Expression[] };

/**
 * Of the rows that want the same values in these columns the first in `order` (of the driving row's columns) has them; for the others the
 * columns are left empty, or the row is held. A null wants nothing.
 */
export type UniqueRule = { readonly columns: readonly string[]; readonly order?: Order; readonly otherwise: 'empty' | 'held' };

/** How the rows of one target table come from the rows of one source table. */
export type TableRule = {
  /** The driving table, as schema.table: each of its rows makes one target row, or none. */
  readonly source: string;
  readonly target: string;
  readonly joins?: readonly JoinRule[];
  /** Rows that it refuses are not in the target. */
  readonly where?: Condition;
  /** By target column. A mapping brings them into the order of their names, which is the order of the target's columns. */
  readonly columns: Readonly<Record<string, Expression>>;
  /** Target columns by which a row is found. */
  readonly key: readonly string[];
  /** Target columns that may not be null: else the row is held. */
  readonly required?: readonly string[];
  readonly requires?: readonly ParentRule[];
  readonly unique?: readonly UniqueRule[];
  /** What stands in the target while a row is held: its last good version, or nothing. */
  readonly whileHeld?: 'last' | 'none';
};
