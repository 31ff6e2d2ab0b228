import {
  formatRows,
  HOLD_MS,
  lineOf,
  tableName,
  type Line,
  type LoadProgress,
  type RepairOutcome,
  type RowRepair,
} from '@changeover/events';

import type pg from 'pg';

import { CarefulPath } from './apply/careful-path.js';
import { RefusedRows } from './apply/refused-rows.js';
import { keyOf, keyValues } from './apply/row-values.js';
import { ROW_MISSING, type Refusal, type TargetOp } from './apply/target-op.js';
import { KnownTables } from './catalogue/known-tables.js';
import type { PinnedForms } from './catalogue/table-form.js';
import type { Connection } from './connection.js';
import type { Holder } from './load-holds.js';
import type { NetRow } from './net/net-row.js';
import type { CrashPoint } from './options.js';
import { holdLost } from './postgres-load-hold.js';
import { PreexistingRows } from './preexisting-rows.js';
import { comparedTable, type ComparedTable } from './snapshot/compared-table.js';
import { standingRows, type StandingRow } from './snapshot/standing-rows.js';
import type { TablePlan } from './sql/table-plan.js';
import { asTargetError, targetError, verdictOf } from './sql-state.js';

/** Whoever has a row keeps us waiting no longer than others may have to wait for load. */
const BEGIN = `BEGIN; SET LOCAL lock_timeout = ${String(HOLD_MS)}`;

/** With this lock nothing can be loaded until the end of the transaction, whatever becomes of the hold. */
const LOCK_PLACE = `SELECT tables FROM changeover.progress
  WHERE migration = $1 AND hold_id = $2 AND writes_log_id = $3 AND writes_seq = $4 FOR UPDATE`;

export type RepairWork = {
  readonly holder: Holder;
  /** Where load is held. */
  readonly at: LoadProgress;
  readonly rows: readonly RowRepair[];
  readonly crashPoint: CrashPoint;
};

/** {@link LoadHold.repair} on a connection that is of no more use after an error. */
export async function repairRows(connection: Connection, work: RepairWork): Promise<readonly RepairOutcome[]> {
  try {
    await connection.query(BEGIN);
    const known = await lockedTables(connection, work);
    const outcomes: RepairOutcome[] = work.rows.map(() => ({ done: 'changed' }));
    const ops = new Map<TargetOp, number>();
    for (const places of byTable(work.rows)) {
      const { table } = work.rows[places[0] as number] as RowRepair;
      const compared = await comparedTable(connection, work.holder.migration, table);
      const plan = known.plan(table);
      const { same, refused } = await stillAsFound(connection, compared, work.rows, places);
      for (const place of same) ops.set({ plan, row: netRow(plan, work.rows[place] as RowRepair, work.at), refusal: null }, place);
      for (const [place, refusal] of refused) outcomes[place] = { done: 'refused', reason: reasonOf(refusal) };
    }
    for (const place of ops.values()) outcomes[place] = { done: 'repaired' };
    const careful = new CarefulPath({
      connection,
      catalogue: () => known.catalogue,
      recheck: async () => {
        await known.check();
      },
      crashPoint: work.crashPoint,
    });
    const { applied, refusals } = await careful.apply([...ops.keys()], work.at.writes.seq);
    for (const refusal of refusals) outcomes[ops.get(refusal.op) as number] = { done: 'refused', reason: reasonOf(refusal) };
    for (const [op, place] of ops)
      if (work.rows[place]?.isMissed === true && outcomes[place]?.done === 'repaired') await closeMissed(connection, op, work);
    const refused = new RefusedRows(connection, work.holder.migration);
    await refused.count();
    await refused.close(await refused.displace(applied, { except: [], seq: work.at.writes.seq }), work.at.writes.seq);
    await work.crashPoint('verify.repairing');
    await connection.commit();
    return outcomes;
  } catch (error) {
    const verdict = verdictOf(error);
    // A trigger that is deferred, or a table that is not what the catalogue said a moment ago.
    if (verdict === 'row') throw targetError(error, 'TARGET_REFUSES');
    throw verdict === 'form' ? targetError(error, 'TARGET_CHANGED') : asTargetError(error);
  }
}

