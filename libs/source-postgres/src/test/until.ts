import { setTimeout as sleep } from 'node:timers/promises';

import type pg from 'pg';

/** Looks until the server says that the condition holds. */
export async function until(client: pg.Client, condition: string): Promise<void> {
  while ((await client.query(`select where ${condition}`)).rowCount === 0) await sleep(5);
}
