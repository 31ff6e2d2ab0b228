import { Clock, SystemClock } from '@changeover/core';
import { parseRows, type SourceSnapshot, type TableSchema } from '@changeover/events';
import { codeOf, sourceSnapshotsContract, testDatabase, type SourceSnapshotsBed, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { selectTables } from '../captured-tables.js';
import { Catalogue } from '../catalogue.js';
import { PostgresSource } from '../postgres-source.js';
import { sourceConfig } from '../settings.js';
import { SqlSession } from '../sql-session.js';
import { HidingServer } from '../test/hiding-server.js';
import { until } from '../test/until.js';
import { PostgresSourceSnapshots } from './postgres-source-snapshots.js';

const XID = 'pg_current_xact_id()::xid::text';

/** The forms of the tables that the settings select by default, in the order of their names. */
async function formsAt(url: string): Promise<readonly TableSchema[]> {
  await using sql = new SqlSession({ url, applicationName: 'forms' });
  const { tables } = await selectTables(sql, sourceConfig({ url, migration: 'm' }));
  return await new Catalogue(sql, 'nothing').forms(tables.map(({ oid }) => oid));
}

async function read(snapshot: SourceSnapshot, table: TableSchema): Promise<readonly (readonly (string | null | undefined)[])[]> {
  const pieces: Buffer[] = [];
  for await (const piece of snapshot.rows(table)) pieces.push(piece);
  return parseRows(Buffer.concat(pieces));
}

class PostgresBed implements SourceSnapshotsBed {
  readonly #database: TestDatabase;
  readonly #client: pg.Client;
  readonly #snapshots: PostgresSourceSnapshots;

  private constructor(database: TestDatabase, client: pg.Client) {
    this.#database = database;
    this.#client = client;
    this.#snapshots = new PostgresSourceSnapshots({ url: database.url, migration: 'm' });
  }

  static async open(major: 14 | 16 | 18): Promise<PostgresBed> {
    const database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key, name text); create table other (id int primary key, name text)');
    return new PostgresBed(database, client);
  }

  snapshots(): PostgresSourceSnapshots {
    return this.#snapshots;
  }

  nowhere(): PostgresSourceSnapshots {
    return new PostgresSourceSnapshots({ url: 'postgres://x@127.0.0.1:1/x', migration: 'm' });
  }

  async form(name: string): Promise<TableSchema> {
    return (await formsAt(this.#database.url)).find(({ table }) => table === name) as TableSchema;
  }

  async insert(table: string, ...rows: readonly (readonly [number, string | null])[]): Promise<string> {
    const { txId, commit } = await this.begin(table, ...rows);
    await commit();
    return txId;
  }

  async begin(
    table: string,
    ...rows: readonly (readonly [number, string | null])[]
  ): Promise<Awaited<ReturnType<SourceSnapshotsBed['begin']>>> {
    const writer = await this.#database.connect();
    await writer.query('begin');
    const found = await writer.query<{ txid: string }>(`select ${XID} as txid`);
    await writer.query(`insert into ${table} select (r ->> 0)::int, r ->> 1 from jsonb_array_elements($1) r`, [JSON.stringify(rows)]);
    return {
      txId: found.rows[0]?.txid ?? '',
      commit: async () => {
        await writer.query('commit');
        await writer.end();
      },
    };
  }

  async alter(table: string): Promise<void> {
    await this.#client.query(`alter table ${table} alter id type bigint`);
  }

  async drop(table: string): Promise<void> {
    await this.#client.query(`drop table ${table}`);
  }

  async lock(table: string): Promise<() => Promise<void>> {
    const locker = await this.#database.connect();
    await locker.query(`begin; lock table ${table} in access exclusive mode`);
    return async () => {
      await locker.query('commit');
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}

/** Time goes on when a test says so; waiting is real. */
class SteppedClock extends Clock {
  readonly #real = new SystemClock();
  #ahead = 0;

  now(): number {
    return this.#real.now();
  }

  monotonic(): number {
    return this.#ahead;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#real.sleep(ms, signal);
  }

  advance(ms: number): void {
    this.#ahead += ms;
  }
}

describe.each([14, 16, 18] as const)('PostgreSQL %d', (major) => {
  sourceSnapshotsContract('it', () => PostgresBed.open(major));

  it('shows exactly the transactions whose rows it has, while others commit as fast as they can', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`create table a (id bigint generated always as identity primary key, txid text);
      create table b (id bigint generated always as identity primary key, txid text)`);
    const [a, b] = (await formsAt(database.url)) as [TableSchema, TableSchema];
    await using snapshots = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    const done = new AbortController();
    const begun = new Set<string>();
    const write = async (index: number): Promise<number> => {
      const writer = await database.connect();
      await writer.query(`set synchronous_commit = ${index % 2 === 0 ? 'on' : 'off'}`);
      let committed = 0;
      for (; !done.signal.aborted; committed++) {
        const { rows } = await writer.query<{ txid: string }>(`insert into a (txid) values (${XID}) returning txid`);
        begun.add(rows[0]?.txid ?? '');
        await writer.query(`with one as (insert into a (txid) values (${XID})) insert into b (txid) values (${XID})`);
      }
      return committed;
    };
    const writers = [write(0), write(1), write(2), write(3)];
    const seen = [];
    for (let takes = 0; takes < 40; takes++) {
      expect(await snapshots.take([a, b])).toBe('taken');
      const shows = (txId: string): boolean => snapshots.shows(txId);
      // Of each table also what was written after the snapshot was taken, as others see it.
      const [ofA, again, ofB, all] = await Promise.all([
        read(snapshots, a),
        read(snapshots, a),
        read(snapshots, b),
        client.query<{ txid: string; b: boolean }>('select txid, false as b from a union all select txid, true from b'),
      ]);
      const [rowsOfA, rowsOfB] = [ofA, ofB].map((rows) => rows.map(([, txId]) => txId as string)) as [string[], string[]];
      expect(again).toEqual(ofA);
      expect([...rowsOfA, ...rowsOfB].filter((txId) => !shows(txId))).toEqual([]);
      const [has, hasOfB] = [new Set(rowsOfA), new Set(rowsOfB)];
      expect(all.rows.filter((row) => shows(row.txid) && !(row.b ? hasOfB : has).has(row.txid))).toEqual([]);
      expect([...begun].filter((txId) => shows(txId) && !has.has(txId))).toEqual([]);
      seen.push(has.size);
    }
    done.abort();
    expect((await Promise.all(writers)).every((committed) => committed > 20)).toBe(true);
    expect(new Set(seen).size).toBeGreaterThan(20);
  });

  it('reads partitioned tables whole, those that others inherit from alone, and the order of a replica identity', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`
      create table "a Part" (region text, id int, twice int generated always as (id * 2) stored, "o'dd" text, primary key (id, region)) partition by list (region);
      create table zz_n partition of "a Part" for values in ('n'); create table zz_s partition of "a Part" for values in ('s');
      insert into "a Part" (region, id, "o'dd") select case i % 2 when 0 then 'n' else 's' end, 10 - i, 'v' from generate_series(1, 6) i;
      create table base (id int primary key, at timestamptz); create table derived () inherits (base);
      insert into base values (2, '2026-01-02 03:04:05+00'), (1, null); insert into derived values (7, now());
      create table chosen (id int primary key, code text not null unique);
      alter table chosen replica identity using index chosen_code_key; insert into chosen values (1, 'b'), (2, 'c'), (3, 'a')`);
    const forms = await formsAt(database.url);
    const form = (name: string): TableSchema => forms.find(({ table }) => table === name) as TableSchema;
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    expect(await snapshot.take(forms.filter(({ table }) => table !== 'derived'))).toBe('taken');
    expect(await read(snapshot, form('a Part'))).toEqual([4, 5, 6, 7, 8, 9].map((id) => [id % 2 === 0 ? 'n' : 's', String(id), 'v']));
    expect(await read(snapshot, form('base'))).toEqual([
      ['1', null],
      ['2', '2026-01-02 03:04:05+00'],
    ]);
    expect((await read(snapshot, form('chosen'))).map(([id]) => id)).toEqual(['3', '1', '2']);
  });

  it('lets a table be altered that somebody waits for, and then has the new form of it, never an empty table', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key, n int); insert into item select i, i from generate_series(1, 100) i');
    const [item] = (await formsAt(database.url)) as [TableSchema];
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    expect(await snapshot.take([item])).toBe('taken');
    const other = await database.connect();
    const altered = other.query('alter table item alter n type bigint');
    await until(client, `exists (select from pg_locks where relation = 'item'::regclass and not granted)`);
    expect(await codeOf(read(snapshot, item))).toBe('SOURCE_LOCKED');
    expect(await snapshot.take([item])).toBe('moved');
    await altered;
    const [now] = (await formsAt(database.url)) as [TableSchema];
    expect(await snapshot.take([now])).toBe('taken');
    expect(await read(snapshot, now)).toHaveLength(100);
  });

  it('waits for an ALTER TABLE that is about to be committed, and then has the rows that it wrote anew', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key, n int); insert into item select i, i from generate_series(1, 100) i');
    const [item] = (await formsAt(database.url)) as [TableSchema];
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    const other = await database.connect();
    await other.query('begin; alter table item alter n type bigint; alter table item alter n type int');
    const taking = snapshot.take([item]);
    await until(client, `exists (select from pg_locks where relation = 'item'::regclass and not granted)`);
    await other.query('commit');
    // To a snapshot from before it the table would be empty, in the form that it still has.
    expect(await taking).toBe('taken');
    expect(await read(snapshot, item)).toHaveLength(100);
  });
});

