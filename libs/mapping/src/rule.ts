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
  | { readonly uuid: string; readonly input: Expression }
  /** An integer key times `stride` plus `offset`, which `bigint` must hold. Null stays null; `invalid` as of `convert`. */
  | { readonly stride: number; readonly offset: number; readonly input: Expression; readonly invalid: 'held' | 'empty' }
  /**
   * The number that a text has in the sequence `allocated`: it is given the next one when a row that is made mentions it first, and keeps it. The first is `start`, each is `step` above the one
   * before, and both are the same wherever the sequence is named. Only in `columns`. Null stays null; where no number is left,
   * beyond 2^53, the row is held.
   */
  | ({ readonly allocated: string; readonly input: Expression } & Omit<Sequence, 'name'>)
  /** The part with this number of what the separator divides: from 1, or from -1 at the end. Null where there are fewer. */
  | { readonly split: string; readonly part: number; readonly input: Expression }
  /** Of the first condition that holds; if none does `otherwise`, or null. */
  | { readonly when: readonly { readonly if: Condition; readonly then: Expression }[]; readonly otherwise?: Expression }
  /** What a text of JSON holds at this path of names and places (from 0): a text as it is, all else as it is written; null where nothing is. */
  | { readonly field: readonly (string | number)[]; readonly input: Expression; readonly invalid: 'held' | 'empty' }
  /** The text of a JSON object. What is JSON's text by its kind (object, array, `json`) is itself in it, all else a text; null is null. */
  | { readonly object: Readonly<Record<string, Expression>> }
  /** The text of an array of those that are not null: JSON's, with values as in `object`, or PostgreSQL's. */
  | { readonly array: readonly Expression[]; readonly as: 'json' | 'postgres' }
  /** JSON's text of a number, of `t` or `f`, or of what is JSON's text already. Null stays null; `invalid` as of `convert`. */
  | { readonly json: 'number' | 'boolean' | 'any'; readonly input: Expression; readonly invalid: 'held' | 'empty' }
  /**
   * What a function of the mapping's own gives for its inputs, null among them. `fn` is its text, JavaScript of one function that knows nothing but its arguments; `custom` is what people
   * call it. `invalid` as of `convert`. `inverse.fn` gives a list of what the inputs were from what came of them: all that they were (`exact`), or something that becomes the same.
   */
  | {
      readonly custom: string;
      readonly fn: string;
      readonly inputs: readonly Expression[];
      readonly invalid: 'held' | 'empty';
      readonly inverse?: { readonly fn: string; readonly exact: boolean };
    }
  /**
   * What the row that `requires` names with the same `parent`, `rule` and `key` has in `keyColumn`, a column of its key: that of the merged row where its source row was merged into another. Null where
   * one of `key` is. It is a column by itself, which is not of the key, and of which nothing else is asked.
   */
  | { readonly keyOf: string; readonly rule?: string; readonly keyColumn: string; readonly key: readonly Expression[] };

/** Numbers that are given to texts, one after the other. */
export type Sequence = { readonly name: string; readonly start: number; readonly step: number };

/** What stands for a rule's name where merged rows are named. */
export const MERGED = 'merged';

/** Null is a value like others here: `is` null when `in` names it. */
export type Condition =
  | { readonly is: Expression; readonly in: readonly (string | null)[] }
  | { readonly not: Condition }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] };

/** Rows are compared by these columns (null last; numbers by value, all else by its text), then by key, so that there is always one order. */
export type Order = readonly { readonly column: string; readonly descending?: boolean }[];

/**
 * A value made of all rows that a join finds, in its order; those whose expression is null do not count. Its expressions name columns of the joined row,
 * or of those joined to that one, and cannot hold.
 */
export type Aggregate =
  /** How many there are: of rows, or of those where it is not null. */
  | { readonly count: 'rows' | Expression }
  /** Exact, of numbers as a database prints them; null of none. What is no number holds the driving row (`not a number`). */
  | { readonly sum: Expression }
  /** Columns that hold numbers by value, all else by its text; null of none. */
  | { readonly min: Expression }
  | { readonly max: Expression }
  /** Of the row where `by` is greatest, compared in the same way; of equals the first. Null where `by` always is. */
  | { readonly latest: Expression; readonly by: Expression }
  /** With the separator between them; null of none. */
  | { readonly text: Expression; readonly separator: string }
  /** The text of an array, as of the expression of this name; an empty one of none. */
  | { readonly array: Expression; readonly as: 'json' | 'postgres' };

/**
 * At most one row of another table for each driving row: of those whose columns equal what `on` says and that `where` accepts (in it a column
 * without `of` is the joined row's), the first in `order`. `where` names no other join.
 */
type ToOneJoin = {
  readonly as: string;
  readonly table: string;
  /** Column of the joined table, and what it must equal: of the driving row, or of a join before this one. Null equals nothing. */
  readonly on: Readonly<Record<string, Expression>>;
  readonly where?: Condition;
  readonly order?: Order;
};

export type JoinRule = ToOneJoin & {
  /**
   * Of all that it accepts, not only the first, one row is made: these are its columns, by name. To each of them others may be joined, of which `on` says
   * what they equal: of that row, or of a join before. A driving row to which more than `atMost` are joined, or more text than a row of them should have,
   * is held (`too many rows`).
   */
  readonly all?: {
    readonly joins?: readonly ToOneJoin[];
    readonly columns: Readonly<Record<string, Aggregate>>;
    readonly atMost: number;
  };
};

