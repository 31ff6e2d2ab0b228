import { parseRows, type ChangedRow, type Line } from '@changeover/events';

import { keyedLines, readKeyNames } from '../apply/key-names.js';
import { keyValues, lineFrom } from '../apply/row-values.js';
import type { TargetOp } from '../apply/target-op.js';
import type { Connection } from '../connection.js';
import { tableId } from '../net/net-row.js';
import { ComparedLines } from '../snapshot/compared-lines.js';
import { comparedTable, type ComparedTable } from '../snapshot/compared-table.js';
import { standingRows } from '../snapshot/standing-rows.js';
import type { TypeJudge } from '../snapshot/type-judge.js';
import type { TablePlan } from '../sql/table-plan.js';

/** Rows that are read at once. */
const READ_ROWS = 1000;

/** An op whose row is not as it was left, and how. */
export type ChangedOp = { readonly op: TargetOp; readonly how: ChangedRow['how'] };

export type ChangedRowsParts = {
  readonly connection: Connection;
  readonly migration: string;
  readonly judge: () => Promise<TypeJudge>;
};

/**
 * The ops whose rows somebody else has changed since they were written: each row is read by its key, and compared with the row that it should be, both as its
 * columns' types spell it. Rows without a key are found by all that they hold, or not at all.
 */
export async function findChanged(parts: ChangedRowsParts, ops: readonly TargetOp[]): Promise<readonly ChangedOp[]> {
  const byPlan = new Map<TablePlan, TargetOp[]>();
  const keyed = ops.filter(({ plan }) => plan.addressing === 'key');
  for (const op of keyed) {
    const some = byPlan.get(op.plan);
    if (some === undefined) byPlan.set(op.plan, [op]);
    else some.push(op);
  }
  const nameOf = await readKeyNames(parts.connection, keyedLines(keyed));
  // A row may come where another one leaves.
  const leaving = new Set(keyed.flatMap(({ plan, row }) => (row.origin === null ? [] : [nameOf(plan, row.origin)])));
  const changed: ChangedOp[] = [];
  for (const [plan, some] of byPlan) {
    const table = await comparedTable(parts.connection, parts.migration, plan.schema);
    const lines = new ComparedLines(table, parts.judge);
    const looked = some.filter(({ row }) => row.kind !== 'insert' || !leaving.has(nameOf(plan, row.line as Line)));
    for (let at = 0; at < looked.length; at += READ_ROWS)
      changed.push(...(await changedOf(parts.connection, table, lines, looked.slice(at, at + READ_ROWS))));
  }
  return changed;
}

async function changedOf(
  connection: Connection,
  table: ComparedTable,
  lines: ComparedLines,
  ops: readonly TargetOp[],
): Promise<readonly ChangedOp[]> {
  const expected = ops.map(({ row }) => (row.origin ?? row.line) as Line);
  const found = await standingRows(connection, table, expected);
  const compared = parseRows(await lines.read(Buffer.concat(expected.map(({ bytes, start, end }) => bytes.subarray(start, end + 1)))));
  return ops.flatMap((op, n): ChangedOp[] => {
    const row = found.get(n + 1)?.[0];
    if (op.row.kind === 'insert') return row === undefined ? [] : [{ op, how: 'taken' }];
    if (row === undefined) return [{ op, how: 'gone' }];
    const wanted = compared[n] as (string | null | undefined)[];
    const differs = row.some((value, column) => table.columns[column] !== null && wanted[column] !== undefined && wanted[column] !== value);
    return differs ? [{ op, how: 'changed' }] : [];
  });
}

/** What is to be done where somebody's changes are not to count: the row is taken from however it stands. */
export function overwriting({ op, how }: ChangedOp): TargetOp | null {
  const { plan, row } = op;
  switch (how) {
    case 'changed':
      return op;
    case 'gone':
      return row.line === null ? null : { ...op, row: { ...row, kind: 'insert', origin: null, originKey: null } };
    case 'taken': {
      const line = row.line as Line;
      return { ...op, row: { ...row, kind: 'update', origin: lineFrom(plan, keyValues(plan, line), false), originKey: row.key } };
    }
  }
}

export function describe({ op, how }: ChangedOp): ChangedRow {
  const { plan, row } = op;
  const values = keyValues(plan, (row.origin ?? row.line) as Line);
  return { table: tableId(plan.schema), key: plan.keys.map(({ target }) => values[target.name] ?? null), how };
}
