import { once } from 'node:events';

import pg from 'pg';

import { testDatabase } from './test-database.js';

describe('testDatabase', () => {
  it.each([14, 16, 18] as const)('gives a fresh database on PostgreSQL %i with logical decoding', async (major) => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    const { rows } = await client.query('select current_database() as name, current_setting($1)::int / 10000 as major', [
      'server_version_num',
    ]);
    expect(rows).toEqual([{ name: database.name, major }]);
  });

  it('goes away with its slots, its sessions and a stream that is still open', async () => {
    let url: string;
    let stranger: pg.Client;
    let ended: Promise<unknown>;
    {
      await using database = await testDatabase();
      url = database.url;
      const client = await database.connect();
      await client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [database.name]);
      await client.query('create publication p');
      const streaming = new pg.Client({ connectionString: url, replication: 'database' } as pg.ClientConfig);
      streaming.on('error', () => undefined);
      await streaming.connect();
      streaming
        .query(`START_REPLICATION SLOT ${database.name} LOGICAL 0/0 (proto_version '1', publication_names 'p')`)
        .catch(() => undefined);
      await untilActive(client, database.name);
      stranger = new pg.Client({ connectionString: url });
      // Told twice: by the server's last message, and by the connection's end.
      stranger.on('error', () => undefined);
      await stranger.connect();
      ended = once(stranger, 'error');
    }
    await ended;
    await expect(new pg.Client({ connectionString: url }).connect()).rejects.toMatchObject({ code: '3D000' });
    await using other = await testDatabase();
    const client = await other.connect();
    const { rows } = await client.query('select 1 from pg_replication_slots where slot_name = $1', [new URL(url).pathname.slice(1)]);
    expect(rows).toEqual([]);
  });
});

/** The server says nothing when a stream begins, so this asks. */
async function untilActive(client: pg.Client, slot: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ active: boolean }>('select active from pg_replication_slots where slot_name = $1', [slot]);
    if (rows[0]?.active === true) return;
  }
}
