import type { Json, Sequence, Severity } from './rule.js';

/** A row's values in the order of the table's columns; text as the source writes it. */
export type Row = readonly (string | null)[];

/** The driving row, then for each join the row that was found, or made of all that were, or null. */
export type JoinedRows = readonly [Row, ...(Row | null)[]];

/**
 * Why a row cannot be written, or with what it was: a stable word, and the target column that it is about; of a validation rule with its name and severity. Never a
 * value.
 */
export type Problem = { readonly reason: string; readonly column: string; readonly rule?: string; readonly severity?: Severity };

/**
 * Whether a validation rule that would hold a row counts for nothing there: by its name, and the values that it looks at: its own column's, then those of the others that it names.
 */
export type Waives = (rule: string, looked: Row) => boolean;

/** A pure function of one text; a {@link ConversionProblem} where it has no answer. */
export type Converter = (text: string) => string | null | ConversionProblem;

export class ConversionProblem {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** More rows are joined than the rule says, or more text than one row should be made of. */
export const TOO_MANY_ROWS = new ConversionProblem('too many rows');

/** Makes a converter from its options; throws MAPPING_INVALID where they mean nothing to it. */
export type Converters = Readonly<Record<string, (options: Json | undefined) => Converter>>;

/** Gives the texts of a sequence their numbers, each the same one whenever it is asked for. */
export type Numbering = (sequence: Sequence) => Converter;

/** Where nobody has numbers to give. */
export const UNNUMBERED: Numbering = () => () => new ConversionProblem('has no number');

/** What is known of a source table: its columns, which of them are its key, and which hold numbers (they are ordered by value). */
export type SourceTable = { readonly columns: readonly string[]; readonly key: readonly string[]; readonly numbers?: readonly string[] };

export type CompiledJoin = {
  readonly table: string;
  /** Columns of the joined table by which its rows are looked up. */
  readonly columns: readonly number[];
  /** The values to look up, from the rows so far; null: nothing is joined. */
  readonly lookup: (rows: readonly (Row | null)[]) => readonly string[] | null;
  readonly accepts: (row: Row) => boolean;
  /** Below 0: `a` comes first. 0: by key. */
  readonly compare: (a: Row, b: Row) => number;
  /** Null: the first row is joined. Else one that is made of all. */
  readonly all: CompiledAll | null;
};

/** What becomes of all rows of a join. */
export type CompiledAll = {
  /** Of each row that is found, in this order: at most one row each. */
  readonly joins: readonly CompiledJoin[];
  /** With more of them the driving row is held. */
  readonly atMost: number;
  /** The row that is made of these, which are in order, each with those joined to it, or of none; a problem holds the driving row. */
  readonly rowOf: (rows: readonly JoinedRows[]) => Row | ConversionProblem;
  /** The target column that such a problem is told of. */
  readonly column: string;
  /** Whether the rule's filter reads it, so that with a problem nobody can say what it accepts. */
  readonly decides: boolean;
};

export type CompiledUnique = {
  /** Places in the target row. */
  readonly columns: readonly number[];
  /** Whether a row wants anything, by its values; null: every row does. */
  readonly counts: ((values: Row) => boolean) | null;
  readonly otherwise: 'empty' | 'held';
  /** Compares as the declared order does, byte by byte, over the first 64 characters of each column; the key comes behind it. */
  readonly orderOf: (driving: Row) => string;
};

/** The columns of a row that is made, with what its validation notes of it; or why it is held. */
export type DerivedRow = { readonly values: Row; readonly notes: readonly Problem[] } | { readonly problems: readonly Problem[] };

/** How rows that agree in a merge key become one: each gives its part, a merged row is made of the parts in their order. */
export type CompiledMerge = {
  /** Names the merged row that this one is part of; null: it stands alone. */
  readonly nameOf: (rows: JoinedRows) => string | null;
  /** Text by which parts are ordered, as those of a unique rule are; the rule's place and the key come behind it. */
  readonly orderOf: (driving: Row) => string;
  readonly atMost: number;
  /** The columns of one row as it is by itself; with problems it holds the merged row. */
  readonly partOf: (rows: JoinedRows) => { readonly values: Row; readonly problems: readonly Problem[] };
  /** The columns of the merged row before anything is asked of them, each with the place of the part that it comes from; null: of all, -1: of none. */
  readonly survivors: (parts: readonly Row[]) => { readonly values: (string | null)[]; readonly from: readonly (number | null)[] };
  /** Asks of these columns what is asked of a row. They may be changed. `waives`: as of {@link CompiledRule.derive}. */
  readonly complete: (values: (string | null)[], waives?: Waives) => DerivedRow;
};

export type CompiledRule = {
  readonly source: string;
  readonly target: string;
  /** Null: no other rule makes rows of the target. */
  readonly name: string | null;
  readonly columns: readonly string[];
  /** Places of the key in the target row. */
  readonly key: readonly number[];
  readonly joins: readonly CompiledJoin[];
  readonly accepts: (rows: JoinedRows) => boolean;
  /** The row, and what its validation notes of it; or why it is held. `waives`: what counts for nothing, and is noted instead; left out: nothing. */
  readonly derive: (rows: JoinedRows, waives?: Waives) => DerivedRow;
  readonly requires: readonly {
    readonly parent: string;
    readonly rule: string | null;
    readonly keyOf: (rows: JoinedRows) => readonly string[] | null;
    /** Of a merged row: places of the columns that say which of its rows' parents it needs; none: those of all. */
    readonly columns: readonly number[];
  }[];
  /**
   * Columns that are to have the key of a row that is required (`column` of it). What is derived holds in their place what names that row, as `readKeyOf` reads it, or null: what it has
   * there is known when it stands.
   */
  readonly keysOf: readonly {
    readonly place: number;
    readonly parent: string;
    readonly rule: string | null;
    readonly column: string;
  }[];
  readonly uniques: readonly CompiledUnique[];
  readonly keepsLast: boolean;
  /** Null: rows of the target are not merged. */
  readonly merge: CompiledMerge | null;
};
