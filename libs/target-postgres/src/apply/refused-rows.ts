import { invariant } from '@changeover/core';
import { type TableSchema, mergeLines, type Line } from '@changeover/events';
import { escapeLiteral } from 'pg';

import type { Connection } from '../connection.js';
import type { NetRow } from '../net/net-row.js';
import { addOrigins, keyEquals } from '../sql/row-statements.js';
import type { TablePlan } from '../sql/table-plan.js';
import { Unnest } from '../sql/unnest.js';
import { isSame, keyOf, keyValues, lineFrom, readStanding, valuesOf, type Values } from './row-values.js';
import { ROW_MISSING, type OpenRefusal, type Refusal, type TargetOp } from './target-op.js';

/** Rows tried again at the end of one batch; with more, the batches take turns. */
const RETRIED_PER_BATCH = 100;
/** The same of rows that somebody has asked for. */
const ASKED_PER_BATCH = 500;

export const REFUSAL_COLUMNS = 'id, table_schema, table_name, key, key_text, wanted, stands, missed_by, reason';

/** `missed_by` of a row that is to be found by no key, because another row has come under the one that it had. */
const NO_KEY = '{}';

/** Not of a row that is to be found by no key. */
export const CAN_COME = `missed_by IS DISTINCT FROM '${NO_KEY}'`;

const OPEN_ROWS = `SELECT ${REFUSAL_COLUMNS} FROM changeover.refused
  WHERE migration = $1 AND to_seq IS NULL`;

/**
 * What a refusal said until now becomes a row of its own, closed, and the refusal begins anew: whoever goes back to a checkpoint finds what stood there. Not where it
 * says the same as before, but for the reason, and not where it began with this batch.
 */
const KEEP_VERSION = keepVersion(
  'id = $1 AND (key, key_text, wanted, stands, missed_by) IS DISTINCT FROM ($3::jsonb, $4, $5::jsonb, $6::jsonb, $7::jsonb)',
);

function keepVersion(which: string): string {
  return `WITH changed AS (UPDATE changeover.refused SET version_seq = $2 WHERE version_seq < $2 AND ${which} RETURNING id)
  INSERT INTO changeover.refused
    (migration, table_schema, table_name, key, key_text, wanted, stands, sqlstate, constraint_name, reason, from_seq, to_seq, from_ms, missed_by, version_seq)
  SELECT migration, table_schema, table_name, key, key_text, wanted, stands, sqlstate, constraint_name, reason, from_seq, $2, from_ms, missed_by, version_seq
  FROM changeover.refused JOIN changed USING (id)`;
}

/** The row that a refusal is of has gone, whoever took it away. */
const SET_GONE = `UPDATE changeover.refused SET stands = NULL, missed_by = '${NO_KEY}', sqlstate = NULL, constraint_name = NULL, reason = '${ROW_MISSING}'
  WHERE id = ANY($1::bigint[])`;

/** Those that are of a row of the target, which they know by its key. */
const IS_OF_ROW = `(stands IS NOT NULL OR (reason = '${ROW_MISSING}' AND missed_by IS DISTINCT FROM '${NO_KEY}'))`;

export type RefusedRow = {
  id: string;
  table_schema: string;
  table_name: string;
  key: Values | null;
  key_text: string;
  wanted: Values | null;
  stands: Values | null;
  missed_by: Values | null;
  reason: string;
};

/** The open rows of `changeover.refused` of one migration. */
export class RefusedRows {
  readonly #connection: Connection;
  readonly #migration: string;
  #open = 0;
  /** The last id that was tried again: where the next turn begins. */
  #tried = '0';
  /**
   * The last id of the turn in which every open row is tried once, whatever the batches touch, because the target may have come to take it; null: done.
   * A roll-back goes back to `#kept`.
   */
  #turn: string | null = null;
  #kept: string | null = null;
  /** Such a turn begins with the next transaction: in this one, rows may still be refused for what the target was. */
  #beginsTurn = true;

