import type { Problem, Severity } from '@changeover/mapping';

/** A row of the source, by the columns of its key in their order. */
export type SourceRow = {
  /** `schema.table` at the source. */
  readonly table: string;
  readonly key: readonly (string | null)[];
  /** The record of `changes` that changed it last; null: it is not there. */
  readonly seq: number | null;
  /** Columns of which an operator's correction is read instead of what the source holds. */
  readonly corrected: readonly string[];
};

/** A row that is part of a merged row. */
export type MergedPart = {
  /** The name of its rule. */
  readonly rule: string;
  readonly source: SourceRow;
  /** What holds the merged row because of it: reason and column. */
  readonly problems: readonly Problem[];
};

/** A column that an expression reads. */
export type ReadValue = {
  /** `column`, or `join.column`. */
  readonly name: string;
  readonly value: string | null;
};

/** What became of one row of the source under one rule, and why. */
export type ExplainedRow = {
  /** `schema.table` at the target. */
  readonly target: string;
  /** The name of the rule, where several make the table. */
  readonly rule: string | null;
  /** Its key there, where there is one. */
  readonly key: readonly (string | null)[] | null;
  /**
   * `written`: it stands at the target; `kept`: an earlier version does, as this one is held; `held`, `waiting`: nothing does; `filtered`: the rule refuses the row; `absent`: there
   * is no such row at the source. `passed`: it goes over as it is, with the names of its columns as its table has them at the target. `merged`: it is part of a merged row.
   */
  readonly outcome: 'written' | 'kept' | 'held' | 'waiting' | 'filtered' | 'absent' | 'passed' | 'merged';
  /** Of a merged row the first that it is made of; with `seq` null where there is none. */
  readonly driving: SourceRow;
  /** Of a row with the outcome `merged`: what became of the merged row, and which of its columns come from this one, alone or among others. Else null. */
  readonly into: (Pick<ExplainedRow, 'key' | 'outcome'> & { readonly name: string; readonly columns: readonly string[] }) | null;
  /** Of a merged row: those that it is made of, in their order, or where they are too many the first by key. Else null. */
  readonly parts: readonly MergedPart[] | null;
  readonly joins: readonly {
    readonly as: string;
    /** What was looked up, by column of the joined table; null: something of it is null, so nothing was. */
    readonly lookedUp: readonly ReadValue[] | null;
    readonly table: string;
    /** The row that was found, or of a join that takes all of them the first in the order of their keys; none: no row that the join accepts has it. */
    readonly found: readonly SourceRow[];
    readonly more: boolean;
    /** What is made of all of them; null: it takes one. */
    readonly made: readonly ReadValue[] | null;
  }[];
  /** The rule's condition; null: it has none. */
  readonly where: { readonly rule: string; readonly accepts: boolean; readonly reads: readonly ReadValue[] } | null;
  readonly columns: readonly {
    readonly column: string;
    /** As the mapping says it. */
    readonly rule: string;
    readonly reads: readonly ReadValue[];
    /** What the rule makes of that. */
    readonly value: string | null;
    /** Why that holds the row back. */
    readonly problem: string | null;
    /** What stands at the target; undefined: nothing does. */
    readonly written: string | null | undefined;
    /** Of a merged row: of `parts` those that the value comes from, by their places. */
    readonly from?: readonly number[];
  }[];
  /** What it has to be by the rule's validation, each with what it says of the row; null: the row is so. `accepted`: it would hold the row, and an operator takes that as it is. */
  readonly validations: readonly {
    readonly rule: string;
    readonly severity: Severity;
    readonly problem: string | null;
    readonly accepted: boolean;
  }[];
  /** Values that it wants alone. */
  readonly unique: readonly {
    readonly columns: readonly string[];
    readonly otherwise: 'empty' | 'held';
    /** The row that has them. */
    readonly winner: SourceRow;
    readonly isOurs: boolean;
  }[];
  /** Rows that it needs. */
  readonly parents: readonly {
    readonly target: string;
    readonly source: SourceRow;
    readonly isThere: boolean;
  }[];
  /** Whether what is remembered is what the mapping makes of the rows that are: false is a fault of ours. */
  readonly isConsistent: boolean;
};

/** Rows of the target that look a row of the source up. */
export type Dependants = {
  readonly target: string;
  readonly as: string;
  /** Driving rows; the first of them. */
  readonly rows: readonly SourceRow[];
  readonly more: boolean;
};
