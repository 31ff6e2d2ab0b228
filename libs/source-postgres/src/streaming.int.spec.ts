import { RandomIdSource } from '@changeover/core';
import type { HeldSource, SourceEvent, TableSchema } from '@changeover/events';
import { EventFollower, testDatabase, told, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresSource } from './postgres-source.js';
import type { PostgresSourceSettings } from './settings.js';
import { until } from './test/until.js';

type Bed = AsyncDisposable & {
  readonly client: pg.Client;
  readonly migration: string;
  readonly source: PostgresSource;
  readonly held: HeldSource;
  readonly follower: EventFollower;
};

/** A followed database with the tables of `setup`. */
async function openBed(database: TestDatabase, setup: string, settings: Partial<PostgresSourceSettings> = {}): Promise<Bed> {
  const client = await database.connect();
  await client.query(setup);
  const migration = new RandomIdSource().uuid();
  const source = new PostgresSource({ url: database.url, migration, ...settings });
  await source.create();
  const held = await source.hold({ takeOver: false });
  const follower = new EventFollower(held);
  return {
    client,
    migration,
    source,
    held,
    follower,
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      await held[Symbol.asyncDispose]();
      await source.stop();
    },
  };
}

type Rows = Extract<SourceEvent, { type: 'rows' }>;
const rowsIn = (events: readonly SourceEvent[]): Rows[] => events.filter((event) => event.type === 'rows');

