import type { Line } from '@changeover/events';

import type { Cascade, Catalogue } from '../catalogue/catalogue.js';
import type { Connection } from '../connection.js';
import { tableId, type NetRow } from '../net/net-row.js';
import type { CrashPoint } from '../options.js';
import { insertTarget, statementFor } from '../sql/row-statements.js';
import type { TablePlan } from '../sql/table-plan.js';
import type { BulkRows } from './bulk-rows.js';
import { standingOn } from './cascades.js';
import { isUniqueOf } from './claims.js';
import { parentsFirst } from './table-order.js';
import type { TargetOp } from './target-op.js';

export type FastPathParts = {
  readonly connection: Connection;
  readonly catalogue: Catalogue;
  readonly copyFromRows: number;
  readonly crashPoint: CrashPoint;
};

/** What a segment comes to; no table is in both. */
export type FastWork = { readonly ops: readonly TargetOp[]; readonly bulk: readonly BulkRows[] };

/**
 * Applies ops in the order that suits nearly every batch: inserts parents first, updates, deletes children first, each table's rows in one statement. Where other
 * values than the key are unique, new rows often have what another row has let go: there that row comes before them.
 * `false`: the target did not do all of it (a row was not there, a trigger left one out), or keys move and the order needs more thought; like
 * an error, this asks for a roll-back and the careful path.
 */
export async function applyFast(parts: FastPathParts, { ops, bulk }: FastWork): Promise<boolean> {
  const { connection, catalogue } = parts;
  const groups = groupByTable(ops);
  for (const { plan, update } of groups.values()) {
    if (update.some((row) => row.originKey !== row.key)) return false;
    if (update.length > 0 && catalogue.cascadesFrom(plan.target, 'update').some((cascade) => !isByKey(plan, cascade))) return false;
  }
  const ranks = parentsFirst([...groups.keys(), ...bulk.map(({ plan }) => plan.id)], catalogue.tables);
  const ordered = <Some extends { readonly plan: TablePlan }>(some: Iterable<Some>): Some[] =>
    [...some].sort((a, b) => (ranks.get(a.plan.id) as number) - (ranks.get(b.plan.id) as number));
  const tables = ordered(groups.values());
  const updates = ({ plan, update }: Group): Step[] => (update.length === 0 ? [] : [() => changeRows(connection, plan, 'update', update)]);
  const inserts = (some: Group | BulkRows): Step[] => {
    if ('pieces' in some) return [() => copyRows(parts, some)];
    return some.insert.length === 0 ? [] : [() => insertRows(parts, some.plan, some.insert)];
  };
  const deletes = tables.toReversed().flatMap(({ plan, delete: gone }): Step[] => {
    return gone.length === 0 ? [] : [() => deleteRows(connection, plan, gone, catalogue.cascadesFrom(plan.target, 'delete'))];
  });
  const freeing = tables.filter(({ plan, insert }) => insert.length > 0 && hasOtherUniques(plan));
  const deletesFirst = freeing.some((table) => table.delete.length > 0) && !tables.some((table) => mayLeave(table, tables));
  const steps = [
    ...(deletesFirst ? deletes : []),
    ...ordered([...tables, ...bulk]).flatMap((some) => [...freeing.filter((table) => table === some).flatMap(updates), ...inserts(some)]),
    ...tables.filter((table) => !freeing.includes(table)).flatMap(updates),
    ...(deletesFirst ? [] : deletes),
  ];
  for (const step of steps) if (!(await step())) return false;
  return true;
}

/** `false`: it did not do all of it. */
type Step = () => Promise<boolean>;

/** Whether other values of its rows than their keys are unique. */
function hasOtherUniques({ target, keys }: TablePlan): boolean {
  const names = keys.map((key) => key.target.name);
  return target.uniques.some((unique) => !isUniqueOf(unique, names));
}

/** Whether rows of the table that change may have referred to one that goes: then it can only go behind that. */
function mayLeave({ plan: { target }, update }: Group, tables: readonly Group[]): boolean {
  const refersTo = (id: string): boolean =>
    target.foreignKeys.some(({ toSchema, toTable }) => tableId({ schema: toSchema, table: toTable }) === id);
  return update.length > 0 && tables.some(({ plan, delete: gone }) => gone.length > 0 && refersTo(plan.id));
}

/** Whether only a change of the rows' key starts it. */
function isByKey(plan: TablePlan, { foreignKey }: Cascade): boolean {
  return foreignKey.toColumns.every((name) => plan.keys.some(({ target }) => target.name === name));
}

type Group = { readonly plan: TablePlan } & Record<NetRow['kind'], NetRow[]>;

function groupByTable(ops: readonly TargetOp[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { plan, row } of ops) {
    let group = groups.get(plan.id);
    if (group === undefined) groups.set(plan.id, (group = { plan, insert: [], update: [], delete: [] }));
    group[row.kind].push(row);
  }
  return groups;
}

async function insertRows(parts: FastPathParts, plan: TablePlan, rows: readonly NetRow[]): Promise<boolean> {
  if (!plan.copyable || rows.length < parts.copyFromRows) return changeRows(parts.connection, plan, 'insert', rows);
  return copyRows(parts, { plan, count: rows.length, pieces: [joinLines(rows.map((row) => row.line as Line))] });
}

async function copyRows({ connection, crashPoint }: FastPathParts, { plan, count, pieces }: BulkRows): Promise<boolean> {
  return (await connection.copyIn(`COPY ${insertTarget(plan)} FROM STDIN`, pieces, () => crashPoint('load.in-copy'))) === count;
}

async function changeRows(connection: Connection, plan: TablePlan, kind: 'insert' | 'update', rows: readonly NetRow[]): Promise<boolean> {
  return (await connection.execute(statementFor({ plan, kind, rows }))) === rows.length;
}

/** A row that others stand on, which the target would take along, is left. */
async function deleteRows(
  connection: Connection,
  plan: TablePlan,
  rows: readonly NetRow[],
  cascades: readonly Cascade[],
): Promise<boolean> {
  const guard = cascades.map((cascade) => `NOT EXISTS (${standingOn(cascade, '')})`).join(' AND ');
  const statement = statementFor({ plan, kind: 'delete', rows }, guard === '' ? {} : { guard });
  if (plan.addressing === 'key') return (await connection.execute(statement)) === rows.length;
  if (guard !== '') return false;
  await deleteWholeRows(connection, () => connection.query(statement.text, statement.values));
  return true;
}

/** Rows without a key are found by reading their whole table once, which is what our planner settings forbid elsewhere. */
export async function deleteWholeRows<Result>(connection: Connection, run: () => Promise<Result>): Promise<Result> {
  await connection.query('SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on');
  const result = await run();
  await connection.query('SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off');
  return result;
}

/** The lines one behind the other; neighbours in one buffer are copied together. */
function joinLines(lines: readonly Line[]): Buffer {
  const pieces: Buffer[] = [];
  for (let first = 0; first < lines.length;) {
    const { bytes, start } = lines[first] as Line;
    let end = (lines[first] as Line).end + 1;
    let next = first + 1;
    for (; next < lines.length; next++) {
      const line = lines[next] as Line;
      if (line.bytes !== bytes || line.start !== end) break;
      end = line.end + 1;
    }
    pieces.push(bytes.subarray(start, end));
    first = next;
  }
  return Buffer.concat(pieces);
}
