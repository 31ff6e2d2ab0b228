import { setTimeout as sleep } from 'node:timers/promises';

import { noCrash, RandomIdSource, SystemClock, type CrashPoint } from '@changeover/core';
import { SequencedLog, type LogEntry } from '@changeover/events';
import { startPostgres } from '@changeover/local-services';
import { PostgresSource } from '@changeover/source-postgres';
import { InMemoryMessageStore, LogMirror, MemoryStorage, ScriptedRequests, testDatabase } from '@changeover/testing';
import pg from 'pg';

import { SilentObserver } from '../../ports.js';
import { crashAt, readEntries } from '../../test/capture-bed.js';
import { CaptureLoop } from '../capture-loop.js';
import type { CopyLimits } from './copy-driver.js';

const STREAM = 'm.changes';
const COPIES: CopyLimits = { parallel: 2, chunkBytes: 40_000, bytesPerSecond: Infinity };

/** Tables that nobody has to read whole: of `note` the stream leaves out the bodies that did not change. */
const TABLES: Readonly<Record<string, string>> = { note: 'id, n, body', pair: 'a, b, v, body', part: 'id, region, v' };
const SCHEMA = `
  create table note (id int primary key, n int, body text); alter table note alter body set storage external;
  insert into note select i, i, repeat('body ' || i, 500) from generate_series(1, 600) i;
  create table pair (a int, b text, v int, body text, primary key (b, a)); alter table pair alter body set storage external;
  insert into pair select i, 'b' || (i % 5), i, repeat('p' || i, 1000) from generate_series(1, 300) i;
  create table part (id int, region text, v int, primary key (id, region)) partition by list (region);
  create table part_a partition of part for values in ('a'); create table part_b partition of part for values in ('b');
  insert into part select i, case when i % 2 = 0 then 'a' else 'b' end, i from generate_series(1, 4000) i`;

class Watch extends SilentObserver {
  readonly finished = new Set<string>();
  chunks = 0;
  /** Called with whatever is told. */
  look: () => void = () => undefined;

  override advanced(): void {
    this.look();
  }

  override copied({ table, finished }: { readonly table: string; readonly finished: boolean }): void {
    this.chunks++;
    if (finished) this.finished.add(table);
    this.look();
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.look = () => {
        if (condition()) resolve();
      };
      this.look();
    });
  }
}

/** A log in memory, and processes of capture that come and go over it, each with a source of its own. */
class CopyBed implements AsyncDisposable {
  readonly storage = new MemoryStorage();
  readonly requests = new ScriptedRequests();
  readonly #url: string;
  readonly #migration = new RandomIdSource().uuid();
  readonly #stops: (() => Promise<unknown>)[] = [];

  constructor(url: string) {
    this.#url = url;
    this.requests.submit('activate-mapping', { hash: 'h', mapping: {} });
  }

