import { setTimeout as sleep } from 'node:timers/promises';

import { RandomIdSource, SystemClock, type Position } from '@changeover/core';
import type { SourceEvent } from '@changeover/events';
import { startPostgres } from '@changeover/local-services';
import { codeOf, EventFollower, testDatabase, told } from '@changeover/testing';
import pg from 'pg';

import { type HeldPostgresSource } from './held-postgres-source.js';
import { positionOf } from './lsn.js';
import { PostgresSource } from './postgres-source.js';
import type { PostgresSourceSettings } from './settings.js';
import { HidingServer } from './test/hiding-server.js';
import { until } from './test/until.js';

const MB = 1024 * 1024;

function sourceOf(url: string, settings: Partial<PostgresSourceSettings> = {}): PostgresSource {
  return new PostgresSource({ url, migration: new RandomIdSource().uuid(), statusIntervalMs: 20, ...settings });
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** What the source believes, as soon as it has read a status that was sent after now. */
async function confirmedAtSource(client: pg.Client): Promise<Position> {
  type Row = { lsn: string; reply: Date | null };
  const look = async (): Promise<Row | undefined> => {
    const { rows } = await client.query<Row>(
      `select s.confirmed_flush_lsn as lsn, r.reply_time as reply
         from pg_replication_slots s join pg_stat_replication r on r.pid = s.active_pid where s.database = current_database()`,
    );
    return rows[0];
  };
  const first = await look();
  for (;;) {
    const now = await look();
    // Two further replies: the first may have been on its way when we looked first.
    if (now?.reply != null && (first?.reply == null || now.reply.getTime() - first.reply.getTime() > 40)) return positionOf(now.lsn);
    await sleep(5);
  }
}

describe.each([14, 16, 18] as const)('a hold of PostgreSQL %d', (major) => {
  it('tells the source what was acknowledged, and nothing else, over idle time and keepalives', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key); create table left_out (id int)');
    const source = sourceOf(database.url, { tables: { tables: ['public.item'] } });
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await using follower = new EventFollower(held);
    await client.query('insert into item values (1)');
    await follower.commits(1);
    const committed = follower.position ?? held.confirmed;
    await client.query('insert into left_out select generate_series(1, 1000)');
    await follower.until((events) => events.some((event) => event.type === 'keepalive' && event.position > committed));
    expect(await confirmedAtSource(client)).toBe(held.confirmed);

    held.acknowledge(committed);
    expect(await confirmedAtSource(client)).toBe(committed);
    held.acknowledge(held.confirmed);
    await client.query('insert into item values (2)');
    await follower.commits(2);
    expect(await confirmedAtSource(client)).toBe(committed);

    expect((await held.retained()).lost).toBe(false);
    expect((await held.retained()).bytes).toBeGreaterThan(0);
    await source.stop();
  });

  it('survives a reader that pauses longer than wal_sender_timeout, and reads ahead no more than it may', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(
      `create table item (id int primary key, body text); alter database ${pg.escapeIdentifier(database.name)} set wal_sender_timeout = '1s'`,
    );
    const source = sourceOf(database.url, { readAheadBytes: MB, statusIntervalMs: 60_000 });
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await client.query("insert into item select i, repeat('x', 1000) from generate_series(1, 20000) i");
    const events = held.events(held.confirmed, new AbortController().signal)[Symbol.asyncIterator]();
    let rows = countRows((await events.next()).value);
    await sleep(2500);
    while (rows < 20_000) rows += countRows((await events.next()).value);
    expect(rows).toBe(20_000);
    // One socket read and one row may come on top.
    expect((held as HeldPostgresSource).mostBytesAhead).toBeLessThan(MB + 256 * 1024);
    await source.stop();
  });

  it('ends with SOURCE_UNREACHABLE when its session is terminated, and goes on from what was acknowledged', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key)');
    const source = sourceOf(database.url);
    await source.create();
    let acknowledged = '' as Position;
    {
      await using held = await source.hold({ takeOver: false });
      await using follower = new EventFollower(held);
      await client.query('insert into item values (1)');
      await follower.commits(1);
      acknowledged = follower.position ?? acknowledged;
      held.acknowledge(acknowledged);
      await confirmedAtSource(client);
      await client.query('select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()');
      expect(await follower.endsWith()).toBe('SOURCE_UNREACHABLE');
    }
    await client.query('insert into item values (2)');
    await using held = await source.hold({ takeOver: true });
    expect(held.confirmed).toBe(acknowledged);
    await using follower = new EventFollower(held);
    expect(told(await follower.commits(1))).toEqual(['c item 2', '--']);
    await source.stop();
  });

  it.each(['drop publication %I', 'alter publication %I drop table item'])(
    'says SOURCE_LOST after %s, whether or not the stream does',
    async (statement) => {
      await using database = await testDatabase({ major });
      const client = await database.connect();
      await client.query('create table item (id int primary key); create table other (id int primary key)');
      const migration = new RandomIdSource().uuid();
      // Looks at the publication at every status.
      const source = new PostgresSource({ url: database.url, migration, statusIntervalMs: 20 }, new FastClock());
      await source.create();
      await using held = await source.hold({ takeOver: false });
      await using follower = new EventFollower(held);
      await client.query(statement.replace('%I', pg.escapeIdentifier(`changeover_${migration.replaceAll('-', '_')}`)));
      await client.query('insert into item values (1)');
      expect(await follower.endsWith()).toBe('SOURCE_LOST');
      if (statement.startsWith('drop')) expect(await codeOf(source.hold({ takeOver: true }))).toBe('SOURCE_LOST');
      await source.stop();
    },
  );

  it('leaves a slot alone that somebody of another name holds', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key)');
    const migration = new RandomIdSource().uuid();
    const source = new PostgresSource({ url: database.url, migration }, new HastyClock());
    await source.create();
    const slot = `changeover_${migration.replaceAll('-', '_')}`;
    const stranger = new pg.Client({
      connectionString: database.url,
      application_name: 'stranger',
      replication: 'database',
    } as pg.ClientConfig);
    stranger.on('error', () => undefined);
    await stranger.connect();
    const streaming = new Promise((resolve) => stranger.connection.once('replicationStart', resolve));
    void stranger
      .query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${slot}')`)
      .catch(() => undefined);
    await streaming;
    expect(await codeOf(source.hold({ takeOver: true }))).toBe('SOURCE_BUSY');
    stranger.connection.stream.destroy();
    await source.stop();
  });
});

