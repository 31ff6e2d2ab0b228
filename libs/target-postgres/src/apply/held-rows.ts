import { invariant } from '@changeover/core';

import type { Connection } from '../connection.js';
import type { NetRow } from '../net/net-row.js';
import { statementFor } from '../sql/row-statements.js';
import type { TablePlan } from '../sql/table-plan.js';

/**
 * Brings net rows into the list of held rows. It is our own table and each row comes whole, so nothing is ever refused here: a row that is there
 * already is overwritten, and one that is gone need not be deleted (somebody may have tidied up).
 */
export async function applyHeld(
  connection: Connection,
  plan: TablePlan,
  { rows, migration }: { readonly rows: readonly NetRow[]; readonly migration: string },
): Promise<void> {
  invariant(plan.keys[0]?.target.name === 'migration', 'the key of a held row begins with its migration');
  const isOther = (key: string | null): boolean => key !== null && !key.startsWith(`${migration}\t`);
  invariant(!rows.some(({ originKey, key }) => isOther(originKey) || isOther(key)), 'the writes hold rows of another migration');
  const gone = rows.filter(({ originKey, key }) => originKey !== null && originKey !== key);
  if (gone.length > 0) await connection.execute(statementFor({ plan, kind: 'delete', rows: gone }));
  const there = rows.filter(({ line }) => line !== null);
  if (there.length > 0) await connection.execute(upsert(plan, there));
}

function upsert(plan: TablePlan, rows: readonly NetRow[]): ReturnType<typeof statementFor> {
  const insert = statementFor({ plan, kind: 'insert', rows });
  const key = plan.keys.map(({ quoted }) => quoted).join(', ');
  const others = plan.columns.filter((column) => !column.key).map(({ quoted }) => `${quoted} = excluded.${quoted}`);
  return { ...insert, text: `${insert.text} ON CONFLICT (${key}) DO UPDATE SET ${others.join(', ')}` };
}
