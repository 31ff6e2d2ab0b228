import type { NetRow } from '../net/net-row.js';
import type { TablePlan } from '../sql/table-plan.js';

/** A row that the target refused and that has not got in since: what `changeover.refused` says of it. */
export type OpenRefusal = {
  readonly id: string;
  readonly table: string;
  /** The row's key as the source has it now, by column; null in a table without one. */
  readonly key: Readonly<Record<string, string | null>> | null;
  /** The same in the form in which net rows have it; the whole row in a table without a key. */
  readonly keyText: string;
  /** Column to text; a column left out is unchanged. null: the row should be gone. */
  readonly wanted: Readonly<Record<string, string | null>> | null;
  /** The row that stands in the target instead, all columns; null: none. */
  readonly stands: Readonly<Record<string, string | null>> | null;
  /**
   * The key under which the row was looked for where it was missed ({@link ROW_MISSING}): the source may have given it another one
   * since. Empty: another row has come under that key, so that it is to be found by none.
   */
  readonly missedBy: Readonly<Record<string, string | null>> | null;
  readonly reason: string;
};

/** A net change on its way into a table, with the open refusal that it settles or takes further. */
export type TargetOp = { readonly plan: TablePlan; readonly row: NetRow; readonly refusal: OpenRefusal | null };

/** Why an op was not applied; `reason` without values. */
export type Refusal = {
  readonly op: TargetOp;
  readonly sqlstate: string | null;
  readonly constraint: string | null;
  readonly reason: string;
};

/** The row to update is not there. */
export const ROW_MISSING = 'ROW_MISSING';
/** A foreign key of the target would take along rows that the source still has: it waits until they have gone elsewhere. */
export const ROW_REFERENCED = 'ROW_REFERENCED';
/** A trigger of the target left the row out without an error. */
export const ROW_SKIPPED = 'ROW_SKIPPED';