  constructor(connection: Connection, migration: string) {
    this.#connection = connection;
    this.#migration = migration;
  }

  get open(): number {
    return this.#open;
  }

  /** Counts again: at the start, and after a roll-back. */
  async count(): Promise<void> {
    const [row] = await this.#connection.query<{ open: string }>(
      'SELECT count(*) AS open FROM changeover.refused WHERE migration = $1 AND to_seq IS NULL',
      [this.#migration],
    );
    this.#open = Number(row?.open ?? 0);
    this.#turn = this.#kept;
    this.#beginTurn();
  }

  /** The transaction has committed. */
  keep(): void {
    this.#beginTurn();
    this.#kept = this.#turn;
  }

  /** Has every open row tried once with the batches that come. */
  tryAll(): void {
    this.#beginsTurn = true;
  }

  #beginTurn(): void {
    if (this.#beginsTurn) this.#turn = this.#kept = this.#open === 0 ? null : '0';
    this.#beginsTurn = false;
  }

  /** The ops, those on refused rows taken together with what was wanted before; `closed` are refusals that need nothing more. */
  async settle(ops: readonly TargetOp[]): Promise<{ readonly ops: readonly TargetOp[]; readonly closed: readonly string[] }> {
    const known = await this.#find(ops);
    if (known.size === 0) return { ops, closed: [] };
    let met = false;
    const closed: string[] = [];
    const settled = ops.flatMap((op) => {
      const open = known.get(lookupKey(op.plan.id, originText(op))) ?? [];
      // An insert is of a row that was not there: it meets a delete that was refused, else the row refused under its key moves away in this batch.
      const place = open.findIndex(({ wanted }) => (op.row.kind === 'insert' ? wanted === null : wanted !== null));
      if (place === -1) return [op];
      const [refusal] = open.splice(place, 1) as [OpenRefusal];
      met = true;
      const next = takeFurther(op, refusal);
      if (next === null) closed.push(refusal.id);
      return next === null ? [] : [next];
    });
    return { ops: met ? settled : ops, closed };
  }

  /** Whether any is of a row of the table that stands there, or did. */
  async knowRowsOf({ schema, table }: TableSchema): Promise<boolean> {
    if (this.#open === 0) return false;
    const [found] = await this.#connection.query<{ know: boolean }>(
      `SELECT EXISTS (SELECT FROM changeover.refused
         WHERE migration = $1 AND table_schema = $2 AND table_name = $3 AND to_seq IS NULL AND ${IS_OF_ROW}) AS know`,
      [this.#migration, schema, table],
    );
    return found?.know === true;
  }

  /**
   * To be called with what has been applied before any refusal is tried again. A refusal knows its row by the key under which it stands, or was missed. Where load
   * itself has put a row under that key since, that is another one: the refusal's has gone, and must not be found by the key again, else the other would be taken
   * for it. Gives those that wanted it to go.
   */
  async displace(
    came: readonly TargetOp[],
    { except, seq }: { readonly except: readonly string[]; readonly seq: number },
  ): Promise<string[]> {
    const byPlan = new Map<TablePlan, { readonly origin: Line }[]>();
    for (const { plan, row } of came) {
      if (plan.addressing !== 'key' || row.line === null || row.originKey === row.key) continue;
      const some = byPlan.get(plan);
      if (some === undefined) byPlan.set(plan, [{ origin: row.line }]);
      else some.push({ origin: row.line });
    }
    const closed: string[] = [];
    for (const [plan, rows] of byPlan) {
      if (!(await this.knowRowsOf(plan.schema))) continue;
      const gone = await this.#ofRows(plan, rows, except);
      const ids = gone.flatMap(({ id, is_to_go }) => (is_to_go ? [] : [id]));
      if (ids.length > 0) {
        await this.#connection.query(keepVersion('id = ANY($1::bigint[])'), [ids, seq]);
        await this.#connection.query(SET_GONE, [ids]);
      }
      closed.push(...gone.flatMap(({ id, is_to_go }) => (is_to_go ? [id] : [])));
    }
    return closed;
  }

  /** Keys are compared as the target compares them: 1.0 is 1. There may be many of either, and no index on either. */
  async #ofRows(
    plan: TablePlan,
    rows: readonly { readonly origin: Line }[],
    except: readonly string[],
  ): Promise<readonly { readonly id: string; readonly is_to_go: boolean }[]> {
    const unnest = new Unnest(5);
    addOrigins(plan, rows, unnest);
    const keys = plan.keys.map(
      ({ target: { name, cast } }) =>
        `(coalesce(f.missed_by, f.stands, f.wanted) ->> ${escapeLiteral(name)})::${cast} AS "${name.replaceAll('"', '""')}"`,
    );
    const { schema, table } = plan.schema;
    await this.#connection.query('SET LOCAL enable_hashjoin = on');
    const found = await this.#connection.query<{ id: string; is_to_go: boolean }>(
      `SELECT DISTINCT t.changeover_id AS id, t.changeover_goes AS is_to_go FROM (
         SELECT f.id AS changeover_id, f.wanted IS NULL AS changeover_goes, ${keys.join(', ')} FROM changeover.refused AS f
         WHERE migration = $1 AND table_schema = $2 AND table_name = $3 AND to_seq IS NULL AND id <> ALL($4::bigint[]) AND ${IS_OF_ROW} OFFSET 0) AS t
       JOIN ${unnest.from} ON ${keyEquals(plan)}`,
      [this.#migration, schema, table, except, ...unnest.values],
    );
    await this.#connection.query('SET LOCAL enable_hashjoin = off');
    return found;
  }

