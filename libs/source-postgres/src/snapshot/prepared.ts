import { hash } from 'node:crypto';

import type pg from 'pg';

import type { Query } from '../sql-session.js';

/**
 * Planning the questions about a table costs the source three times what answering them does, and they are the same with each chunk. (Left to itself it would go
 * on planning those with lists.)
 */
export const PLAN_ONCE = "SET plan_cache_mode = 'force_generic_plan'";

/** Asks the session; each question is planned once. */
export function prepared(client: pg.Client): Query {
  return async <Row extends pg.QueryResultRow>(text: string, values: unknown[]) =>
    (await client.query<Row>({ name: hash('md5', text, 'hex'), text, values })).rows;
}
