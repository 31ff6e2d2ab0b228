import type { ColumnCondition } from '../column-profiler.port.js';

/** Where a value of the target comes from. */
export type ProposedValue =
  /** The column as it is. */
  | { readonly how: 'same' }
  /** As it is, although the types differ: all values looked at would be taken. */
  | { readonly how: 'unchecked' }
  | { readonly how: 'trim'; readonly entities: boolean }
  | { readonly how: 'email' | 'country' }
  | { readonly how: 'phone'; readonly country: string | null }
  | { readonly how: 'date'; readonly formats: readonly string[] }
  | { readonly how: 'timestamp'; readonly formats: readonly string[]; readonly zone: boolean }
  | { readonly how: 'boolean'; readonly spellings?: { readonly true: readonly string[]; readonly false: readonly string[] } }
  | { readonly how: 'enumeration'; readonly values: Readonly<Record<string, string | null>>; readonly spelled: boolean }
  /** Of several columns what is not blank, with a space between. */
  | { readonly how: 'words' }
  /** Nothing was found. */
  | { readonly how: 'null' };

/** At most one row of another source table. */
export type ProposedJoin = {
  readonly as: string;
  readonly table: string;
  /** Columns of it, and what each has to equal: a column of the driving row, or of the join before that `of` names. */
  readonly on: readonly { readonly column: string; readonly equals: string; readonly of?: string }[];
  readonly where: readonly ColumnCondition[];
  /** Of several rows the one that has the highest of it. */
  readonly latest?: string;
  readonly because: string;
  readonly open: readonly string[];
};

/** A source column: of the driving row, or of the join that `of` names. */
export type ProposedSource = { readonly column: string; readonly of?: string };

export type ProposedColumn = {
  readonly target: string;
  /** None where nothing was found; several for `words` alone. */
  readonly sources: readonly ProposedSource[];
  readonly value: ProposedValue;
  /** Why, for whoever reads the file. */
  readonly because: readonly string[];
  /** What somebody has to decide; empty: nothing that we saw. */
  readonly open: readonly string[];
  /** Whether a row without a value here has to be held. */
  readonly required: boolean;
};

/** What becomes of rows that want the same values: all but the first by key go without, or are held. */
export type ProposedUnique = {
  /** In the order of an index of the target. */
  readonly columns: readonly string[];
  readonly otherwise: 'empty' | 'held';
  readonly because: readonly string[];
  readonly open: readonly string[];
};

export type ProposedRule = {
  readonly source: string;
  readonly target: string;
  readonly because: string;
  readonly joins: readonly ProposedJoin[];
  /** A flag of rows that were thrown away, and what says that they were not. */
  readonly where: (ColumnCondition & { readonly because: string }) | null;
  readonly columns: readonly ProposedColumn[];
  readonly key: readonly string[];
  /** Rows of other targets that have to be there first: `key` is that of the source row that makes one, in the order of its table. */
  readonly requires: readonly { readonly parent: string; readonly key: readonly ProposedSource[] }[];
  readonly unique: readonly ProposedUnique[];
  /** Columns of the source of which nothing is made. */
  readonly left: readonly string[];
};

/** As it is before the source was asked who wants the same. */
export type RuleWithoutUnique = Omit<ProposedRule, 'unique'>;

export type Proposal = {
  readonly rules: readonly ProposedRule[];
  /** Tables of the source that drive no rule, and whether one joins them. */
  readonly sourcesLeft: readonly { readonly table: string; readonly joined: boolean }[];
  /** Tables of the target that nothing was found for. */
  readonly targetsLeft: readonly string[];
};
