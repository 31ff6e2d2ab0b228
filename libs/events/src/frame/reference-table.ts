import { ownTable } from './own-table.js';
import type { TableSchema } from './table-schema.js';

const COLUMNS = [
  ['migration', true],
  ['referred', true],
  ['row_key', true],
  ['contents', false],
] as const;

export type ReferenceColumn = (typeof COLUMNS)[number][0];

/** Columns of {@link REFERENCE_TABLE} in their order. */
export const REFERENCE_COLUMNS: readonly ReferenceColumn[] = COLUMNS.map(([name]) => name);

/**
 * The rows of the target that are recorded for mappings to look up: they travel in `writes` and land in the target beside the list of held rows, so that whoever knows the target at a record
 * knows them too.
 *
 * `referred` is the table that a row was read from, as `schema.table`; `row_key` its key, as COPY text; `contents` a JSON object, column to text or null.
 */
export const REFERENCE_TABLE: TableSchema = ownTable('reference', COLUMNS);
