import type { Line } from '@changeover/events';

import type { Connection } from '../connection.js';
import { addOrigins, keyEquals } from '../sql/row-statements.js';
import { Unnest } from '../sql/unnest.js';
import type { ComparedTable } from './compared-table.js';

/** A row as it is compared: a text or null for each column. */
export type StandingRow = readonly (string | null)[];

/**
 * The rows that have the keys of these lines, by the number of the line from 1; without a unique index on the key there may be several. `locked`: until the end of the
 * transaction nobody else changes them.
 */
export async function standingRows(
  connection: Connection,
  { plan, columns }: ComparedTable,
  named: readonly Line[],
  how: 'locked' | 'as they are' = 'as they are',
): Promise<ReadonlyMap<number, readonly StandingRow[]>> {
  const unnest = new Unnest();
  addOrigins(
    plan,
    named.map((origin) => ({ origin })),
    unnest,
  );
  const fields = plan.columns.map(({ quoted }, at) => {
    const value = columns[at]?.compared(`t.${quoted}`);
    // A value of several fields that are all null is one.
    return value === undefined ? 'NULL' : `CASE WHEN ${value} IS DISTINCT FROM NULL THEN format('%s', ${value}) END`;
  });
  const found = await connection.query<{ ord: number; fields: StandingRow }>(
    `SELECT r.ord::int AS ord, ARRAY[${fields.join(', ')}]::text[] AS fields
     FROM ${unnest.from} JOIN ${plan.from} AS t ON ${keyEquals(plan)}${how === 'locked' ? ' FOR UPDATE OF t' : ''}`,
    unnest.values,
  );
  const standing = new Map<number, StandingRow[]>();
  for (const { ord, fields: row } of found) standing.set(ord, [...(standing.get(ord) ?? []), row]);
  return standing;
}
