import { ownTable } from './own-table.js';
import type { TableSchema } from './table-schema.js';

const COLUMNS = [
  ['migration', true],
  ['id', true],
  ['source', false],
  ['source_key', false],
  ['source_column', false],
  ['held', false],
  ['read', false],
  ['why', false],
  ['since_seq', false],
  ['since_ms', false],
  ['target', false],
  ['rule', false],
] as const;

export type CorrectionColumn = (typeof COLUMNS)[number][0];

/** Columns of {@link CORRECTION_TABLE} in their order. */
export const CORRECTION_COLUMNS: readonly CorrectionColumn[] = COLUMNS.map(([name]) => name);

/**
 * What operators have decided about rows of the source: it travels in `writes` and lands in the target beside the list of held rows, so that whoever knows the target at a
 * record knows it too.
 *
 * Where `source_column` of the row `source_key` of `source` holds `held`, `read` is read instead (both null where they are null); while it holds anything else, nothing is. `source_key` is
 * as in the list of held rows, without a rule's name; `since_seq` is the record of `changes` that says so, and `since_ms` when that was taken, in milliseconds since the epoch.
 *
 * Where `rule` is not null, that validation rule counts for nothing for the row of the table `target` that it makes, while the values that the rule looks at are `held` (a line of COPY text);
 * `source_column` is the target's column that it is about, and `source_key` is as in the list of held rows.
 */
export const CORRECTION_TABLE: TableSchema = ownTable('correction', COLUMNS);
