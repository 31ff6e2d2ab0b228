import type { Line } from '@changeover/events';

import type { Connection } from '../connection.js';
import { addOrigins, alias, typed } from '../sql/row-statements.js';
import type { TablePlan } from '../sql/table-plan.js';
import { Unnest } from '../sql/unnest.js';
import { fingerprint, keyValues, lineFrom } from './row-values.js';
import type { TargetOp } from './target-op.js';

/** A line that holds a key, in the form of the plan. */
export type KeyedLine = { readonly plan: TablePlan; readonly line: Line };

/** The name of the key in a line: with its table, and the same for keys that are equal, whatever the order of the columns. */
export type NameOf = (plan: TablePlan, line: Line) => string;

/** Two values of these are equal if their texts are, as a log writes them. */
const ONE_TEXT: ReadonlySet<string> = new Set(['pg_catalog.int2', 'pg_catalog.int4', 'pg_catalog.int8', 'pg_catalog.uuid']);

/** By the texts of keys alone. */
export const nameByText: NameOf = (plan, line) => `${plan.id}\u0000${fingerprint(keyValues(plan, line))}`;

/**
 * Names by which keys are told apart as the target does it: to a numeric 1.0 is 1, and a collation or a type like citext may take further texts to be equal. Only the
 * names of the keys in `lines` are known.
 */
export async function readKeyNames(connection: Connection, lines: readonly KeyedLine[]): Promise<NameOf> {
  const byTable = new Map<string, { readonly plan: TablePlan; readonly keys: Map<string, KeyedLine> }>();
  for (const keyed of lines) {
    const { plan, line } = keyed;
    if (plan.keys.every(({ target }) => ONE_TEXT.has(target.cast))) continue;
    const table = byTable.get(plan.id) ?? { plan, keys: new Map<string, KeyedLine>() };
    byTable.set(plan.id, table);
    table.keys.set(nameByText(plan, line), keyed);
  }
  const names = new Map<string, string>();
  for (const { plan, keys } of byTable.values()) {
    const ranks = await readRanks(connection, plan, [...keys.values()]);
    [...keys.keys()].forEach((text, index) => names.set(text, `${plan.id}\u0000${String(ranks[index])}`));
  }
  return (plan, line) => {
    const text = nameByText(plan, line);
    return names.get(text) ?? text;
  };
}

/** The lines that tell where the ops come from and what becomes of them, in tables with a key. */
export function keyedLines(ops: readonly TargetOp[]): readonly KeyedLine[] {
  return ops.flatMap(({ plan, row }) =>
    plan.addressing === 'key' ? [row.origin, row.line].flatMap((line) => (line === null ? [] : [{ plan, line }])) : [],
  );
}

/** A number for each of the keys, the same for equal ones. The columns of the table come first, without a row, so that the keys have their collations. */
async function readRanks(connection: Connection, plan: TablePlan, keys: readonly KeyedLine[]): Promise<readonly number[]> {
  const unnest = new Unnest();
  const origins = keys.map((key) => ({ origin: key.plan === plan ? key.line : lineFrom(plan, keyValues(key.plan, key.line), false) }));
  addOrigins(plan, origins, unnest);
  const columns = plan.keys.map((column) => ({ name: alias('o', column), quoted: column.quoted, typed: typed('o', column) }));
  const rows = await connection.query<{ rank: number }>(
    `SELECT dense_rank() OVER (ORDER BY ${columns.map(({ name }) => `k.${name}`).join(', ')})::int AS rank FROM (
       SELECT 0::bigint AS ord, ${columns.map(({ name, quoted }) => `t.${quoted} AS ${name}`).join(', ')} FROM ${plan.from} AS t WHERE false
       UNION ALL SELECT r.ord, ${columns.map((column) => column.typed).join(', ')} FROM ${unnest.from}) AS k ORDER BY k.ord`,
    unnest.values,
  );
  return rows.map(({ rank }) => rank);
}
