import { RandomIdSource } from '@changeover/core';
import { type PostgresMajor, type RunningPostgres, startPostgres } from '@changeover/local-services';
import pg from 'pg';

import { SharedServers } from './shared-server.js';

/** A fresh database on a server with wal_level=logical. Dropped on dispose, whatever still uses it. */
export type TestDatabase = AsyncDisposable & {
  /** Of a superuser. */
  readonly url: string;
  readonly name: string;
  readonly major: PostgresMajor;
  /** A connected client; ended on dispose if the test has not. */
  connect(): Promise<pg.Client>;
};

const servers = new SharedServers<PostgresMajor, RunningPostgres>((major) => startPostgres({ major }));

/** Takes the server of the test runner, else starts one for this spec file. Milliseconds, after the first. */
export async function testDatabase(options: { readonly major?: PostgresMajor } = {}): Promise<TestDatabase> {
  const major = options.major ?? 18;
  const server = await servers.get(major);
  const name = `test_${new RandomIdSource().uuid().replaceAll('-', '')}`;
  await asSuperuser(server.url, async (client) => {
    await client.query(`create database ${pg.escapeIdentifier(name)} template template0`);
  });
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return new FreshDatabase(server, url.href, name);
}

class FreshDatabase implements TestDatabase {
  readonly url: string;
  readonly name: string;
  readonly major: PostgresMajor;
  readonly #server: RunningPostgres;
  readonly #clients: pg.Client[] = [];
  #dropped = false;

  constructor(server: RunningPostgres, url: string, name: string) {
    this.#server = server;
    this.url = url;
    this.name = name;
    this.major = server.major;
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url });
    // A test may have the session killed on purpose; its next query reports it.
    client.on('error', () => undefined);
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#dropped) return;
    this.#dropped = true;
    await Promise.all(this.#clients.map((client) => client.end().catch(() => undefined)));
    await asSuperuser(this.#server.url, (client) => drop(client, this.name));
  }
}

/** Sessions first, as neither a database nor a slot can be dropped in use; the slots go with the database. */
async function drop(client: pg.Client, name: string): Promise<void> {
  // Nobody who reconnects by himself gets in again.
  await client.query(`alter database ${pg.escapeIdentifier(name)} allow_connections false`);
  await client.query('select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1', [name]);
  await client.query(`drop database ${pg.escapeIdentifier(name)} with (force)`);
}

async function asSuperuser(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
