import { formatRows, RefusedRetries, type RefusedFilter, type RetriedRows } from '@changeover/events';

import { CAN_COME } from './apply/refused-rows.js';
import { Connection } from './connection.js';
import { HAS_KEY, LOOKING, parameter, REFUSED_REASON } from './held-row-list.js';
import { isReadable } from './own-schema.js';
import { asTargetError } from './sql-state.js';

const MOST_GROUPS = 100;
const NONE: RetriedRows = { due: 0, released: 0, refused: [] };

/** As load does it: so neither waits for a row while the other waits for one of his. */
const LOCK_PROGRESS = 'SELECT FROM changeover.progress WHERE migration = $1 FOR UPDATE';

/** Asks by marks on the rows of `changeover.refused`. */
export class PostgresRefusedRetries extends RefusedRetries {
  readonly #url: string;
  readonly #migration: string;

  constructor({ url, migration }: { readonly url: string; readonly migration: string }) {
    super();
    this.#url = url;
    this.#migration = migration;
  }

  ask(id: string, { table, key, reason }: RefusedFilter): Promise<number> {
    return this.#open('BEGIN', 0, async (connection) => {
      const values: unknown[] = [];
      const which = [`migration = ${parameter(values, this.#migration)}`, 'to_seq IS NULL'];
      const request = parameter(values, id);
      if (table !== undefined) which.push(`table_schema || '.' || table_name = ${parameter(values, table)}`);
      if (key !== undefined) which.push(`${HAS_KEY} AND key_text = ${parameter(values, formatRows([key]).subarray(0, -1).toString())}`);
      if (reason !== undefined) which.push(`${REFUSED_REASON} = ${parameter(values, reason)}`);
      await connection.query(LOCK_PROGRESS, [this.#migration]);
      const text = `UPDATE changeover.refused SET retry_id = ${request}, retry_due = ${CAN_COME} WHERE ${which.join(' AND ')}`;
      const rows = await connection.execute({ text, values });
      await connection.query('COMMIT');
      return rows;
    });
  }

  outcome(id: string): Promise<RetriedRows> {
    return this.#open(LOOKING, NONE, async (connection) => {
      const which = 'WHERE migration = $1 AND retry_id = $2';
      const values = [this.#migration, id];
      const [counts] = await connection.query<Omit<RetriedRows, 'refused'>>(
        `SELECT (count(*) FILTER (WHERE to_seq IS NULL AND retry_due))::float8 AS due, (count(*) FILTER (WHERE to_seq IS NOT NULL))::float8 AS released
         FROM changeover.refused ${which}`,
        values,
      );
      const refused = await connection.query<RetriedRows['refused'][number]>(
        `SELECT table_schema || '.' || table_name AS "table", ${REFUSED_REASON} AS reason, count(*)::float8 AS rows
         FROM changeover.refused ${which} AND to_seq IS NULL AND NOT retry_due GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ${String(MOST_GROUPS)}`,
        values,
      );
      return { due: 0, released: 0, ...counts, refused };
    });
  }

  async #open<T>(begin: string, nothing: T, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      await using connection = await Connection.open(this.#url, `?changeover-${this.#migration}-retry`);
      await connection.query(begin);
      return (await isReadable(connection)) ? await work(connection) : nothing;
    } catch (error) {
      throw asTargetError(error);
    }
  }
}