describe('snapshots', () => {
  it('do not show a commit that the stream has and nobody sees yet', async () => {
    await using server = await HidingServer.open('create table item (id int primary key, txid text)');
    const [item] = (await formsAt(server.url)) as [TableSchema];
    const snapshots = new PostgresSourceSnapshots({ url: server.url, migration: 'm' });
    await using snapshot = await snapshots.open();
    const { committed } = await server.hide(`insert into item values (1, ${XID})`);
    await server.client.query(`insert into item values (2, ${XID})`);
    const { rows } = await server.client.query<{ txid: string }>(
      `select backend_xid::text as txid from pg_stat_activity where wait_event = 'SyncRep' union all select txid from item`,
    );
    const [hidden, younger] = rows.map(({ txid }) => txid) as [string, string];
    expect(Number(hidden)).toBeLessThan(Number(younger));
    await snapshot.take([item]);
    expect([snapshot.shows(hidden), snapshot.shows(younger), (await read(snapshot, item)).length]).toEqual([false, true, 1]);
    await server.reveal();
    await committed;
    expect([snapshot.shows(hidden), (await read(snapshot, item)).length]).toEqual([false, 1]);
    await snapshot.take([item]);
    expect([snapshot.shows(hidden), (await read(snapshot, item)).length]).toEqual([true, 2]);
  });

  it('keep the locks of those before for a while, and no longer', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query('create table item (id int primary key)');
    const [item] = (await formsAt(database.url)) as [TableSchema];
    const clock = new SteppedClock();
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }, clock).open();
    const heldSince = async (): Promise<string | undefined> =>
      (
        await client.query<{ since: string }>(
          `select xact_start::text as since from pg_stat_activity where datname = current_database() and application_name = 'changeover-m-snapshot' and xact_start is not null`,
        )
      ).rows[0]?.since;
    await snapshot.take([item]);
    const first = await heldSince();
    await snapshot.take([item]);
    expect(await heldSince()).toBe(first);
    clock.advance(60_000);
    await snapshot.take([item]);
    expect(await heldSince()).not.toBe(first);
  });

  it('give up in the middle of a table when somebody waits to change one, though it be another', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query(`create table a (id int primary key); create table b (id int primary key, line text);
      insert into b select i, repeat('x', 100) from generate_series(1, 20000) i`);
    const tables = await formsAt(database.url);
    const clock = new SteppedClock();
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }, clock).open();
    await snapshot.take(tables);
    const pieces = snapshot.rows(tables[1] as TableSchema)[Symbol.asyncIterator]();
    clock.advance(2_000);
    for (let piece = 0; piece < 3; piece++) expect((await pieces.next()).done).toBe(false);
    const other = await database.connect();
    const emptied = other.query('truncate a');
    await until(client, `exists (select from pg_locks where relation = 'a'::regclass and not granted)`);
    expect((await pieces.next()).done).toBe(false);
    clock.advance(2_000);
    expect(await codeOf(pieces.next())).toBe('SOURCE_LOCKED');
    await snapshot[Symbol.asyncDispose]();
    await emptied;
  });

  it('know a form by all but its generation, which no look at the catalogue tells', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query('create table item (id int primary key, n int); insert into item values (1, 1)');
    const source = new PostgresSource({ url: database.url, migration: 'm' });
    await source.create();
    const [before] = await source.tables();
    await client.query('alter table item alter n type bigint; alter table item alter n type int using 7');
    const [after] = (await source.tables()) as [TableSchema];
    await source.drop();
    await source.stop();
    expect([after.generation === undefined, after.hash === before?.hash]).toEqual([false, false]);
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    expect(await snapshot.take([after])).toBe('taken');
    expect(await read(snapshot, after)).toEqual([['1', '7']]);
  });

  it('end where their sessions do, and can be taken again', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query(`create table item (id int primary key, body text); alter table item alter body set storage external;
      insert into item select i, repeat('x', 100000) from generate_series(1, 300) i`);
    const [item] = (await formsAt(database.url)) as [TableSchema];
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    await snapshot.take([item]);
    const reader = snapshot.rows(item)[Symbol.asyncIterator]();
    expect((await reader.next()).done).toBe(false);
    await client.query(
      `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'changeover-m-snapshot' and datname = current_database()`,
    );
    const rest = async (): Promise<void> => {
      while ((await reader.next()).done !== true);
    };
    expect(await codeOf(rest())).toBe('SOURCE_UNREACHABLE');
    // Nobody holds the table any more, so what a snapshot shows of it is not to be trusted.
    expect(await codeOf(read(snapshot, item))).toBe('SOURCE_UNREACHABLE');
    expect(await snapshot.take([item])).toBe('taken');
    expect(await read(snapshot, item)).toHaveLength(300);
  });

  it('are not read once their locks were let go, though a reader had them already', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query('create table item (id int primary key, n int); insert into item select i, i from generate_series(1, 100) i');
    const [item] = (await formsAt(database.url)) as [TableSchema];
    await using snapshot = await new PostgresSourceSnapshots({ url: database.url, migration: 'm' }).open();
    await snapshot.take([item]);
    const other = await database.connect();
    const altered = other.query('alter table item alter n type bigint; alter table item alter n type int');
    const waiting = (count: number): string =>
      `(select count(*) from pg_locks where relation = 'item'::regclass and not granted) = ${String(count)}`;
    await until(client, waiting(1));
    const reading = codeOf(read(snapshot, item));
    await until(client, waiting(2));
    await client.query(`select pg_terminate_backend(pid, 10000) from pg_locks where relation = 'item'::regclass and granted`);
    await altered;
    // The reader has the table now, to which its snapshot is older: it would look empty. (SOURCE_LOCKED: a slow machine.)
    expect(['SOURCE_UNREACHABLE', 'SOURCE_LOCKED']).toContain(await reading);
  });

  it('hold nothing at the source when they are disposed of, and stay closed', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query('create table item (id int primary key); insert into item select generate_series(1, 100000)');
    const [item] = (await formsAt(database.url)) as [TableSchema];
    const snapshots = new PostgresSourceSnapshots({ url: database.url, migration: 'm' });
    const snapshot = await snapshots.open();
    await snapshot.take([item]);
    const reader = snapshot.rows(item)[Symbol.asyncIterator]();
    await reader.next();
    await snapshots.stop();
    await until(
      client,
      `not exists (select from pg_stat_activity where application_name = 'changeover-m-snapshot' and datname = current_database())`,
    );
    expect(await codeOf(snapshot.take([item]))).toBe('SOURCE_UNREACHABLE');
    expect(await codeOf(snapshots.open())).toBe('SOURCE_UNREACHABLE');
  });
});