  /** Open refusals of these tables, a limited number, to be tried again, and as many of any table while {@link tryAll} is not done. */
  async candidates(tables: ReadonlySet<string>, except: ReadonlySet<string>): Promise<OpenRefusal[]> {
    const due = await this.#due(except);
    const rows = await this.#connection.query<RefusedRow>(
      `${OPEN_ROWS} AND ${CAN_COME} AND table_schema || '.' || table_name = ANY($2) AND id <> ALL($3::bigint[])
       ORDER BY id <= $4, id LIMIT ${String(RETRIED_PER_BATCH)}`,
      [this.#migration, [...tables], [...except, ...due.map(({ id }) => id)], this.#tried],
    );
    this.#tried = rows.at(-1)?.id ?? this.#tried;
    return [...due, ...rows.map(toRefusal)];
  }

  /** Open refusals that somebody wants to be tried again: of these it is not asked again. */
  async takeAsked(): Promise<OpenRefusal[]> {
    const rows = await this.#connection.query<RefusedRow>(
      `WITH asked AS (UPDATE changeover.refused SET retry_due = false WHERE id IN (
           SELECT id FROM changeover.refused WHERE migration = $1 AND to_seq IS NULL AND retry_due ORDER BY id LIMIT ${String(ASKED_PER_BATCH)})
         RETURNING ${REFUSAL_COLUMNS})
       SELECT * FROM asked WHERE ${CAN_COME} ORDER BY id`,
      [this.#migration],
    );
    return rows.map(toRefusal);
  }

  async #due(except: ReadonlySet<string>): Promise<OpenRefusal[]> {
    if (this.#turn === null) return [];
    const rows = await this.#connection.query<RefusedRow>(
      `${OPEN_ROWS} AND ${CAN_COME} AND id > $2 AND id <> ALL($3::bigint[]) ORDER BY id LIMIT ${String(RETRIED_PER_BATCH)}`,
      [this.#migration, this.#turn, [...except]],
    );
    this.#turn = rows.length < RETRIED_PER_BATCH ? null : (rows.at(-1) as RefusedRow).id;
    return rows.map(toRefusal);
  }