describe.each([14, 16, 18] as const)('the stream of PostgreSQL %d', (major) => {
  it('marks a large value that an update left alone', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(
      database,
      'create table note (id int primary key, n int, body text); alter table note alter body set storage external',
    );
    await bed.client.query("insert into note values (1, 1, repeat('x', 10000))");
    await bed.client.query('update note set n = 2');
    await bed.client.query("update note set n = 3, body = 'short'");
    const events = await bed.follower.commits(3);
    expect(told(events).slice(2)).toEqual(['u note 1,2,…', '--', 'u note 1,3,short', '--']);
    expect(rowsIn(events).map(({ partial }) => partial)).toEqual([false, true, false]);
  });

  it('tells a key change as one update with the old key, and nothing of other old columns', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(
      database,
      "create table item (a text, id int, b int, primary key (id, b)); insert into item values ('x', 1, 1)",
    );
    await bed.client.query('update item set id = 2');
    await bed.client.query('delete from item');
    const events = await bed.follower.commits(2);
    expect(told(events)).toEqual(['u item …,1,1', 'u item x,2,1', '--', 'd item …,2,1', '--']);
    expect(rowsIn(events).map(({ before, rowCount }) => [before, rowCount])).toEqual([
      ['key', 1],
      ['key', 1],
    ]);
  });

  it('tells the whole old row where the table has it', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(
      database,
      "create table item (id int primary key, name text); alter table item replica identity full; insert into item values (1, 'a'), (2, null)",
    );
    await bed.client.query("update item set name = 'b'");
    await bed.client.query('delete from item where id = 2');
    const events = await bed.follower.commits(2);
    expect(told(events)).toEqual(['u item 1,a', 'u item 1,b', 'u item 2,∅', 'u item 2,b', '--', 'd item 2,b', '--']);
    const [update] = rowsIn(events);
    expect([update?.before, update?.table.identity, update?.table.columns.map((column) => column.key)]).toEqual([
      'full',
      'full',
      [true, false],
    ]);
  });

  it('tells the truncation of several tables one behind the other', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(
      database,
      'create table parent (id int primary key); create table child (id int primary key, p int references parent); insert into parent values (1)',
    );
    await bed.client.query('truncate parent cascade');
    const events = await bed.follower.commits(1);
    expect(told(events).sort()).toEqual(['--', 't child', 't parent']);
    expect(rowsIn(events).map(({ rowCount, rows }) => [rowCount, rows.length])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('tells the rows of partitions under the name of their table, columns in its order', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(
      database,
      `create table visit (id int, region text, n int, primary key (id, region)) partition by list (region);
       create table visit_eu partition of visit for values in ('eu');
       create table visit_us (n int, region text not null, gone int, id int not null, primary key (id, region));
       alter table visit_us drop column gone;
       alter table visit attach partition visit_us for values in ('us');`,
    );
    await bed.client.query("insert into visit values (1, 'eu', 10), (2, 'us', 20)");
    await bed.client.query("update visit set region = 'us' where id = 1");
    await bed.client.query('update visit set n = 21 where id = 2');
    const events = await bed.follower.commits(3);
    expect(told(events)).toEqual([
      'c visit 1,eu,10',
      'c visit 2,us,20',
      '--',
      'd visit 1,eu,…',
      'c visit 1,us,10',
      '--',
      'u visit 2,us,21',
      '--',
    ]);
    expect(new Set(rowsIn(events).map(({ table }) => table))).toEqual(new Set(await bed.source.tables()));
  });

  it('tells the new form of a table before the next row, as the catalogue has it', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key, name text)');
    await bed.client.query("insert into item values (1, 'a')");
    await bed.client.query(
      'begin; alter table item add column n int not null default 7, drop column name; insert into item values (2); insert into item values (3, 8); commit',
    );
    const events = await bed.follower.commits(2);
    expect(told(events)).toEqual(['c item 1,a', '--', 'c item 2,7', 'c item 3,8', '--']);
    const [before, after] = rowsIn(events).map(({ table }) => table);
    expect(before?.columns.map(({ name, fill }) => [name, fill])).toEqual([
      ['id', 'none'],
      ['name', 'none'],
    ]);
    expect(after?.columns.map(({ name, fill, notNull }) => [name, fill, notNull])).toEqual([
      ['id', 'none', true],
      ['n', 'default', true],
    ]);
    expect(await bed.source.tables()).toEqual([after]);
  });

  it('tells rows in the form that they had, though the catalogue is ahead', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query("create type mood as enum ('sad'); create table item (id int primary key, feels mood)");
    const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
    await source.create();
    await client.query("insert into item values (1, 'sad')");
    await client.query('alter table item drop column feels; drop type mood; insert into item values (2)');
    await client.query('drop table item');
    await using held = await source.hold({ takeOver: false });
    await using follower = new EventFollower(held);
    await held.mark('end');
    const events = await follower.marked('end');
    expect(told(events)).toEqual(['c item 1,sad', '--', 'c item 2', '--']);
    await source.stop();
  });

  it('keeps apart transactions that interleave, in the order of their commits, and what was rolled back out', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key, name text)');
    const [first, second] = [bed.client, await database.connect()];
    await first.query("begin; insert into item values (1, 'first')");
    await second.query("begin; insert into item values (2, 'second')");
    await first.query("savepoint s; insert into item values (8, 'taken back'); rollback to s; insert into item values (3, 'first')");
    await second.query("insert into item values (4, 'second'); commit");
    await first.query('commit');
    await first.query("begin; insert into item values (9, 'never'); rollback");
    const events = await bed.follower.commits(2);
    expect(told(events)).toEqual(['c item 2,second', 'c item 4,second', '--', 'c item 1,first', 'c item 3,first', '--']);
    const positions = events.flatMap((event) => (event.type === 'commit' ? [event.position] : []));
    expect(positions).toEqual([...positions].sort());
  });

  it('moves on over transactions that hold nothing of ours, without a transaction', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key); create table left_out (id int)', {
      tables: { tables: ['public.item'] },
    });
    const before = bed.follower.position ?? bed.held.confirmed;
    await bed.client.query('insert into left_out values (1)');
    await bed.client.query("select pg_logical_emit_message(true, 'somebody', 'else')");
    const { rows } = await bed.client.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
    await bed.held.mark('here');
    const events = await bed.follower.marked('here');
    expect(told(events)).toEqual([]);
    expect(new Set(events.map((event) => event.type))).toEqual(new Set(events.length > 1 ? ['keepalive', 'mark'] : ['mark']));
    expect(rows[0]?.lsn).toBeDefined();
    expect((bed.follower.position ?? '') > before).toBe(true);
  });

  it('names the origin of a transaction that was replicated here', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key)');
    const origin = `test_${new RandomIdSource().uuid()}`;
    await bed.client.query('select pg_replication_origin_create($1)', [origin]);
    await bed.client.query('select pg_replication_origin_session_setup($1)', [origin]);
    await bed.client.query("begin; select pg_replication_origin_xact_setup('0/1', now()); insert into item values (1); commit");
    await bed.client.query('select pg_replication_origin_session_reset()');
    await bed.client.query('insert into item values (2)');
    const begins = (await bed.follower.commits(2)).filter((event) => event.type === 'begin');
    expect(begins.map((event) => event.origin)).toEqual([origin, undefined]);
    await bed.client.query('select pg_replication_origin_drop($1)', [origin]);
  });

  it('publishes a table that was added, at the next hold; one without a key does not stand in the way', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key)');
    const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
    await source.create();
    await client.query('create table other (id int primary key); create table keyless (id int)');
    await using held = await source.hold({ takeOver: false });
    await using follower = new EventFollower(held);
    await client.query('insert into keyless values (1)');
    await client.query('update keyless set id = 2');
    await client.query('insert into other values (1)');
    expect(told(await follower.commits(1))).toEqual(['c other 1', '--']);
    expect((await source.tables()).map(({ table }) => table)).toEqual(['item', 'other']);
    expect(await source.leftOut()).toEqual(['public.keyless']);
    await source.stop();
  });

  it('leaves out a table that came later with rows and no key to copy them by, until it is empty', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key)', { tablesWithoutKey: 'full' });
    await bed.client.query('create table late (id int); alter table late replica identity full; insert into late values (1)');
    expect(await bed.source.leftOut()).toEqual(['public.late']);
    expect((await bed.source.tables()).map(({ table }) => table)).toEqual(['item']);
    const rejoin = async (): Promise<void> => {
      const held = await bed.source.hold({ takeOver: true });
      await held.requireNothingMissed(bed.held.watched);
      await held[Symbol.asyncDispose]();
    };
    await rejoin();
    expect(await bed.source.leftOut()).toEqual(['public.late']);
    await bed.client.query('truncate late');
    await rejoin();
    expect(await bed.source.leftOut()).toEqual([]);
  });

  it('takes in a table that came later with rows, and says which came or came back', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key)');
    await bed.client.query('create table late (id int primary key); insert into late values (1)');
    const joined = async (before: string, tables: PostgresSource): Promise<{ joined: readonly string[]; watched: string }> => {
      await using held = await tables.hold({ takeOver: true });
      return { joined: await held.requireNothingMissed(before), watched: held.watched };
    };
    const first = await joined(bed.held.watched, bed.source);
    expect([first.joined, await bed.source.leftOut()]).toEqual([['public.late'], []]);
    expect((await joined(first.watched, bed.source)).joined).toEqual([]);
    // Left out for a while, in which nothing of it is told.
    const { rows } = await bed.client.query<{ name: string }>('select pubname as name from pg_publication');
    const migration = (rows[0]?.name ?? '').replace('changeover_', '');
    const without = new PostgresSource({ url: database.url, migration, tables: { schemas: ['public'], exclude: ['public.item'] } });
    const { watched } = await joined(first.watched, without);
    expect((await joined(watched, bed.source)).joined).toEqual(['public.item']);
    await without.stop();
  });

  it.each(['taken out of the publication', 'dropped and made again'])('is lost with a table that was %s meanwhile', async (how) => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key); create table other (id int primary key)');
    const { rows } = await bed.client.query<{ name: string }>('select pubname as name from pg_publication');
    await bed.held[Symbol.asyncDispose]();
    await bed.client.query(
      how.startsWith('taken')
        ? `alter publication ${rows[0]?.name ?? ''} drop table item`
        : 'drop table item; create table item (id int primary key)',
    );
    await using next = await bed.source.hold({ takeOver: false });
    const missed = { code: 'SOURCE_LOST', message: expect.stringContaining('public.item') };
    await expect(next.requireNothingMissed(bed.held.watched)).rejects.toMatchObject(missed);
    expect(await next.requireNothingMissed(next.watched)).toEqual([]);
    await next[Symbol.asyncDispose]();
    const migration = (rows[0]?.name ?? '').replace('changeover_', '');
    const without = new PostgresSource({ url: database.url, migration, tables: { schemas: ['public'], exclude: ['public.item'] } });
    await using rest = await without.hold({ takeOver: true });
    expect(await rest.requireNothingMissed(bed.held.watched)).toEqual([]);
    await without.stop();
  });

  it.each([
    [
      'swapped with another',
      'alter table item rename to x; alter table other rename to item; alter table x rename to other',
      ['item', 'other'],
    ],
    ['given a new name', 'alter table item rename to thing', ['item', 'thing']],
    ['moved to another schema', 'alter table item set schema spare', ['item']],
  ])('ends with a table that was %s', async (_, change, names) => {
    await using database = await testDatabase({ major });
    const tables = 'create schema spare; create table item (id int primary key); create table other (id int primary key)';
    await using bed = await openBed(database, tables);
    await bed.client.query('insert into item values (1)');
    await bed.follower.commits(1);
    const { watched } = bed.held;
    await bed.client.query(change);
    const lost = names.map((name) => `public.${name}`).join(', ');
    const missed = { code: 'SOURCE_LOST', message: expect.stringContaining(` ${lost},`) };
    await expect(bed.held.requireNothingMissed()).rejects.toMatchObject(missed);
    await bed.held[Symbol.asyncDispose]();
    const reopened = (exclude: readonly string[]): PostgresSource => {
      const tables = { schemas: ['public'], exclude: exclude.map((name) => `public.${name}`) };
      return new PostgresSource({ url: database.url, migration: bed.migration, tables });
    };
    const some = reopened(names.slice(1));
    await using again = await some.hold({ takeOver: true });
    await expect(again.requireNothingMissed(watched)).rejects.toMatchObject({ code: 'SOURCE_LOST' });
    await again[Symbol.asyncDispose]();
    const rest = reopened(names);
    await using held = await rest.hold({ takeOver: true });
    await held.requireNothingMissed(watched);
    await some.stop();
    await rest.stop();
  });

  it('ends before the first row that came while a table had the name of another', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key); create table other (id int primary key)');
    await bed.client.query('insert into item values (1)');
    await bed.follower.commits(1);
    const swap = 'alter table item rename to x; alter table other rename to item; alter table x rename to other';
    await bed.client.query(`begin; ${swap}; insert into item values (2); ${swap}; commit`);
    expect(await bed.held.requireNothingMissed()).toEqual([]);
    expect(await bed.follower.endsWith()).toBe('SOURCE_LOST');
    expect(told(bed.follower.events)).toEqual(['c item 1', '--']);
  });

  it('ends where the publication did not tell everything for a while', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key)');
    const { watched } = bed.held;
    const name = `changeover_${bed.migration.replaceAll('-', '_')}`;
    await bed.client.query(`alter publication "${name}" set (publish = 'insert')`);
    await bed.client.query('delete from item');
    await bed.client.query(`alter publication "${name}" set (publish = 'insert, update, delete, truncate')`);
    const missed = { code: 'SOURCE_LOST', message: expect.stringContaining(name) };
    await expect(bed.held.requireNothingMissed()).rejects.toMatchObject(missed);
    await bed.held[Symbol.asyncDispose]();
    await using next = await bed.source.hold({ takeOver: true });
    await expect(next.requireNothingMissed(watched)).rejects.toMatchObject(missed);
  });

  const TABLES = `
    create table item (id int primary key, price numeric(10, 4), name text);
    create table visit (id int, country text, primary key (id, country)) partition by list (country);
    create table visit_de partition of visit for values in ('de');
    create schema spare;
    create table spare.visit_ch (id int not null, country text not null);
    create table visit_fr (id int, country text, primary key (id, country));
    create type mood as enum ('glad', 'sad');
    create domain feeling as mood;
    create type span as range (subtype = mood);
    create type place as (street text, mood mood);
    create table kind (id int primary key, name text);
    create table plain (id int primary key, mood mood, twice int generated always as (id * 2) stored);
    create table nested (id int primary key, moods feeling[]);
    create table ranged (id int primary key, span span);
    create table placed (id int primary key, places place[], kind kind);`;

  it.each([
    ['a type and back', 'item', 'alter table item alter price type numeric(10, 2); alter table item alter price type numeric(10, 4)'],
    ['the same type by an expression', 'item', 'alter table item alter name type text using upper(name)'],
    ['a default taken away again', 'item', 'alter table item add more float default random(); alter table item alter more drop default'],
    ['a partition attached', 'visit', "alter table visit attach partition spare.visit_ch for values in ('ch')"],
    [
      'a captured table attached',
      'visit',
      "insert into visit_fr values (1, 'fr'); alter table visit attach partition visit_fr for values in ('fr')",
    ],
    ['a partition detached', 'visit', 'alter table visit detach partition visit_de'],
    ['a partition dropped', 'visit', 'drop table visit_de'],
    ['a label of an enum', 'plain', "alter type mood rename value 'sad' to 'blue'"],
    [
      'a label of an enum, with another one added',
      'plain',
      "alter type mood rename value 'sad' to 'blue'; alter type mood add value 'sad'",
    ],
    ['a label of an enum in a domain in an array', 'nested', "alter type mood rename value 'sad' to 'blue'"],
    ['a label of an enum in a range', 'ranged', "alter type mood rename value 'sad' to 'blue'"],
    ['a label of an enum in a row', 'placed', "alter type mood rename value 'sad' to 'blue'"],
    ['an attribute less', 'placed', 'alter type place drop attribute street'],
    ['an attribute more', 'placed', 'alter type place add attribute town text'],
    ['a column more of the table whose rows it holds', 'placed', 'alter table kind add more text'],
    ['a generated column that is one no longer', 'plain', 'alter table plain alter twice drop expression'],
  ])('tells another generation of a table whose rows change without row events: %s', async (_, table, change) => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, TABLES);
    const formOf = async (source: PostgresSource): Promise<TableSchema | undefined> =>
      (await source.tables()).find((one) => one.table === table);
    const before = await formOf(bed.source);
    expect(before?.generation).toBeUndefined();
    const { watched } = bed.held;
    await bed.client.query(change);
    const after = await formOf(bed.source);
    expect(after?.generation).toEqual(expect.any(String));
    expect(after?.hash).not.toBe(before?.hash);
    expect((await formOf(bed.source))?.generation).toBe(after?.generation);
    // And of another process, which was away meanwhile.
    await bed.held[Symbol.asyncDispose]();
    const another = new PostgresSource({ url: database.url, migration: bed.migration });
    await using held = await another.hold({ takeOver: true });
    await held.requireNothingMissed(watched);
    expect(await formOf(another)).toEqual(after);
    await another.stop();
  });

  it.each([
    ['truncated', 'truncate item'],
    ['vacuumed in full', 'vacuum full item'],
    ['whose enum gets a label', "alter type mood add value 'calm' before 'sad'; alter type mood add value 'wild'"],
    ['whose row type gets other names', 'alter type place rename attribute street to road; alter type place rename to spot'],
    ['whose generated column is dropped', 'alter table plain drop twice'],
    ['of which nothing but a definition changed', 'alter table item alter name set statistics 10, alter name set not null'],
    ['that gets a partition', "create table visit_at partition of visit for values in ('at'); insert into visit values (1, 'at')"],
    [
      'that gets a partition in two steps',
      "begin; create table visit_at (like visit); alter table visit attach partition visit_at for values in ('at'); commit",
    ],
  ])('keeps the generation of a table %s', async (_, change) => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, TABLES);
    const before = (await bed.source.tables()).map(({ generation }) => generation);
    await bed.client.query(change);
    expect((await bed.source.tables()).map(({ generation }) => generation)).toEqual(before);
    expect(before.some((generation) => generation !== undefined)).toBe(false);
  });

  it('is not stopped by what the database has set for applications', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key, name text)');
    const settings = {
      default_transaction_read_only: 'on',
      default_transaction_isolation: 'serializable',
      default_transaction_deferrable: 'on',
      statement_timeout: '100ms',
      lock_timeout: '1ms',
      idle_in_transaction_session_timeout: '100ms',
      exit_on_error: 'on',
      ...(major >= 17 ? { transaction_timeout: '100ms' } : {}),
    };
    for (const [name, value] of Object.entries(settings)) await client.query(`alter database ${database.name} set ${name} = '${value}'`);
    const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
    // The slot waits for whoever writes, longer than any of these times.
    const writer = await database.connect();
    await writer.query(`set default_transaction_read_only = off; set transaction_read_only = off; begin; set local statement_timeout = 0;
      set local idle_in_transaction_session_timeout = 0; insert into item values (0, 'before'); delete from item; ${major >= 17 ? 'set local transaction_timeout = 0' : ''}`);
    const created = source.create();
    await until(client, `exists (select from pg_replication_slots where active and confirmed_flush_lsn is null)`);
    await client.query('select pg_sleep(0.3)');
    await writer.query('commit');
    await created;
    await using held = await source.hold({ takeOver: false });
    await using follower = new EventFollower(held);
    await client.query("insert into item values (1, 'a')");
    await held.mark('token');
    expect(told(await follower.marked('token'))).toEqual(['c item 1,a', '--']);
    await source.stop();
  });

  it('tells a column that was dropped and made again as another', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database, 'create table item (id int primary key, v text)');
    await bed.client.query("insert into item values (1, 'x')");
    await bed.follower.commits(1);
    await bed.client.query('begin; alter table item drop column v; alter table item add column v text; commit');
    await bed.client.query("insert into item values (2, 'y')");
    const [before, after] = rowsIn(await bed.follower.commits(2)).map(({ table }) => table);
    expect([before, after].map((table) => table?.columns.map(({ name, id }) => [name, id]))).toEqual([
      [
        ['id', 1],
        ['v', 2],
      ],
      [
        ['id', 1],
        ['v', 3],
      ],
    ]);
    expect(after?.hash).not.toBe(before?.hash);
  });
});