  start(options: { readonly crashPoint?: CrashPoint; readonly copies?: CopyLimits } = {}) {
    const { crashPoint = noCrash, copies = COPIES } = options;
    const watch = new Watch();
    const abort = new AbortController();
    const source = new PostgresSource({ url: this.#url, migration: this.#migration });
    const loop = new CaptureLoop({
      stream: STREAM,
      source,
      log: new SequencedLog(new InMemoryMessageStore(this.storage), new RandomIdSource(), crashPoint),
      requests: this.requests,
      observer: watch,
      clock: new SystemClock(),
      ids: new RandomIdSource(),
      crashPoint,
      limits: { maxQueuedBytes: 1024 * 1024, retainedBytes: { warn: Infinity, release: Infinity }, copies },
    });
    const ended = loop
      .run(abort.signal)
      .then(
        () => null,
        (error: unknown) => error,
      )
      .finally(() => source.stop());
    const stop = (): Promise<unknown> => {
      abort.abort();
      return ended;
    };
    this.#stops.push(stop);
    return { watch, ended, stop };
  }

  entries(): Promise<LogEntry[]> {
    return readEntries(this.storage);
  }

  async mirror(): Promise<LogMirror> {
    const mirror = new LogMirror();
    for (const entry of await this.entries()) mirror.take(entry);
    return mirror;
  }

  /** Everything that is committed now is in the log. */
  async caughtUp(): Promise<void> {
    const barriers = async (): Promise<number> => (await this.entries()).filter(({ header }) => header.kind === 'barrier').length;
    const before = await barriers();
    this.requests.submit('barrier');
    while ((await barriers()) === before) await sleep(20);
  }

  /** What the log says, beside what the tables hold. */
  async expectEqual(client: pg.Client): Promise<void> {
    await this.caughtUp();
    const mirror = await this.mirror();
    expect(mirror.copies).toEqual({});
    for (const [table, columns] of Object.entries(TABLES)) {
      const texts = columns.split(', ').map((column) => `${column}::text`);
      const { rows } = await client.query<(string | null)[]>({ text: `select ${texts.join(', ')} from ${table}`, rowMode: 'array' });
      const told = mirror
        .rows(`public.${table}`)
        .map((row) => JSON.stringify(row.map((value) => (value === undefined ? 'UNTOLD' : value))));
      expect(told.sort()).toEqual(rows.map((row) => JSON.stringify(row)).sort());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) await stop();
  }
}

/** Numbers from a seed, so that a run can be made again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** A transaction of a few statements on rows all over the tables. */
function transaction(next: (below: number) => number): string {
  const statements = Array.from({ length: 1 + next(3) }, () => {
    const id = next(800);
    const other = next(900) - 50;
    const pair = `a = ${String(next(350))}`;
    const kinds = [
      `update note set n = n + 1 where id = ${String(id)}`,
      `update note set id = ${String(other)} where id = ${String(id)}`,
      `update note set id = -id where id between ${String(id)} and ${String(id + 10)}`,
      `delete from note where id = ${String(id)}`,
      `insert into note values (${String(id)}, 0, repeat('fresh', 700))`,
      `update note set body = repeat('other', 800) where id = ${String(id)}`,
      `update pair set b = 'c' || (a % 3) where ${pair}`,
      `update pair set v = -v where ${pair}`,
      `delete from pair where ${pair}`,
      `insert into pair values (${String(next(400))}, 'a', 0, repeat('z', 3000))`,
      `update part set v = v + 1, region = 'a' where id = ${String(next(5000))}`,
      `delete from part where id between ${String(id)} and ${String(id + 2)}`,
      `insert into part values (${String(next(9000))}, 'b', 0)`,
    ];
    return next(150) === 0 ? `truncate ${['note', 'pair', 'part'][next(3)] as string}` : (kinds[next(kinds.length)] as string);
  });
  return `begin; ${statements.join('; ')}; commit`;
}

const SEEDS = process.env['SEED'] === undefined ? [11, 12, Date.now() % 1_000_000] : [Number(process.env['SEED'])];

describe('the first copy of PostgreSQL tables, beside writers and crashes', () => {
  it.each(SEEDS)(
    'makes what the source has (seed %d)',
    async (seed) => {
      process.stdout.write(`seed ${String(seed)}\n`);
      await using database = await testDatabase({ major: 16 });
      const client = await database.connect();
      await client.query(SCHEMA);
      await using bed = new CopyBed(database.url);
      const done = new AbortController();
      let committed = 0;
      const write = async (random: (below: number) => number): Promise<void> => {
        const writer = await database.connect();
        while (!done.signal.aborted) {
          // A key that is taken already: the transaction has not happened.
          await writer.query(transaction(random)).then(
            () => committed++,
            () => writer.query('rollback'),
          );
          await sleep(random(8));
        }
      };
      const writers = [write(numbers(seed)), write(numbers(seed + 1))];
      const next = numbers(seed + 2);
      const points = ['capture.chunk-read', 'capture.after-chunk', 'capture.after-append', 'capture.after-progress'];
      let crashes = 0;
      // The first start names them.
      const unfinished = async (): Promise<number> => Object.keys((await bed.mirror()).copies).length;
      for (let left = 6; left > 0; left--) {
        const copies = left === 6 ? Object.keys(TABLES).length : await unfinished();
        if (copies === 0) break;
        // The first crash comes within what even three emptied tables take, so that there is one for certain.
        const hits = left === 6 ? 1 + next(3) : 2 + next(12);
        const doomed = bed.start({ crashPoint: crashAt(points[next(points.length)] as string, hits) });
        if ((await Promise.race([doomed.ended, doomed.watch.until(() => doomed.watch.finished.size >= copies)])) !== undefined) crashes++;
        await doomed.stop();
      }
      const copies = await unfinished();
      const last = bed.start();
      expect(await Promise.race([last.ended, last.watch.until(() => last.watch.finished.size >= copies)])).toBeUndefined();
      done.abort();
      await Promise.all(writers);
      await bed.expectEqual(client);
      expect([crashes > 0, committed > 50]).toEqual([true, true]);
      const kinds = (await bed.entries()).map(({ header }) => header.kind);
      expect(kinds).toContain('snapshot-chunk');
    },
    90_000,
  );

  it('waits, over a restart, for a commit that is in the log and that nobody sees yet', async () => {
    const server = await startPostgres({ major: 16, own: true });
    const connect = async (synchronous: 'on' | 'local'): Promise<pg.Client> => {
      const client = new pg.Client(server.url);
      client.on('error', () => undefined);
      await client.connect();
      await client.query(`set synchronous_commit = ${synchronous}`);
      return client;
    };
    const client = await connect('local');
    const standby = async (name: string): Promise<void> => {
      await client.query(`alter system set synchronous_standby_names = '${name}'`);
      await client.query('select pg_reload_conf()');
      while ((await client.query(`select where current_setting('synchronous_standby_names') = '${name}'`)).rowCount === 0) await sleep(5);
    };
    await client.query(SCHEMA);
    {
      await using bed = new CopyBed(server.url);
      const first = bed.start({ copies: { ...COPIES, parallel: 1, bytesPerSecond: 100_000 } });
      await first.watch.until(() => first.watch.chunks > 4);
      // The form of the table is known to the stream from here on: looking it up would wait for who brought it.
      await client.query('update note set n = 0 where id = 1');
      await bed.caughtUp();
      await standby('nobody');
      const writer = await connect('on');
      const committed = writer.query(
        `begin; update note set n = -1 where id in (3, 590); delete from note where id in (4, 591); update note set id = 1000 where id = 592;
         update note set id = -5 where id = 593; insert into note values (2000, 0, 'new'); commit`,
      );
      await bed.caughtUp();
      await first.stop();
      const chunks = async (): Promise<number> => (await bed.entries()).filter(({ header }) => header.kind === 'snapshot-chunk').length;
      const before = await chunks();
      // Twice, as the second knows of it only by what the first tells.
      for (let restart = 0; restart < 2; restart++) {
        const between = bed.start();
        await bed.caughtUp();
        await bed.caughtUp();
        await between.stop();
      }
      expect(await chunks()).toBe(before);
      const last = bed.start();
      await bed.caughtUp();
      await standby('');
      await committed;
      expect(await Promise.race([last.ended, last.watch.until(() => last.watch.finished.size >= 3)])).toBeUndefined();
      await bed.expectEqual(client);
      await writer.end();
    }
    await client.end();
    await server.stop();
  }, 60_000);
});