/** A thousand times as fast as ours. */
class FastClock extends SystemClock {
  override monotonic(): number {
    return super.monotonic() * 1000;
  }
}

/** Waits as told, but finds that an hour has gone by. */
class HastyClock extends SystemClock {
  #hours = 0;

  override monotonic(): number {
    return super.monotonic() + this.#hours * 3_600_000;
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await super.sleep(ms, signal);
    this.#hours++;
  }
}

it('remembers transactions only until they can be seen', async () => {
  await using database = await testDatabase();
  const client = await database.connect();
  await client.query('create table item (id int primary key)');
  const source = sourceOf(database.url);
  await source.create();
  await using held = (await source.hold({ takeOver: false })) as HeldPostgresSource;
  await using follower = new EventFollower(held);
  for (let id = 0; id < 50; id++) await client.query('insert into item values ($1)', [id]);
  await follower.commits(50);
  while (held.remembered > 0) await sleep(5);
  await source.stop();
});

describe('a server of our own', () => {
  it.each(['stop', 'kill'] as const)('goes on where it was after a %s, though nothing was acknowledged', async (way) => {
    await using server = await startPostgres({ major: 18, own: true });
    const client = await connect(server.url);
    await client.query('create table item (id int primary key)');
    const source = sourceOf(server.url);
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await using follower = new EventFollower(held);
    await client.query('insert into item values (1)');
    await follower.commits(1);
    const clock = new SystemClock();
    const begun = clock.monotonic();
    // A server that stops in order waits for its walsenders, which wait for us: until our reader has everything, or we let go.
    if (way === 'kill') await server.kill();
    await server.restart();
    expect(clock.monotonic() - begun).toBeLessThan(15_000);
    expect(await follower.endsWith()).toBe('SOURCE_UNREACHABLE');

    const again = await connect(server.url);
    await again.query('insert into item values (2)');
    await using next = await source.hold({ takeOver: false });
    await using rest = new EventFollower(next);
    expect(told(await rest.commits(2))).toEqual(['c item 1', '--', 'c item 2', '--']);
    await again.end();
    await source.stop();
  });

  it('is asked for a new form of a table only when everybody sees it, which synchronous replication puts off', async () => {
    await using server = await HidingServer.open('create table item (id int primary key)');
    const source = sourceOf(server.url);
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await using follower = new EventFollower(held);
    const { committed } = await server.hide('alter table item add column n int not null default 7; insert into item values (2)');
    // We have been sent it, and ask and ask again: what the form is told by is more than one question, so one is not enough.
    for (let question = 0, since = `(select query_start from pg_stat_activity where wait_event = 'SyncRep')`; question < 5; question++) {
      const later = `from pg_stat_activity where application_name like 'changeover-%' and backend_type = 'client backend' and query_start > ${since}`;
      await until(server.client, `exists (select ${later})`);
      since = `'${(await server.client.query<{ at: string }>(`select query_start::text as at ${later}`)).rows[0]?.at ?? ''}'`;
    }
    await server.reveal();
    await committed;
    const [row] = (await follower.commits(1)).filter((event) => event.type === 'rows');
    expect(row?.table.columns.map(({ name, fill, notNull }) => [name, fill, notNull])).toEqual([
      ['id', 'none', true],
      ['n', 'default', true],
    ]);
    await source.stop();
  });

  it('can stop while our reader pauses and much of a transaction is still to be sent', async () => {
    await using server = await startPostgres({ major: 18, own: true });
    const client = await connect(server.url);
    await client.query('create table item (id int primary key, body text)');
    const source = sourceOf(server.url, { readAheadBytes: MB });
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await client.query("insert into item select i, repeat('x', 1000) from generate_series(1, 50000) i");
    const events = held.events(held.confirmed, new AbortController().signal)[Symbol.asyncIterator]();
    await events.next();
    await server.restart();
    const rest = async (): Promise<void> => {
      for (;;) await events.next();
    };
    expect(await codeOf(rest())).toBe('SOURCE_UNREACHABLE');
    await source.stop();
  });

  it('says SOURCE_LOST when it has thrown away what the slot needs', async () => {
    await using server = await startPostgres({
      major: 18,
      settings: { max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '32MB' },
    });
    const client = await connect(server.url);
    await client.query('create table item (id int primary key); create table left_out (id int)');
    const source = sourceOf(server.url, { tables: { tables: ['public.item'] } });
    await source.create();
    for (let turn = 0; turn < 6; turn++) await client.query('insert into left_out values (1); select pg_switch_wal()');
    await client.query('checkpoint');
    expect(await codeOf(source.kept())).toBe('SOURCE_LOST');
    expect(await codeOf(source.hold({ takeOver: false }))).toBe('SOURCE_LOST');
    await client.end();
    await source.stop();
  });

  it('sends a transaction of a million rows through a bounded memory', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query('create table item (id int primary key, body text)');
    const source = sourceOf(database.url, { readAheadBytes: 4 * MB });
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await client.query("insert into item select i, repeat('x', 100) from generate_series(1, 1000000) i");
    const abort = new AbortController();
    let rows = 0;
    let largest = 0;
    for await (const batch of held.events(held.confirmed, abort.signal)) {
      rows += countRows(batch);
      for (const event of batch) {
        if (event.type === 'rows') largest = Math.max(largest, event.rows.length);
        if (event.type === 'commit') abort.abort();
      }
    }
    expect(rows).toBe(1_000_000);
    expect(largest).toBeLessThan(66 * 1024);
    expect((held as HeldPostgresSource).mostBytesAhead).toBeLessThan(4 * MB + 256 * 1024);
    await source.stop();
  }, 120_000);
});

function countRows(batch: readonly SourceEvent[] | undefined): number {
  return (batch ?? []).reduce((sum, event) => sum + (event.type === 'rows' ? event.rowCount : 0), 0);
}
