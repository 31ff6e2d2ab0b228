import { parseRows, type ChangedRow, type Line } from '@changeover/events';

import { keyedLines, readKeyNames, type NameOf } from '../apply/key-names.js';
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

/** An op whose row is not as it was left, or whose place is not free, and how; an op may be there for both. */
export type ChangedOp = { readonly op: TargetOp; readonly how: ChangedRow['how'] };

export type ChangedRowsParts = {
  readonly connection: Connection;
  readonly migration: string;
  readonly judge: () => Promise<TypeJudge>;
};

/**
 * The ops whose rows somebody else has changed since they were written, or to whose keys somebody else has brought a row: each row is read by its key, and compared
 * with the row that it should be, both as its columns' types spell it. Rows without a key are found by all that they hold, or not at all. `kept`: what is found stays
 * as it is, so that nothing comes to where such a row stays, either.
 */
export async function findChanged(
  parts: ChangedRowsParts,
  ops: readonly TargetOp[],
  { kept }: { readonly kept: boolean },
): Promise<readonly ChangedOp[]> {
  const keyed = ops.filter(({ plan }) => plan.addressing === 'key');
  const byPlan = new Map<TablePlan, TargetOp[]>();
  for (const op of keyed) {
    const some = byPlan.get(op.plan);
    if (some === undefined) byPlan.set(op.plan, [op]);
    else some.push(op);
  }
  const nameOf = await readKeyNames(parts.connection, keyedLines(keyed));
  const places = new Map(keyed.map((op) => [op, placesOf(op, nameOf)]));
  // A row may come where another one leaves.
  const leaving = new Set([...places.values()].map(({ from }) => from));
  const changed: ChangedOp[] = [];
  for (const [plan, some] of byPlan) {
    const table = await comparedTable(parts.connection, parts.migration, plan.schema);
    const lines = new ComparedLines(table, parts.judge);
    const was = some.filter(({ row }) => row.origin !== null);
    for (let at = 0; at < was.length; at += READ_ROWS)
      changed.push(...(await changedOf(parts.connection, table, lines, was.slice(at, at + READ_ROWS))));
    const comes = some.filter((op) => {
      const { from, to } = places.get(op) as Places;
      return to !== null && to !== from && !leaving.has(to);
    });
    for (let at = 0; at < comes.length; at += READ_ROWS)
      changed.push(...(await takenOf(parts.connection, table, comes.slice(at, at + READ_ROWS))));
  }
  return kept ? [...changed, ...takenByKept(changed, places)] : changed;
}

/** Names of the keys that an op's row has before and afterwards; null: there is none. */
type Places = { readonly from: string | null; readonly to: string | null };

function placesOf({ plan, row: { origin, line } }: TargetOp, nameOf: NameOf): Places {
  return { from: origin === null ? null : nameOf(plan, origin), to: line === null ? null : nameOf(plan, line) };
}

async function changedOf(
  connection: Connection,
  table: ComparedTable,
  lines: ComparedLines,
  ops: readonly TargetOp[],
): Promise<readonly ChangedOp[]> {
  const expected = ops.map(({ row }) => row.origin as Line);
  const found = await standingRows(connection, table, expected);
  const compared = parseRows(await lines.read(Buffer.concat(expected.map(({ bytes, start, end }) => bytes.subarray(start, end + 1)))));
  return ops.flatMap((op, n): ChangedOp[] => {
    const row = found.get(n + 1)?.[0];
    if (row === undefined) return [{ op, how: 'gone' }];
    const wanted = compared[n] as (string | null | undefined)[];
    const differs = row.some((value, column) => table.columns[column] !== null && wanted[column] !== undefined && wanted[column] !== value);
    return differs ? [{ op, how: 'changed' }] : [];
  });
}

async function takenOf(connection: Connection, table: ComparedTable, ops: readonly TargetOp[]): Promise<readonly ChangedOp[]> {
  const found = await standingRows(
    connection,
    table,
    ops.map(({ row }) => row.line as Line),
  );
  return ops.flatMap((op, n): ChangedOp[] => (found.has(n + 1) ? [{ op, how: 'taken' }] : []));
}

/** Who was to come where a row that is kept stays after all: that one is kept as well, and so on from where it stays. */
function takenByKept(changed: readonly ChangedOp[], places: ReadonlyMap<TargetOp, Places>): readonly ChangedOp[] {
  const coming = new Map([...places].map(([op, { to }]) => [to, op]));
  const gone = new Set(changed.flatMap(({ op, how }) => (how === 'gone' ? [op] : [])));
  const kept = new Set(changed.map(({ op }) => op));
  const more: ChangedOp[] = [];
  for (const op of kept) {
    const { from } = places.get(op) as Places;
    const next = from === null || gone.has(op) ? undefined : coming.get(from);
    if (next === undefined || kept.has(next)) continue;
    // Grows while it is walked.
    kept.add(next);
    more.push({ op: next, how: 'taken' });
  }
  return more;
}

/** What is to be done where somebody's changes are not to count: each row is taken from however it stands, and what stands in its place goes. */
export function overwriting(changed: readonly ChangedOp[]): readonly TargetOp[] {
  const hows = new Map<TargetOp, Set<ChangedRow['how']>>();
  for (const { op, how } of changed) hows.set(op, (hows.get(op) ?? new Set()).add(how));
  return [...hows].flatMap(([op, how]): TargetOp[] => {
    const { plan, row } = op;
    const isThere = row.origin !== null && !how.has('gone');
    if (!how.has('taken')) {
      if (isThere) return [op];
      return row.line === null ? [] : [{ ...op, row: { ...row, kind: 'insert', origin: null, originKey: null } }];
    }
    const origin = lineFrom(plan, keyValues(plan, row.line as Line), false);
    if (!isThere) return [{ ...op, row: { ...row, kind: 'update', origin, originKey: row.key } }];
    return [{ ...op, row: { ...row, kind: 'delete', origin, originKey: row.key, line: null, key: null } }, op];
  });
}

export function describe({ op, how }: ChangedOp): ChangedRow {
  const { plan, row } = op;
  return { table: tableId(plan.schema), key: keyIn(plan, (how === 'taken' ? row.line : row.origin) as Line), how };
}

function keyIn(plan: TablePlan, line: Line): ChangedRow['key'] {
  const values = keyValues(plan, line);
  return plan.keys.map(({ target }) => values[target.name] ?? null);
}

/** The table of a row and its key, as the source has it last; of a row without a key the table. */
export function nameRow({ plan, row }: TargetOp): string {
  return rowName(tableId(plan.schema), keyIn(plan, (row.line ?? row.origin) as Line));
}

/** For people. */
export function rowName(table: string, key: ChangedRow['key']): string {
  return key.length === 0 ? table : `${table} (${key.map((value) => value ?? 'null').join(', ')})`;
}
