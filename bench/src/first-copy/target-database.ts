import { connectTo, createDatabase } from '@changeover/example-crm';
import { escapeIdentifier } from 'pg';

import type { TargetSide } from './copy-scene.js';

/** An empty database with the tables, which goes when it is disposed of. */
export async function targetDatabase(
  serverUrl: string,
  name: string,
  { ddl }: TargetSide,
): Promise<{ readonly url: string } & AsyncDisposable> {
  const url = await createDatabase(serverUrl, name);
  await fillWith(url, ddl);
  return { url, [Symbol.asyncDispose]: () => dropDatabase(url) };
}

export async function fillWith(url: string, ddl: string): Promise<void> {
  await using client = await connectTo(url);
  await client.query(ddl);
}

/** With whatever is still connected to it. */
export async function dropDatabase(url: string): Promise<void> {
  await using client = await connectTo(Object.assign(new URL(url), { pathname: '/postgres' }).href);
  await client.query(`DROP DATABASE ${escapeIdentifier(new URL(url).pathname.slice(1))} WITH (FORCE)`);
}
