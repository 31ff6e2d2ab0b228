import { RandomIdSource } from '@changeover/core';
import type { ChunkRequest, HeldSource, SourceEvent } from '@changeover/events';
import { codeOf, EventFollower, TcpProxy, testDatabase, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresSource } from '../postgres-source.js';
import type { PostgresSourceSettings } from '../settings.js';
import { HidingServer } from '../test/hiding-server.js';
import { Mirror } from '../test/mirror.js';
import { until } from '../test/until.js';

type Chunk = Extract<SourceEvent, { type: 'chunk' }>;
const chunksIn = (events: readonly SourceEvent[]): Chunk[] => events.filter((event) => event.type === 'chunk');

/** A source that was filled before its slot was made, held and followed. */
class CopyBed implements AsyncDisposable {
  readonly source: PostgresSource;
  readonly held: HeldSource;
  readonly follower: EventFollower;
  #taken = 0;
  readonly mirror = new Mirror();

  private constructor(source: PostgresSource, held: HeldSource, unseen: readonly string[]) {
    this.source = source;
    this.held = held;
    this.follower = new EventFollower(held, held.confirmed, unseen);
  }

  static async open(url: string, settings: Partial<PostgresSourceSettings> = {}): Promise<CopyBed> {
    const source = new PostgresSource({ url, migration: new RandomIdSource().uuid(), ...settings });
    await source.create();
    return CopyBed.hold(source);
  }

  static async hold(source: PostgresSource, unseen: readonly string[] = []): Promise<CopyBed> {
    return new CopyBed(source, await source.hold({ takeOver: true }), unseen);
  }

  /** Copies a table as capture does: chunk behind chunk, rows that moved incompletely once more. */
  async copy(table: string, maxBytes: number, from: { after: string | null } = { after: null }): Promise<Chunk[]> {
    const copied: Chunk[] = [];
    let { after } = from;
    for (let ended = false; !ended || this.mirror.moved.size > 0;) {
      const count = chunksIn(this.follower.events).length;
      await this.held.copy({ schema: 'public', table, after, again: this.mirror.takeMoved(), maxBytes });
      const chunk = chunksIn(await this.follower.until((events) => chunksIn(events).length > count)).at(-1) as Chunk;
      this.catchUp();
      copied.push(chunk);
      ended = chunk.last === null;
      after = chunk.last ?? after;
    }
    return copied;
  }

  catchUp(): void {
    for (; this.#taken < this.follower.events.length; this.#taken++) this.mirror.take(this.follower.events[this.#taken] as SourceEvent);
  }

  /** The mirror, once everything that is committed now has come, beside what the table holds. */
  async expectEqual(client: pg.Client, table: string, columns: string): Promise<void> {
    const token = new RandomIdSource().uuid();
    await this.held.mark(token);
    await this.follower.marked(token);
    this.catchUp();
    const { rows } = await client.query<(string | null)[]>({
      text: `select ${columns
        .split(', ')
        .map((column) => `case when ${column} is not null then concat(${column}) end`)
        .join(', ')} from ${table}`,
      rowMode: 'array',
    });
    const sorted = (list: Iterable<unknown>): string[] =>
      Array.from(list, (row) => JSON.stringify(row, (_, value: unknown) => (value === undefined ? 'UNTOLD' : value))).sort();
    expect(sorted(this.mirror.of(table).values())).toEqual(sorted(rows));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.follower[Symbol.asyncDispose]();
    await this.held[Symbol.asyncDispose]();
    await this.source.stop();
  }
}

const NOTES = `create table note (id int primary key, n int, body text); alter table note alter body set storage external;
  insert into note select i, i, repeat('body ' || i, 1000) from generate_series(1, 20) i`;

/** A way to the database on which the reading of a chunk waits: its snapshot is there, and none of its rows. */
class Gate implements AsyncDisposable {
  readonly #proxy: TcpProxy;
  readonly url: string;
  /** Resolves when a reader stands before it. */
  readonly reached: Promise<void>;

  private constructor(proxy: TcpProxy, url: string) {
    this.#proxy = proxy;
    this.url = url;
    this.reached = new Promise((resolve) => {
      proxy.onData = (direction, chunk) => {
        if (direction === 'down' || !chunk.includes('COPY (')) return 'forward';
        resolve();
        return 'hold';
      };
    });
  }

  static async before({ url }: TestDatabase): Promise<Gate> {
    const to = new URL(url);
    const proxy = await TcpProxy.to(to.hostname, Number(to.port));
    to.host = proxy.address;
    return new Gate(proxy, to.href);
  }

