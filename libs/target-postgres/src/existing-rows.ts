import type { TableSchema } from '@changeover/events';

import { isUniqueOf } from './apply/claims.js';
import type { TargetTable } from './catalogue/target-table.js';
import { addressingOf } from './net/net-row.js';

/**
 * What becomes of rows that stand in a table when it is first loaded.
 *
 * - `refuse`: TARGET_NOT_EMPTY, nothing written.
 * - `leave`: nothing of ours changes or deletes them. A row of ours is always inserted first, so the first thing it meets is the unique index on the key:
 *   if one of them has its key, or a unique value of it, it is refused as any row is, and what stands in `changeover.refused` with nothing in the table
 *   (`stands` is null) is only ever inserted: later changes of it change what is wanted there, and when it goes at the source the entry is closed. It gets
 *   in when the row that was there is gone. Rows of ours that refer to its key refer to the row that was there meanwhile: the target cannot tell the two
 *   apart. A row that they refer to is not deleted, nor its key changed, by which a foreign key would take them along.
 *
 * `leave` needs a key with a unique index ({@link whyNotLeft}). Where a table is emptied by one frame, which says of no row whose it is: TARGET_REFUSES.
 */
export type ExistingRows = 'refuse' | 'leave';

/** Why rows cannot be left in a table because they could be taken for ours; null: they can. */
export function whyNotLeft(schema: TableSchema, target: TargetTable): string | null {
  if (addressingOf(schema) !== 'key') return 'without a key, nobody can tell them from ours';
  const keys = schema.columns.filter(({ key }) => key).map(({ name }) => name);
  if (target.uniques.some((unique) => isUniqueOf(unique, keys))) return null;
  return `without a unique index on the key (${keys.join(', ')}), nobody can tell them from ours`;
}
