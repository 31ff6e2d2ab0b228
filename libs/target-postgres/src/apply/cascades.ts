import { escapeIdentifier } from 'pg';

import type { Cascade, Catalogue } from '../catalogue/catalogue.js';
import { rowsOf, type ForeignKey, type TargetTable } from '../catalogue/target-table.js';
import type { Connection } from '../connection.js';
import { tableId } from '../net/net-row.js';
import { addOrigins, keyEquals } from '../sql/row-statements.js';
import { Unnest } from '../sql/unnest.js';
import { foreignKeyId, isUniqueOf } from './claims.js';
import type { ClaimingOp } from './dependencies.js';
import { ROW_REFERENCED, type Refusal, type TargetOp } from './target-op.js';

/** The query of the rows that refer to the row `t` by the foreign key, from `SELECT` to its condition. */
export function standingOn({ child, foreignKey }: Cascade, selected: string): string {
  const same = foreignKey.columns.map(
    (column, index) => `c.${escapeIdentifier(column)} = t.${escapeIdentifier(foreignKey.toColumns[index] as string)}`,
  );
  return `SELECT ${selected} FROM ${rowsOf(child)} AS c WHERE ${same.join(' AND ')}`;
}

/** The foreign key by which a row refers to one of `parent`, though the table is to be emptied, without tables that are emptied with it. */
export async function standingOnTable(
  connection: Connection,
  parent: TargetTable,
  emptied: ReadonlySet<string>,
  catalogue: Catalogue,
): Promise<ForeignKey | null> {
  for (const { child, foreignKey } of catalogue.cascadesFrom(parent, 'delete')) {
    if (emptied.has(tableId(child))) continue;
    const refers = foreignKey.columns.map((column) => `${escapeIdentifier(column)} IS NOT NULL`).join(' AND ');
    const [found] = await connection.query<{ rows: boolean }>(`SELECT EXISTS (SELECT FROM ${rowsOf(child)} WHERE ${refers}) AS rows`);
    if (found?.rows === true) return foreignKey;
  }
  return null;
}

/**
 * Looks for an op after which, were all of `ops` applied, rows would still refer to what it deletes or changes: those that do now, less those that the
 * ops lead away, and with those that they lead there. Gives it as refused.
 */
export async function findReferenced(connection: Connection, ops: readonly ClaimingOp[], catalogue: Catalogue): Promise<Refusal | null> {
  const suspects = new Map<string, { readonly cascades: readonly Cascade[]; readonly ops: ClaimingOp[] }>();
  for (const claiming of ops) {
    const { plan, row } = claiming.op;
    if (row.kind === 'insert') continue;
    const id = `${row.kind} ${plan.id} ${plan.schema.hash}`;
    let group = suspects.get(id);
    if (group === undefined) suspects.set(id, (group = { cascades: catalogue.cascadesFrom(plan.target, row.kind), ops: [] }));
    const [first] = group.cascades;
    if (first === undefined) continue;
    // Found by all its columns: nobody can say which of equal rows others stand on.
    if (plan.addressing !== 'key') return refusalOf(claiming.op, first);
    if (group.cascades.some((cascade) => freedValue(claiming, cascade) !== null)) group.ops.push(claiming);
  }
  const moving = referencesMoved(ops);
  for (const { cascades, ops: some } of suspects.values()) {
    if (some.length === 0) continue;
    const standing = await countStanding(connection, some, cascades);
    for (const [at, claiming] of some.entries())
      for (const [place, cascade] of cascades.entries()) {
        const value = freedValue(claiming, cascade);
        if (value === null) continue;
        const left = (standing[at]?.[place] ?? 0) + (moving.get(referenceKey(idOf(cascade), value)) ?? 0);
        if (left > 0) return refusalOf(claiming.op, cascade);
      }
  }
  return null;
}

function refusalOf(op: TargetOp, { foreignKey }: Cascade): Refusal {
  return { op, sqlstate: null, constraint: foreignKey.name, reason: ROW_REFERENCED };
}

/** The value that the op takes from those who refer to it by the foreign key. */
function freedValue({ claims }: ClaimingOp, { foreignKey }: Cascade): string | null {
  return claims.frees.find(({ unique }) => isUniqueOf(unique, foreignKey.toColumns))?.value ?? null;
}

/** By foreign key and value: how many rows more the ops lead there than away. */
function referencesMoved(ops: readonly ClaimingOp[]): ReadonlyMap<string, number> {
  const moved = new Map<string, number>();
  const count = (foreignKey: string, value: string, change: number): void => {
    const key = referenceKey(foreignKey, value);
    moved.set(key, (moved.get(key) ?? 0) + change);
  };
  for (const { claims } of ops) {
    for (const { foreignKey, value } of claims.releases) count(foreignKey, value, -1);
    for (const { foreignKey, value, isNew } of claims.requires) if (isNew) count(foreignKey, value, 1);
  }
  return moved;
}

async function countStanding(
  connection: Connection,
  ops: readonly ClaimingOp[],
  cascades: readonly Cascade[],
): Promise<readonly (readonly number[])[]> {
  const { plan } = (ops[0] as ClaimingOp).op;
  const unnest = new Unnest();
  addOrigins(
    plan,
    ops.map(({ op }) => op.row),
    unnest,
  );
  const counts = cascades.map((cascade) => `(${standingOn(cascade, 'count(*)')})`).join(', ');
  const rows = await connection.query<{ counts: number[] }>(
    `SELECT ARRAY[${counts}]::int[] AS counts FROM ${unnest.from} LEFT JOIN ${plan.from} AS t ON ${keyEquals(plan)} ORDER BY r.ord`,
    unnest.values,
  );
  return rows.map((row) => row.counts);
}

function referenceKey(foreignKey: string, value: string): string {
  return `${foreignKey}\u0000${value}`;
}

function idOf({ child, foreignKey }: Cascade): string {
  return foreignKeyId(tableId(child), foreignKey.name);
}
