import {
  formatRows,
  HeldRowList,
  parseRows,
  type HeldFilter,
  type HeldGroup,
  type HeldPage,
  type HeldPlace,
  type HeldRow,
  type HeldTotals,
  type ListedRow,
  type RowText,
} from '@changeover/events';

import { Connection } from './connection.js';
import { isReadable } from './own-schema.js';
import { asTargetError } from './sql-state.js';

/** Here the planner is right: counts go through whole tables. And what is on its way to be written never waits for a look. */
export const LOOKING = `SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_bitmapscan = on; SET plan_cache_mode = auto;
  BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`;

/** What a trigger raises may hold values; the target's own words about constraints do not, nor do ours (SQLSTATE class 22, or none). */
export const REFUSED_REASON = `CASE WHEN sqlstate IS NULL OR sqlstate LIKE '22%' THEN reason
  WHEN sqlstate LIKE '23%' AND constraint_name IS NOT NULL THEN 'violates ' || constraint_name ELSE 'SQLSTATE ' || sqlstate END`;

/** Else its text is the whole row. (Where there is no key, JSON says null.) */
export const HAS_KEY = `jsonb_typeof(key) = 'object'`;

const HELD = `SELECT state, target AS "table", source_key AS key, NULL AS refusal, reason, problem_column AS "column", kept,
  since_seq::float8 AS "sinceSeq", since_ms::float8 AS "sinceMs"`;
const REFUSED = `SELECT 'refused' AS state, table_schema || '.' || table_name AS "table", CASE WHEN ${HAS_KEY} THEN key_text END AS key, id::text AS refusal,
  ${REFUSED_REASON} AS reason, NULL AS "column", stands IS NOT NULL AS kept, from_seq::float8 AS "sinceSeq", from_ms::float8 AS "sinceMs"`;
const ALL_OF_HELD = `${HELD}, source, problems, NULL AS sqlstate, NULL AS "constraint", NULL AS message, NULL::jsonb AS wanted, NULL::jsonb AS stands`;
const ALL_OF_REFUSED = `${REFUSED}, NULL AS source, NULL::jsonb AS problems, sqlstate, constraint_name AS "constraint",
  reason AS message, wanted, stands`;

type Listed = Omit<ListedRow, 'key'> & { readonly key: string | null };
type Found = Listed & {
  readonly source: string | null;
  readonly problems: HeldRow['problems'] | null;
  readonly sqlstate: string | null;
  readonly constraint: string | null;
  readonly message: string;
  readonly wanted: RowText | null;
  readonly stands: RowText | null;
};

type Conditions = { readonly held: string; readonly refused: string; readonly values: unknown[] };

/** Where a page ended: behind a row of `changeover.held`, or behind a refusal. */
type Cursor = readonly ['held', table: string, key: string] | readonly ['refused', id: string];

/** What our schema in a PostgreSQL database lists as held, waiting and refused. */
export class PostgresHeldRowList extends HeldRowList {
  readonly #url: string;
  readonly #migration: string;

  constructor({ url, migration }: { readonly url: string; readonly migration: string }) {
    super();
    this.#url = url;
    this.#migration = migration;
  }

