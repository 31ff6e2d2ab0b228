import { connectTo, createDatabase, untilFollowed, type Stage } from '@changeover/example-crm';
import type { Clock } from '@changeover/core';
import { escapeLiteral } from 'pg';

import type { Route } from './route.js';
import { createBenchTables } from './workload.js';

/** PostgreSQL's own logical replication between the same two servers: what we are measured against. */
export async function openNativeRoute(stage: Stage, clock: Clock): Promise<Route> {
  const sourceUrl = await createDatabase(stage.source.url, 'native_old');
  const targetUrl = await createDatabase(stage.target.url, 'native_new');
  await createBenchTables(sourceUrl);
  await createBenchTables(targetUrl);
  await using source = await connectTo(sourceUrl);
  await source.query('CREATE PUBLICATION native FOR ALL TABLES');
  await using target = await connectTo(targetUrl);
  await target.query(
    `CREATE SUBSCRIPTION native CONNECTION ${escapeLiteral(connectionText(sourceUrl))} PUBLICATION native WITH (copy_data = false, enabled = false)`,
  );

  const subscription = async (state: 'ENABLE' | 'DISABLE'): Promise<void> => {
    await using client = await connectTo(targetUrl);
    await client.query(`ALTER SUBSCRIPTION native ${state}`);
  };
  return {
    name: 'native',
    sourceUrl,
    targetUrl,
    start: async () => {
      await subscription('ENABLE');
      await untilFollowed(sourceUrl, clock);
    },
    stop: async () => {
      await subscription('DISABLE');
      await untilNotFollowed(sourceUrl, clock);
    },
    steps: () => ({ source: stage.source.pid, target: stage.target.pid }),
    ours: [],
  };
}

/** The URL as libpq's words, which a subscription is given. */
export function connectionText(url: string): string {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const given = Object.entries({ host: hostname, port, user: username, password, dbname: pathname.slice(1) });
  const words = [...given.map(([word, value]) => [word, decodeURIComponent(value)] as const), ...searchParams];
  const quoted = (value: string): string => `'${value.replace(/[\\']/gu, '\\$&')}'`;
  return words.flatMap(([word, value]) => (value === '' ? [] : [`${word}=${quoted(value)}`])).join(' ');
}

async function untilNotFollowed(sourceUrl: string, clock: Clock): Promise<void> {
  await using client = await connectTo(sourceUrl);
  const active = async (): Promise<boolean> => {
    const { rowCount } = await client.query('SELECT FROM pg_replication_slots WHERE database = current_database() AND active');
    return rowCount !== 0;
  };
  while (await active()) await clock.sleep(50);
}