  /** Writes down that the target refuses the op's row, since the record `seq` of `writes` at the latest; gives the refusal's id. */
  async record({ op, sqlstate, constraint, reason }: Refusal, seq: number): Promise<string> {
    const { plan, row, refusal } = op;
    // What stands under the key of a row that is missing is another one.
    const stands = reason === ROW_MISSING ? null : await readStanding(this.#connection, op);
    const told = row.line === null ? null : valuesOf(plan, row.line);
    const named = row.line ?? row.origin;
    invariant(named !== null, 'an op has its row, or the row that it was');
    const key = plan.keys.length === 0 ? null : keyValues(plan, named);
    const values = [
      JSON.stringify(key),
      fromLatin1(refusal !== null && isSame(key, refusal.key) ? refusal.keyText : (row.key ?? originText(op))),
      told === null ? null : JSON.stringify(told),
      stands === null ? null : JSON.stringify(stands),
      sqlstate,
      constraint,
      reason,
      reason !== ROW_MISSING || plan.keys.length === 0 ? null : row.origin === null ? NO_KEY : JSON.stringify(keyValues(plan, row.origin)),
    ];
    if (refusal !== null) {
      await this.#connection.query(KEEP_VERSION, [refusal.id, seq, ...values.slice(0, 4), values[7]]);
      await this.#connection.query(
        `UPDATE changeover.refused SET key = $2, key_text = $3, wanted = $4, stands = $5, sqlstate = $6, constraint_name = $7, reason = $8, missed_by = $9 WHERE id = $1`,
        [refusal.id, ...values],
      );
      return refusal.id;
    }
    // Progress has moved already: a transaction begins with it.
    const [made] = await this.#connection.query<{ id: string }>(
      `INSERT INTO changeover.refused
         (migration, table_schema, table_name, from_seq, version_seq, key, key_text, wanted, stands, sqlstate, constraint_name, reason, missed_by, from_ms)
       VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12,
         (SELECT nullif(source_commit_ms, 0) FROM changeover.progress WHERE progress.migration = $1)) RETURNING id`,
      [this.#migration, plan.schema.schema, plan.schema.table, row.seq, ...values],
    );
    this.#open += 1;
    return (made as { id: string }).id;
  }

  async close(ids: readonly string[], seq: number): Promise<void> {
    if (ids.length === 0) return;
    await this.#connection.query('UPDATE changeover.refused SET to_seq = $2 WHERE id = ANY($1::bigint[])', [ids, seq]);
    this.#open -= ids.length;
  }

  /** Closes all of a table that was emptied; gives their ids. */
  async closeTable(schema: TableSchema, seq: number): Promise<string[]> {
    const rows = await this.#connection.query<{ id: string }>(
      'UPDATE changeover.refused SET to_seq = $4 WHERE migration = $1 AND table_schema = $2 AND table_name = $3 AND to_seq IS NULL RETURNING id',
      [this.#migration, schema.schema, schema.table, seq],
    );
    this.#open -= rows.length;
    return rows.map(({ id }) => id);
  }

  async #find(ops: readonly TargetOp[]): Promise<Map<string, OpenRefusal[]>> {
    const found = new Map<string, OpenRefusal[]>();
    if (ops.length === 0) return found;
    const rows = await this.#connection.query<RefusedRow>(
      `SELECT DISTINCT f.id, f.table_schema, f.table_name, f.key, f.key_text, f.wanted, f.stands, f.missed_by, f.reason
       FROM unnest($2::text[], $3::text[], $4::text[]) AS k(table_schema, table_name, key_text)
       JOIN changeover.refused f ON f.migration = $1 AND f.table_schema = k.table_schema AND f.table_name = k.table_name
         AND md5(f.key_text) = md5(k.key_text) AND f.key_text = k.key_text AND f.to_seq IS NULL
       ORDER BY f.id`,
      [
        this.#migration,
        ops.map(({ plan }) => plan.schema.schema),
        ops.map(({ plan }) => plan.schema.table),
        ops.map((op) => fromLatin1(originText(op))),
      ],
    );
    for (const refusal of rows.map(toRefusal)) {
      const key = lookupKey(refusal.table, refusal.keyText);
      const list = found.get(key);
      if (list === undefined) found.set(key, [refusal]);
      else list.push(refusal);
    }
    return found;
  }
}

