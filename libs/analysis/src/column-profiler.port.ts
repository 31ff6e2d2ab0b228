/** A column of a table that was added. */
export type ColumnPlace = { readonly table: string; readonly column: string };

/** One or more columns of a table that was added, whose values together stand for something: a key, a reference. */
export type ColumnsPlace = { readonly table: string; readonly columns: readonly string[] };

/** The column has one of these values; null is none. */
export type ColumnCondition = { readonly column: string; readonly values: readonly (string | null)[] };

/** White space, also of Unicode, and characters of no width: what a text is trimmed of, and what one that is blank has alone. */
export const BLANKS =
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';

/** What says of which form in law a company is, as regular expressions over lower case without accents. */
export const LEGAL_FORMS: readonly string[] =
  'gmbh|ag|kg|ohg|mbh|ltd|limited|llc|inc|incorporated|corp|corporation|co|plc|sarl|sas|sa|spa|srl|bv|nv|ab|oy|as|aps|sp z o ?o|s\\.a\\.?|s\\.r\\.l\\.?|b\\.v\\.?|s\\.p\\.a\\.?'.split(
    '|',
  );

/** A value, or the first 2,000 characters of it, and how many rows have it. */
export type ValueCount = { readonly value: string; readonly rows: number };

export type ColumnCounts = {
  readonly rows: number;
  readonly nulls: number;
  /** Rows with nothing but {@link BLANKS}, the empty text included. */
  readonly blank: number;
  /** Different values; null is none. */
  readonly distinct: number;
  /** In characters; null where there is no value. */
  readonly minLength: number | null;
  readonly maxLength: number | null;
  /** By number where all are numbers, else by text. */
  readonly min: string | null;
  readonly max: string | null;
  /** All different values where there are at most as many as were asked for; else half of that the most frequent ones, the others by chance, though the same in each run. */
  readonly values: readonly ValueCount[];
};

/** Forms in which two values that people take for the same are equal. */
export type NormalForm =
  /** As it is. */
  | 'exact'
  /** Without {@link BLANKS} around it; where nothing is left there is none. */
  | 'trimmed'
  /** The same in lower case. */
  | 'caseless'
  /** Without {@link BLANKS} and in lower case. */
  | 'email'
  /** The last nine digits: without country and area prefix written one way or the other. Shorter numbers do not count. */
  | 'phone'
  /** Letters and digits alone, without accents, case and {@link LEGAL_FORMS}. */
  | 'company';

/** A column, and what counts as the same in it. */
export type NormalColumn = { readonly column: string; readonly form: NormalForm };

export type Repeats = {
  /** Different normal forms, of all columns together, that more than one row has. A row without one in one of the columns does not count. */
  readonly groups: number;
  /** Rows that could go if each form stood once. */
  readonly surplus: number;
};

export type Orphans = {
  /** Rows that refer to something. */
  readonly rows: number;
  /** Of them, those whose row is not there. */
  readonly orphans: number;
};

/**
 * Counts what is in tables' columns. Tables are added once, and asked after that; memory does not grow with them. One call at a time. What it keeps of the
 * rows lies in a place that its maker gave it and takes away.
 */
export abstract class ColumnProfiler implements AsyncDisposable {
  /** Takes in the rows of a table, as whole lines of COPY text with the columns in their order. */
  abstract add(table: string, columns: readonly string[], lines: AsyncIterable<Buffer>): Promise<void>;

  abstract count(place: ColumnPlace, most: number): Promise<ColumnCounts>;

  /**
   * Of at most a thousand different values of `from`, how many each of the `keys` has. The columns of a key stand in the order of those of `from`, and
   * a value with a null or a blank in one of its columns is none.
   */
  abstract lookUp(
    from: ColumnsPlace,
    keys: readonly ColumnsPlace[],
  ): Promise<{ readonly values: number; readonly found: readonly number[] }>;

  /** Rows of `from` that refer to nothing that `key` has, its columns in the same order; of several columns each has to be filled. `when`: of these rows alone. */
  abstract orphans(from: ColumnsPlace, key: ColumnsPlace, when?: ColumnCondition): Promise<Orphans>;

  /** `when`: among these rows alone. */
  abstract repeats(table: string, columns: readonly NormalColumn[], when?: ColumnCondition): Promise<Repeats>;

  abstract [Symbol.asyncDispose](): Promise<void>;
}
