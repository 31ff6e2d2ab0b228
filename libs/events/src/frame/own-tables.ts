import { ALLOCATED_TABLE } from './allocated-table.js';
import { CORRECTION_TABLE } from './correction-table.js';
import { HELD_TABLE } from './held-table.js';
import { REFERENCE_TABLE } from './reference-table.js';
import type { TableSchema } from './table-schema.js';

/** Our own tables at the target that rows of `writes` come into: each of its rows says whose it is. */
export const OWN_TABLES: readonly TableSchema[] = [HELD_TABLE, CORRECTION_TABLE, REFERENCE_TABLE, ALLOCATED_TABLE];