/** A form of rows that holds what the refusal tells: the stream may not have told us the table's form since we started. */
export function schemaOf(refusal: OpenRefusal): TableSchema {
  const key = refusal.key ?? {};
  const dot = refusal.table.indexOf('.');
  // What stands as well: where rows exchange their contents, all of it moves.
  const names = [...new Set([...Object.keys(key), ...Object.keys(refusal.wanted ?? {}), ...Object.keys(refusal.stands ?? {})])].sort();
  return {
    schema: refusal.table.slice(0, dot),
    table: refusal.table.slice(dot + 1),
    columns: names.map((name) => ({ name, type: '', typeOid: 0, typmod: -1, notNull: false, key: Object.hasOwn(key, name), fill: 'none' })),
    identity: refusal.key === null ? 'none' : 'key',
    hash: `refused: ${JSON.stringify([names, Object.keys(key)])}`,
  };
}

/** The op that would settle a refusal by itself. */
export function opOf(plan: TablePlan, refusal: OpenRefusal): TargetOp {
  const { wanted, stands } = refusal;
  const isMissing = refusal.reason === ROW_MISSING;
  const line = wanted === null ? null : lineFrom(plan, wanted, stands === null && !isMissing);
  const isFindable = isMissing && wanted !== null && (refusal.missedBy === null || Object.keys(refusal.missedBy).length > 0);
  const missed = isFindable ? lineFrom(plan, { ...wanted, ...refusal.missedBy }, false) : null;
  const origin = stands !== null ? lineFrom(plan, stands, false) : missed;
  const keyed = plan.addressing === 'key';
  const kind = line === null ? 'delete' : origin === null && !isMissing ? 'insert' : 'update';
  const row: NetRow = {
    kind,
    seq: 0,
    origin,
    originKey: keyed && origin !== null ? keyOf(plan, origin) : null,
    line,
    key: keyed && line !== null ? keyOf(plan, line) : null,
  };
  return { plan, row, refusal };
}

/** What an op on a refused row comes to; null if nothing is left to do (the row was never there, and is to go). */
function takeFurther(op: TargetOp, refusal: OpenRefusal): TargetOp | null {
  const { plan, row } = op;
  if (row.line === null) {
    if (refusal.stands === null) return null;
    const origin = lineFrom(plan, refusal.stands, false);
    return { plan, refusal, row: { ...row, origin, originKey: keyOf(plan, origin) } };
  }
  const before = opOf(plan, refusal).row;
  const line = before.line === null ? row.line : mergeLines(before.line, row.line, plan.columns.length);
  // A row that was missing may have another key meanwhile; it is looked for under the key that it was missed by.
  return { plan, refusal, row: { ...before, seq: row.seq, kind: before.kind === 'delete' ? 'update' : before.kind, line, key: row.key } };
}

/** What the target knows the op's row by, as the source last told it; latin1 like {@link keyText}. */
function originText({ plan, row }: TargetOp): string {
  if (row.originKey !== null) return row.originKey;
  const line = (row.origin ?? row.line) as Line;
  return plan.addressing === 'key' ? keyOf(plan, line) : line.bytes.toString('latin1', line.start, line.end);
}

export function toRefusal(row: RefusedRow): OpenRefusal {
  const { id, key, wanted, stands, reason } = row;
  return {
    id,
    table: `${row.table_schema}.${row.table_name}`,
    key,
    keyText: Buffer.from(row.key_text, 'utf8').toString('latin1'),
    wanted,
    stands,
    missedBy: row.missed_by,
    reason,
  };
}

function lookupKey(table: string, key: string): string {
  return `${table}\u0000${key}`;
}

function fromLatin1(key: string): string {
  return Buffer.from(key, 'latin1').toString('utf8');
}