async function lockedTables(connection: Connection, { holder, at }: RepairWork): Promise<KnownTables> {
  const { migration, holdId } = holder;
  const [row] = await connection.query<{ tables: PinnedForms }>(LOCK_PLACE, [migration, holdId, at.writes.logId, at.writes.seq]);
  if (row === undefined) throw holdLost(holder, 'the hold ended before the rows were repaired, and nothing was written');
  const known = new KnownTables(connection, row.tables, await PreexistingRows.read(connection, migration, 'refuse'));
  await known.check();
  return known;
}

const CLOSE_MISSED = `UPDATE changeover.refused SET to_seq = $2
  WHERE migration = $1 AND table_schema = $3 AND table_name = $4 AND to_seq IS NULL AND reason = '${ROW_MISSING}' AND key = $5::jsonb`;

/** The row is there as it should be, so load has nothing more to try. */
async function closeMissed(connection: Connection, { plan, row }: TargetOp, { holder, at }: RepairWork): Promise<void> {
  const key = JSON.stringify(keyValues(plan, row.line as Line));
  const { schema, table } = plan.schema;
  await connection.query(CLOSE_MISSED, [holder.migration, at.writes.seq, schema, table, key]);
}

/** Places of the rows of each table. */
function byTable(rows: readonly RowRepair[]): Iterable<readonly number[]> {
  const tables = new Map<string, number[]>();
  rows.forEach(({ table }, place) => {
    const id = `${tableName(table)} ${table.hash}`;
    const places = tables.get(id);
    if (places === undefined) tables.set(id, [place]);
    else places.push(place);
  });
  return tables.values();
}

type Looked = { readonly same: readonly number[]; readonly refused: ReadonlyMap<number, Omit<Refusal, 'op'>> };

/** Those of these rows that are what was found, locked until the end of the transaction; and those of which the target does not even take the key. */
async function stillAsFound(
  connection: Connection,
  table: ComparedTable,
  rows: readonly RowRepair[],
  places: readonly number[],
): Promise<Looked> {
  await connection.query('SAVEPOINT look');
  try {
    const named = places.map((place) => lineOf(keyLine(rows[place] as RowRepair)));
    const standing = await standingRows(connection, table, named, 'locked');
    await connection.query('RELEASE SAVEPOINT look');
    const same = places.filter((place, index) => {
      const there = standing.get(index + 1) ?? [];
      const was = (rows[place] as RowRepair).found;
      return was === null ? there.length === 0 : there.length === 1 && was.equals(formatRows([there[0] as StandingRow]));
    });
    return { same, refused: new Map() };
  } catch (error) {
    if (verdictOf(error) !== 'row') throw error;
    await connection.query('ROLLBACK TO SAVEPOINT look');
    if (places.length === 1) {
      const { code } = error as pg.DatabaseError;
      return { same: [], refused: new Map([[places[0] as number, { sqlstate: code ?? null, constraint: null, reason: '' }]]) };
    }
    const middle = places.length >> 1;
    const halves = [places.slice(0, middle), places.slice(middle)];
    const looked: Looked[] = [];
    for (const half of halves) looked.push(await stillAsFound(connection, table, rows, half));
    return { same: looked.flatMap(({ same }) => same), refused: new Map(looked.flatMap(({ refused }) => [...refused])) };
  }
}

/** What holds the row's key. */
function keyLine({ found, expected }: RowRepair): Buffer {
  return (expected ?? found) as Buffer;
}

/** The row keeps its key, so it is found by the one that it should have. */
function netRow(plan: TablePlan, repair: RowRepair, { writes: { seq } }: LoadProgress): NetRow {
  const { found, expected } = repair;
  const named = lineOf(keyLine(repair));
  const key = keyOf(plan, named);
  if (expected === null) return { kind: 'delete', seq, origin: named, originKey: key, line: null, key: null };
  if (found === null) return { kind: 'insert', seq, origin: null, originKey: null, line: named, key };
  return { kind: 'update', seq, origin: named, originKey: key, line: named, key };
}

/** Never the target's own words: a trigger may say values in them. */
function reasonOf({ sqlstate, constraint, reason }: Omit<Refusal, 'op'>): string {
  const why = sqlstate === null ? reason : `SQLSTATE ${sqlstate}`;
  return constraint === null ? why : `${why} (${constraint})`;
}