  async totals(filter: HeldFilter = {}): Promise<HeldTotals> {
    const found = await this.#look(async (connection) => {
      const { held, refused, values } = this.#conditions(filter);
      return connection.query<{ state: keyof HeldTotals; rows: number }>(
        `SELECT state, count(*)::float8 AS rows FROM changeover.held WHERE ${held} GROUP BY 1
         UNION ALL SELECT 'refused', count(*)::float8 FROM changeover.refused WHERE ${refused}`,
        values,
      );
    }, []);
    const asked = filter.state === 'noted' ? { noted: 0 } : {};
    return { held: 0, waiting: 0, refused: 0, ...asked, ...Object.fromEntries(found.map(({ state, rows }) => [state, rows])) };
  }

  groups(filter: HeldFilter, limit: number): Promise<readonly HeldGroup[]> {
    return this.#look(async (connection) => {
      const { held, refused, values } = this.#conditions(filter);
      return connection.query<HeldGroup>(
        `SELECT state, "table", reason, "column", count(*)::float8 AS rows, (count(*) FILTER (WHERE kept))::float8 AS kept
         FROM (${HELD} FROM changeover.held WHERE ${held} UNION ALL ${REFUSED} FROM changeover.refused WHERE ${refused}) listed
         GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 2, 1, 3, 4 LIMIT ${parameter(values, limit)}`,
        values,
      );
    }, []);
  }

  page(filter: HeldFilter, { limit, after = null }: { readonly limit: number; readonly after?: string | null }): Promise<HeldPage> {
    return this.#look(
      async (connection) => {
        const from = after === null ? null : (JSON.parse(after) as Cursor);
        const held = from?.[0] === 'refused' ? [] : await this.#heldPage(connection, { filter, limit, from });
        if (held.length > limit) return pageOf(held, limit);
        const rest = await this.#refusedPage(connection, { filter, limit: limit - held.length, from });
        return pageOf([...held, ...rest], limit);
      },
      { rows: [], next: null },
    );
  }

  async find(table: string, place: HeldPlace): Promise<readonly HeldRow[]> {
    const rows = await this.#look(async (connection) => {
      const { held, refused, values } = this.#conditions({ table }, true);
      if ('refusal' in place) {
        const id = parameter(values, place.refusal);
        return connection.query<Found>(`${ALL_OF_REFUSED} FROM changeover.refused WHERE ${refused} AND id::text = ${id}`, values);
      }
      const key = parameter(values, formatRows([place.key]).subarray(0, -1).toString());
      return connection.query<Found>(
        `${ALL_OF_HELD} FROM changeover.held WHERE ${held} AND source_key = ${key}
         UNION ALL (${ALL_OF_REFUSED} FROM changeover.refused
           WHERE ${refused} AND ${HAS_KEY} AND md5(key_text) = md5(${key}) AND key_text = ${key} ORDER BY id)`,
        values,
      );
    }, []);
    return rows.map(rowOf);
  }

  /** One more than asked for, where there are more. */
  async #heldPage(
    connection: Connection,
    { filter, limit, from }: { readonly filter: HeldFilter; readonly limit: number; readonly from: Cursor | null },
  ): Promise<readonly Listed[]> {
    const { held, values } = this.#conditions(filter);
    const behind = from?.[0] === 'held' ? ` AND (target, source_key) > (${parameter(values, from[1])}, ${parameter(values, from[2])})` : '';
    return connection.query<Listed>(
      `${HELD} FROM changeover.held WHERE ${held}${behind} ORDER BY target, source_key LIMIT ${parameter(values, limit + 1)}`,
      values,
    );
  }

  async #refusedPage(
    connection: Connection,
    { filter, limit, from }: { readonly filter: HeldFilter; readonly limit: number; readonly from: Cursor | null },
  ): Promise<readonly Listed[]> {
    const { refused, values } = this.#conditions(filter);
    const behind = from?.[0] === 'refused' ? ` AND id > ${parameter(values, from[1])}::bigint` : '';
    return connection.query<Listed>(
      `${REFUSED} FROM changeover.refused WHERE ${refused}${behind} ORDER BY refused.id LIMIT ${parameter(values, limit + 1)}`,
      values,
    );
  }

  /** The conditions on the rows of the two tables, with their parameters: what only one uses, the other names too, as the server asks for it. */
  #conditions({ table, state, reason, settledMs }: HeldFilter, alsoNoted = false): Conditions {
    const values: unknown[] = [];
    const migration = parameter(values, this.#migration);
    const held = [`migration = ${migration}`];
    const refused = [`migration = ${migration}`, 'to_seq IS NULL'];
    if (table !== undefined) {
      const dot = Math.max(0, table.indexOf('.'));
      const whole = parameter(values, table);
      const schema = parameter(values, table.slice(0, dot));
      const name = parameter(values, table.slice(dot + 1));
      const used = `${schema} IS NOT NULL AND ${name} IS NOT NULL`;
      held.push(`target = ${whole} AND ${used}`);
      refused.push(`table_schema = ${schema} AND table_name = ${name} AND ${whole} IS NOT NULL`);
    }
    if (state !== undefined) {
      const wanted = parameter(values, state);
      held.push(`state = ${wanted}`);
      refused.push(`${wanted} = 'refused'`);
    } else if (!alsoNoted) held.push(`state <> 'noted'`);
    if (reason !== undefined) {
      const wanted = parameter(values, reason);
      held.push(`reason = ${wanted}`);
      refused.push(`${REFUSED_REASON} = ${wanted}`);
    }
    if (settledMs !== undefined) {
      const ms = parameter(values, settledMs);
      const latest = `(SELECT source_commit_ms FROM changeover.progress WHERE progress.migration = ${migration}) - ${ms}`;
      held.push(`since_ms <= ${latest}`);
      refused.push(`(from_ms IS NULL OR from_ms <= ${latest})`);
    }
    return { held: held.join(' AND '), refused: refused.join(' AND '), values };
  }

  async #look<T>(look: (connection: Connection) => Promise<T>, nothing: T): Promise<T> {
    try {
      await using connection = await Connection.open(this.#url, `?changeover-${this.#migration}-held`);
      await connection.query(LOOKING);
      return (await isReadable(connection)) ? await look(connection) : nothing;
    } catch (error) {
      throw asTargetError(error);
    }
  }
}

/** Adds a parameter; gives its place in the statement. */
export function parameter(values: unknown[], value: unknown): string {
  values.push(value);
  return `$${String(values.length)}::${typeof value === 'number' ? 'bigint' : 'text'}`;
}

/** A page of so many rows, of which there may be one more. */
function pageOf(rows: readonly Listed[], limit: number): HeldPage {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown.map(listedOf), next: rows.length > limit && last !== undefined ? JSON.stringify(cursorBehind(last)) : null };
}

function cursorBehind({ refusal, table, key }: Listed): Cursor {
  return refusal === null ? ['held', table, key ?? ''] : ['refused', refusal];
}

function listedOf({ key, ...row }: Listed): ListedRow {
  return { ...row, key: key === null ? null : keyOf(key) };
}

function keyOf(text: string): readonly (string | null)[] {
  const [fields = []] = parseRows(Buffer.from(`${text}\n`));
  return fields.map((field) => field ?? null);
}

function rowOf({ source, problems, sqlstate, constraint, message, wanted, stands, ...listed }: Found): HeldRow {
  const row = listedOf(listed);
  return {
    ...row,
    source,
    problems: (problems ?? [{ reason: row.reason, column: row.column }]).map(({ reason, column, rule }) => ({
      ...{ reason, column: column ?? null },
      ...(rule !== undefined && { rule }),
    })),
    refused: row.state === 'refused' ? { sqlstate, constraint, message, wanted, stands } : null,
  };
}
