import type { Stopping } from '@changeover/events';

import type { Connection } from './connection.js';

const STOPPED = `FROM changeover.held WHERE migration = $1 AND state = 'held' AND problems @> '[{"severity": "stop"}]'`;

/** Rows of the migration that rules of the severity `stop` hold. */
export async function readStopping(connection: Connection, migration: string): Promise<Stopping> {
  const bySince = await connection.query<Stopping['bySince'][number]>(
    `SELECT since_ms::float8 AS "sinceMs", count(*)::float8 AS rows ${STOPPED} GROUP BY 1 ORDER BY 1`,
    [migration],
  );
  if (bySince.length === 0) return { bySince, first: null };
  const [first = null] = await connection.query<NonNullable<Stopping['first']>>(
    `SELECT target AS "table", jsonb_path_query_first(problems, '$[*] ? (@.severity == "stop").rule') #>> '{}' AS rule
     ${STOPPED} ORDER BY since_ms, target, source_key LIMIT 1`,
    [migration],
  );
  return { bySince, first };
}
