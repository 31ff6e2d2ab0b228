import { fieldText, formatRows, scanLine, keyText, lineOf, type Line } from '@changeover/events';

import type { Connection } from '../connection.js';
import { addOrigins, keyEquals } from '../sql/row-statements.js';
import type { TablePlan } from '../sql/table-plan.js';
import { Unnest } from '../sql/unnest.js';
import type { TargetOp } from './target-op.js';

/** Column to text: for the few rows that are refused or exchange their contents. */
export type Values = Readonly<Record<string, string | null>>;

/** The values that a line tells. */
export function valuesOf(plan: TablePlan, line: Line, choose: (index: number) => boolean = () => true): Values {
  const starts = new Int32Array(plan.columns.length + 1);
  scanLine(line.bytes, line.start, starts);
  return Object.fromEntries(
    plan.columns.flatMap(({ index, target }) => {
      const text = fieldText(line.bytes, starts[index] as number, (starts[index + 1] as number) - 1);
      return text === undefined || !choose(index) ? [] : [[target.name, text] as const];
    }),
  );
}

/** `complete`: columns that are not told are null, not unchanged. */
export function lineFrom(plan: TablePlan, values: Values, complete: boolean): Line {
  return lineOf(
    formatRows([
      plan.columns.map(({ target }) => (Object.hasOwn(values, target.name) ? values[target.name] : complete ? null : undefined)),
    ]),
  );
}

/** The line's key, as net rows have it. */
export function keyOf(plan: TablePlan, line: Line): string {
  const starts = new Int32Array(plan.columns.length + 1);
  scanLine(line.bytes, line.start, starts);
  return keyText(
    line.bytes,
    starts,
    plan.keys.map(({ index }) => index),
  );
}

/** The line's key by column: comparable between forms of a table whose columns are in another order. */
export function keyValues(plan: TablePlan, line: Line): Values {
  return valuesOf(plan, line, (index) => plan.columns[index]?.key === true);
}

export function isSame(a: Values | null, b: Values | null): boolean {
  return fingerprint(a) === fingerprint(b);
}

/** Equal for equal values, whatever the order of the columns. */
export function fingerprint(values: Values | null): string {
  return values === null ? '' : JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The row as it stands in the target. */
export async function readStanding(connection: Connection, { plan, row }: TargetOp): Promise<Values | null> {
  if (row.kind === 'insert') return null;
  // A row that has no key is the row that it is.
  if (plan.addressing !== 'key') return row.origin === null ? null : valuesOf(plan, row.origin);
  const unnest = new Unnest();
  addOrigins(plan, [row], unnest);
  const names = plan.target.columns.map(({ name }) => name);
  const values = names.map((name) => `t."${name.replaceAll('"', '""')}"::text`).join(', ');
  const [found] = await connection.query<{ stands: Values }>(
    `SELECT jsonb_object($${String(unnest.values.length + 1)}::text[], ARRAY[${values}]) AS stands FROM ${unnest.from} JOIN ${plan.from} AS t ON ${keyEquals(plan)}`,
    [...unnest.values, names],
  );
  return found?.stands ?? null;
}