/**
 * The row needs the target row that `parent`'s rule makes of the source row with this key (columns in the order of its key); with a null in it, none. Where
 * several rules make `parent`, `rule` is the name of the one that is meant.
 */
export type ParentRule = { readonly parent: string; readonly rule?: string; readonly key: readonly Expression[] };

/**
 * Of the rows that want the same values in these columns the first in `order` (of the driving row's columns) has them; for the others the
 * columns are left empty, or the row is held. A null wants nothing, nor does a row of which `where` (over columns of the target's row) is not true: as in a partial index.
 */
export type UniqueRule = {
  readonly columns: readonly string[];
  readonly where?: Comparison;
  readonly order?: Order;
  readonly otherwise: 'empty' | 'held';
};

/**
 * What becomes of a row that a check refuses. `fix`: it is written, with a text cut, or with the column left empty; `warn`: it is written as it is. Of both a note is
 * kept. `hold`: it is held; `stop`: it is held, and once it has been for the settle time, load stops.
 */
export type Severity = 'fix' | 'warn' | 'hold' | 'stop';

/**
 * How values are compared: numbers by value, dates and times by the moment that they mean (one without a zone as in UTC), text by its code points. What is no number or no date
 * is neither more nor less than another.
 */
export type ComparedAs = 'number' | 'date' | 'text';

/** Of columns of the target's row. With a null it is neither true nor false, as in SQL; only where `in` names null itself a null can be asked for. */
export type Comparison =
  | {
      readonly compare: ComparedAs;
      readonly left: string;
      readonly is: '<' | '<=' | '=' | '<>' | '>=' | '>';
      readonly right: string;
    }
  | { readonly value: string; readonly in: readonly (string | null)[] }
  | { readonly not: Comparison }
  | { readonly all: readonly Comparison[] }
  | { readonly any: readonly Comparison[] };

/** What a value has to be; null is whatever it has to be, but for `required`. */
export type Check =
  /** Not null. Where it is, and that is fixed, it becomes `with`; no other severity has that. */
  | { readonly required: true; readonly with?: string }
  /** So many characters, as PostgreSQL counts them for `varchar(n)`: code points. */
  | { readonly atMost: number }
  /** Not below `from` and not above `to`. What is no number or no date is out of every range of them. */
  | { readonly range: ComparedAs; readonly from?: string; readonly to?: string }
  /** Somewhere in the text is what this pattern of RE2 means; or nowhere. A text of more than 10,000 characters is refused unseen. */
  | { readonly matches: string }
  | { readonly rejects: string }
  | { readonly oneOf: readonly string[] }
  /** Not false. */
  | { readonly check: Comparison };

/** A rule for what a row of the target may hold, once its columns are made. Its name is its own among those of its table rule. `column`: of the target, which it is about. */
export type ValidationRule = { readonly name: string; readonly column: string; readonly severity: Severity } & Check;

/**
 * Which value a column of a merged row has, of those that its rows have there and that are not null: of the first or the last of these, the longest text, the one that most of them have (of
 * equals the first), the least or the greatest (what is no such value only where all are none), or all different ones with the separator between them, or as an array.
 */
export type Survivor =
  | 'first'
  | 'last'
  | 'longest'
  | 'most-frequent'
  | { readonly least: ComparedAs }
  | { readonly greatest: ComparedAs }
  | { readonly text: string }
  | { readonly array: 'json' | 'postgres' };

/**
 * Rows with the same merge key, of this rule or of another for the target, are one row there. What its columns are is made of each row by itself; what they have to be (`required`, `validate`,
 * `unique`), and what the row needs, is asked of the merged row.
 */
export type MergeRule = {
  /** The merge key, which cannot hold. With null a row is merged with none. */
  readonly by: Expression;
  /** Of the driving row's columns: which of the rows is the first. With equal places by key where it holds numbers; then those of an earlier rule come first, then by key. */
  readonly order?: Order;
  /** By target column; `first` for those that are left out. */
  readonly columns?: Readonly<Record<string, Survivor>>;
  /** More rows than these are not merged: the merged row is held. All of them are in memory at once. */
  readonly atMost: number;
};

/** How the rows of one target table come from the rows of one source table. */
export type TableRule = {
  /** The driving table, as schema.table: each of its rows makes one target row, or none. */
  readonly source: string;
  readonly target: string;
  /**
   * Where several rules make the rows of one target table each has a name of its own. They make the same columns and have the same key and unique rules, which
   * hold for the rows of all of them together. With equal places in the order of a unique rule those of an earlier rule come first.
   */
  readonly name?: string;
  readonly joins?: readonly JoinRule[];
  /** Rows that it refuses are not in the target. */
  readonly where?: Condition;
  /** By target column. A mapping brings them into the order of their names, which is the order of the target's columns. */
  readonly columns: Readonly<Record<string, Expression>>;
  /** Target columns by which a row is found. */
  readonly key: readonly string[];
  /** Target columns that may not be null: else the row is held, and cannot be accepted. One of which something else is to become is required by a rule of `validate`. */
  readonly required?: readonly string[];
  readonly requires?: readonly ParentRule[];
  readonly unique?: readonly UniqueRule[];
  /** All rules for a target have it, or none; with the same `columns` and `atMost`, `required`, `validate` and `whileHeld`. Each has a name, which is not {@link MERGED}. */
  readonly merge?: MergeRule;
  /** Of rows whose columns can be made, in this order; each sees what those before it have fixed. */
  readonly validate?: readonly ValidationRule[];
  /** What stands in the target while a row is held: its last good version, or nothing. */
  readonly whileHeld?: 'last' | 'none';
};