  open(): void {
    this.#proxy.onData = undefined;
    this.#proxy.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#proxy[Symbol.asyncDispose]();
  }
}

/** A way to the database on which what the server says at the end of a COPY comes after the rows, by itself. */
async function apart({ url }: TestDatabase): Promise<{ readonly url: string; readonly proxy: TcpProxy }> {
  const to = new URL(url);
  const proxy = await TcpProxy.to(to.hostname, Number(to.port));
  to.host = proxy.address;
  proxy.onData = (direction, chunk) => {
    const said = chunk.lastIndexOf('COPY ');
    // Its type and its length stand before it.
    return direction === 'down' && said > 5 ? { splitAt: said - 5 } : 'forward';
  };
  return { url: to.href, proxy };
}

describe.each([14, 16, 18] as const)('chunks of PostgreSQL %d', (major) => {
  it('hold all rows once, however the answer comes in pieces', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table many (id int primary key); insert into many select generate_series(1, 1000)');
    const { url, proxy } = await apart(database);
    await using _ = proxy;
    await using bed = await CopyBed.open(url);
    const chunks = await bed.copy('many', 1500);
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(1000);
    await bed.expectEqual(client, 'many', 'id');
  });

  it('hold all rows once, whatever the kind and order of the key, and text as the stream has it', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`
      create table two (b text collate "C", v numeric, a char(5), t timestamptz, primary key (a, b));
      insert into two select chr(9) || '\\' || (i % 7) || chr(10) || 'ä', i / 3.0, 'k' || (i / 7), '2000-01-01'::timestamptz + i * interval '1.5 s' from generate_series(0, 499) i;
      create table ids (id uuid primary key, data bytea, list text[]);
      insert into ids select gen_random_uuid(), decode(md5(i::text), 'hex'), array['a,b', null, '"' || i] from generate_series(1, 300) i;
      create table part (id int, region text, primary key (id, region)) partition by list (region);
      create table part_a partition of part for values in ('a'); create table part_b partition of part for values in ('b');
      insert into part select i, case when i % 2 = 0 then 'a' else 'b' end from generate_series(1, 200) i;
      create table empty (id int primary key)`);
    await using bed = await CopyBed.open(database.url);
    for (const [table, maxBytes] of [
      ['two', 3000],
      ['ids', 5000],
      ['part', 500],
      ['empty', 500],
    ] as const) {
      const chunks = await bed.copy(table, maxBytes);
      const { rows } = await client.query<{ count: number }>(`select count(*)::int from ${table}`);
      expect(chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0)).toBe(rows[0]?.count);
      expect(chunks.length).toBeGreaterThan(table === 'empty' ? 0 : 2);
      expect(chunks[0]?.table).toBe((await bed.source.tables()).find((one) => one.table === table));
    }
    await client.query('set timezone = utc; set datestyle = iso');
    for (const [table, columns] of [
      ['two', 'b, v, a, t'],
      ['ids', 'id, data, list'],
      ['part', 'id, region'],
    ] as const)
      await bed.expectEqual(client, table, columns);
  });

  it('take in what was committed while they were read, with the large values that the stream leaves out', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(NOTES);
    await using gate = await Gate.before(database);
    await using bed = await CopyBed.open(gate.url);
    const copying = bed.copy('note', 1_000_000);
    await gate.reached;
    // Nothing of this is in the snapshot.
    await client.query('update note set n = -1 where id <= 3');
    await client.query('update note set n = -2 where id = 2; delete from note where id = 3');
    await client.query('update note set id = 104, n = -4 where id = 4');
    await client.query(
      `begin; delete from note where id = 5; insert into note values (5, -5, 'new'); update note set n = -55 where id = 5; commit`,
    );
    await client.query(`insert into note values (106, -6, repeat('new ', 2000)); update note set n = -66 where id = 106`);
    await client.query(
      'begin; update note set id = -1 where id = 7; update note set id = 7 where id = 8; update note set id = 8 where id = -1; commit',
    );
    const before = await bed.follower.commits(6);
    expect(chunksIn(before)).toEqual([]);
    gate.open();
    const chunks = await copying;
    expect(chunks[0]?.rowCount).toBe(18);
    await bed.expectEqual(client, 'note', 'id, n, body');
  });

  it('have the form that the table has when they are read, also if it is being rewritten', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(NOTES);
    await using bed = await CopyBed.open(database.url);
    const other = await database.connect();
    await other.query('begin; alter table note alter n type bigint, add column fresh text default $$f$$');
    const copying = bed.copy('note', 20_000);
    await until(client, `exists (select from pg_locks where relation = 'note'::regclass and not granted)`);
    await other.query('commit');
    const chunks = await copying;
    expect(chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0)).toBe(20);
    expect(chunks[0]?.table.columns.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'integer'],
      ['n', 'bigint'],
      ['body', 'text'],
      ['fresh', 'text'],
    ]);
    await bed.expectEqual(client, 'note', 'id, n, body, fresh');
  });

  it('make what the source has while it is busy, keys and all', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(NOTES);
    await client.query(`insert into note select i, i, repeat('body ' || i, 500) from generate_series(21, 2000) i`);
    await using bed = await CopyBed.open(database.url);
    const done = new AbortController();
    const write = async (seed: number): Promise<number> => {
      const writer = await database.connect();
      let committed = 0;
      for (let step = seed; !done.signal.aborted; step += 7) {
        const id = (step * 7919) % 2500;
        const statement = [
          `update note set n = n + 1 where id = ${String(id)}`,
          `update note set id = ${String((id * 31) % 2500)} where id = ${String(id)}`,
          `delete from note where id = ${String(id)}`,
          `insert into note values (${String(id)}, 0, repeat('fresh', 800))`,
          `update note set body = repeat('other', 900) where id = ${String(id)}`,
        ][step % 5] as string;
        // A key that is taken already: the transaction has not happened.
        committed += await writer.query(statement).then(
          () => 1,
          () => 0,
        );
      }
      return committed;
    };
    const writers = [write(1), write(2), write(3)];
    const chunks = await bed.copy('note', 100_000);
    done.abort();
    expect((await Promise.all(writers)).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(50);
    expect(chunks.length).toBeGreaterThan(10);
    await bed.expectEqual(client, 'note', 'id, n, body');
  });

  it('hold only the rows asked for again, and only the new form of a table whose form has changed', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(NOTES);
    await using bed = await CopyBed.open(database.url);
    const [form] = await bed.source.tables();
    const request = { schema: 'public', table: 'note', after: '7', again: ['3', '19', '99'], maxBytes: 1_000_000 };
    const ask = async (over: Partial<ChunkRequest>): Promise<Chunk> => {
      const count = chunksIn(bed.follower.events).length;
      await bed.held.copy({ ...request, ...over });
      return chunksIn(await bed.follower.until((events) => chunksIn(events).length > count)).at(-1) as Chunk;
    };
    expect(await ask({ onlyAgain: true, form: form?.hash ?? '' })).toMatchObject({ rowCount: 2, last: null });
    expect(await ask({ onlyAgain: true, again: [] })).toMatchObject({ rowCount: 0, last: null });
    expect(await ask({ form: form?.hash ?? '' })).toMatchObject({ rowCount: 15, last: null });
    await client.query('alter table note add column fresh int');
    const changed = await ask({ form: form?.hash ?? '' });
    expect(changed).toMatchObject({ rowCount: 0, last: '7' });
    expect(changed.table.columns.map(({ name }) => name)).toEqual(['id', 'n', 'body', 'fresh']);
  });

  it('may be asked for as soon as the events are, though the source is silent', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(NOTES);
    const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
    await source.create();
    await using held = await source.hold({ takeOver: false });
    const request = { schema: 'public', table: 'note', after: null, again: [], maxBytes: 1_000_000 };
    expect(await codeOf(held.copy(request))).toBe('INTERNAL');
    const abort = new AbortController();
    const events = held.events(held.confirmed, abort.signal);
    await held.copy(request);
    for await (const batch of events) if (chunksIn(batch).length > 0) break;
    await source.stop();
  });

  it('come from tables of which it is known about how much they hold, once somebody has looked', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`
      create table whole (id int primary key, body text); insert into whole select i, repeat('x', 500) from generate_series(1, 3000) i;
      create table part (id int primary key) partition by range (id);
      create table part_1 partition of part for values from (0) to (1000); create table part_2 partition of part for values from (1000) to (9000);
      insert into part select i from generate_series(1, 5000) i;
      create table never (id int primary key); insert into never values (1)`);
    const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
    const tables = ['whole', 'never', 'part'].map((table) => ({ schema: 'public', table }));
    expect(await source.sizes(tables)).toEqual([null, null, null]);
    await client.query('analyze whole; analyze part_1; analyze part_2');
    const [whole, never, part] = await source.sizes(tables);
    expect([whole?.rows, never, part?.rows]).toEqual([3000, null, 5000]);
    expect(whole?.bytes).toBeGreaterThan(1_000_000);
    await source.stop();
  });

  it('ask for as many rows as come to the bytes, by those of the chunk before', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    // As text three times as much as the table holds.
    await client.query(`create table wide (id int primary key, a timestamptz, b timestamptz, c timestamptz, d timestamptz);
      insert into wide select i, t, t, t, t from generate_series(1, 20000) i, (select clock_timestamp() t) n; analyze wide`);
    await using bed = await CopyBed.open(database.url);
    const most = 400_000;
    const chunks = await bed.copy('wide', most);
    expect(chunks.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(20_000);
    const [first, ...others] = chunks.map(({ rows }) => rows.length / most);
    expect(first).toBeGreaterThan(0.95);
    expect(others.length).toBeGreaterThan(4);
    for (const share of others.slice(0, -1)) expect(share).toBeCloseTo(0.89, 1);
  });

  it('are none of a table without a key, whose rows nobody could tell apart', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`create table log (at int, what text); insert into log values (1, 'same'), (1, 'same')`);
    await using bed = await CopyBed.open(database.url, { tablesWithoutKey: 'insert-only' });
    const request = { schema: 'public', table: 'log', after: null, again: [], maxBytes: 10_000 };
    await expect(bed.held.copy(request)).rejects.toMatchObject({ code: 'SNAPSHOT_NEEDED', facts: { tables: 'public.log' } });
  });
});

