import { ownTable } from './own-table.js';
import type { TableSchema } from './table-schema.js';

const COLUMNS = [
  ['migration', true],
  ['sequence', true],
  ['number', true],
  ['source_text', false],
] as const;

export type AllocatedColumn = (typeof COLUMNS)[number][0];

/** Columns of {@link ALLOCATED_TABLE} in their order. */
export const ALLOCATED_COLUMNS: readonly AllocatedColumn[] = COLUMNS.map(([name]) => name);

/**
 * The numbers that a mapping's sequences have given to texts of the source: they travel in `writes` and land in the target beside the list of held rows, so that whoever knows the target at a
 * record knows them too. Rows only come: a number is never taken back, nor given to another text.
 */
export const ALLOCATED_TABLE: TableSchema = ownTable('allocated', COLUMNS);