describe('chunks beside commits that are in the stream and that nobody sees yet', () => {
  /** The form of the table is known to the stream from here on: looking it up waits for who brought it. */
  async function follow({ url, client }: HidingServer): Promise<CopyBed> {
    const bed = await CopyBed.open(url);
    await client.query('update note set n = 0 where id = 20');
    await bed.follower.commits(1);
    return bed;
  }

  const CHANGES = `update note set n = -1 where id = 1; delete from note where id = 2; update note set id = 103, n = -3 where id = 3; insert into note values (104, -4, 'new')`;
  const chunk = { schema: 'public', table: 'note', after: null, again: [], maxBytes: 1_000_000 };

  it('wait for one that was given before they were asked for', async () => {
    await using server = await HidingServer.open(NOTES);
    await using bed = await follow(server);
    const { committed } = await server.hide(CHANGES);
    await bed.follower.commits(2);
    let copied = false;
    const copying = bed.copy('note', 1_000_000).then(() => (copied = true));
    // It has looked more than once, and goes on waiting, while the stream goes on.
    for (let marks = 0; marks < 20; marks++) {
      await bed.held.mark(`mark ${String(marks)}`);
      await bed.follower.marked(`mark ${String(marks)}`);
    }
    expect([copied, chunksIn(bed.follower.events)]).toEqual([false, []]);
    await server.reveal();
    await Promise.all([committed, copying]);
    await bed.expectEqual(server.client, 'note', 'id, n, body');
  });

  it('wait for one that an earlier hold gave', async () => {
    await using server = await HidingServer.open(NOTES);
    const first = await follow(server);
    const { committed } = await server.hide(CHANGES);
    const position = (await first.follower.commits(2)).findLast((event) => event.type === 'commit')?.position;
    first.catchUp();
    const unseen = await first.held.unseen();
    expect(unseen).toHaveLength(1);
    await first.follower[Symbol.asyncDispose]();
    await first.held[Symbol.asyncDispose]();

    await using second = await first.source.hold({ takeOver: false });
    await using follower = new EventFollower(second, position, unseen);
    let copied = false;
    const copying = second.copy(chunk).then(() => (copied = true));
    await second.mark('some time later');
    await follower.marked('some time later');
    expect(copied).toBe(false);
    expect(await second.unseen()).toEqual(unseen);
    await server.reveal();
    await Promise.all([committed, copying]);
    const [arrived] = chunksIn(await follower.until((events) => chunksIn(events).length > 0));
    first.mirror.take(arrived as SourceEvent);
    const ids = [...first.mirror.of('note').keys()];
    expect(['2', '3', '103', '104'].map((id) => ids.includes(id))).toEqual([false, false, true, true]);
    expect(first.mirror.of('note').get('1')?.[1]).toBe('-1');
    expect(first.mirror.of('note').size).toBe(20);
    expect(await second.unseen()).toEqual([]);
    await first.source.stop();
  });

  it('do not wait for one that is behind them', async () => {
    await using server = await HidingServer.open(NOTES);
    await using bed = await follow(server);
    await bed.copy('note', 1_000_000);
    const { committed } = await server.hide(CHANGES);
    await bed.follower.commits(2);
    await server.reveal();
    await committed;
    await bed.expectEqual(server.client, 'note', 'id, n, body');
  });
});
