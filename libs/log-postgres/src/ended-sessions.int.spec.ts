import { randomBytes } from 'node:crypto';

import { SystemClock } from '@changeover/core';
import type { StoredMessage } from '@changeover/events';
import { serverThatEndsAtOnce, testDatabase, TcpProxy, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresMessageStore } from './postgres-message-store.js';
import type { PostgresLogSettings } from './settings.js';

const stream = 'm.changes';
const unreachable = { code: 'LOG_UNREACHABLE' };

/** An operator ends them, or a server that restarts: whoever was using one hears it at once, and a new one finds everything. */
describe('when the sessions of the embedded log are ended', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let proxy: TcpProxy;
  let stores: PostgresMessageStore[] = [];

  beforeEach(async () => {
    database = await testDatabase();
    admin = await database.connect();
    const { hostname, port } = new URL(database.url);
    proxy = await TcpProxy.to(hostname, Number(port));
    await open().create(stream);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(stores.map((store) => store.stop()));
    stores = [];
    await proxy[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  function open(settings: Partial<PostgresLogSettings> = {}): PostgresMessageStore {
    // Neither its time-outs nor its own look at the stream come before the end of a test: only what ended a session ends a call.
    const store = new PostgresMessageStore({ url: database.url, requestMs: 60_000, pollMs: 60_000, ...settings });
    stores.push(store);
    return store;
  }

  function openThroughProxy(settings: Partial<PostgresLogSettings> = {}): PostgresMessageStore {
    const url = new URL(database.url);
    url.host = proxy.address;
    return open({ ...settings, url: url.href });
  }

  /** All of them, idle ones too. */
  async function endSessions(): Promise<void> {
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${OURS}`);
  }

  async function untilASessionWaitsForALock(): Promise<void> {
    for (;;) {
      const { rowCount } = await admin.query(`select from pg_stat_activity where ${OURS} and wait_event_type = 'Lock'`);
      if (rowCount !== 0) return;
    }
  }

  const read = (store: PostgresMessageStore, from = 0): AsyncGenerator<readonly StoredMessage[]> =>
    store.read(stream, from, { signal: new AbortController().signal });

  /** As a reader sees it that has had nothing to do with what happened. */
  async function content(from = 0): Promise<string[]> {
    const store = open();
    const { end } = await store.bounds(stream);
    const texts: string[] = [];
    for await (const batch of store.read(stream, from, { signal: new AbortController().signal, until: end })) texts.push(...textsOf(batch));
    return texts;
  }

  it('tells a reader that waits', async () => {
    const store = open();
    await store.append(stream, [Buffer.from('0')]);
    const reader = read(store);
    await reader.next();
    const waiting = reader.next();
    await endSessions();
    await expect(waiting).rejects.toMatchObject(unreachable);
    expect(await store.append(stream, [Buffer.from('1')])).toBe(1);
    expect(await content()).toEqual(['0', '1']);
  });

  it('tells a reader whose page is being looked up', async () => {
    const store = open();
    await store.append(stream, [Buffer.from('0')]);
    const reader = read(store);
    await reader.next();
    const waiting = reader.next();
    const holder = await database.connect();
    await holder.query('begin');
    await holder.query('lock table changeover_log.block');
    await admin.query(`select pg_notify('changeover_log_' || id, '') from changeover_log.stream`);
    await untilASessionWaitsForALock();
    await endSessions();
    await expect(waiting).rejects.toMatchObject(unreachable);
    await holder.query('rollback');
    expect(await content()).toEqual(['0']);
  });

  it('tells a reader that has half of a page', async () => {
    const blocks = Array.from({ length: 12 }, () => randomBytes(40_000));
    for (const block of blocks) await open().append(stream, [block]);
    // A page of four blocks is 320 kB on the wire (hexadecimal): the second one breaks off in its middle.
    let left = 480_000;
    const brokenOff = new Promise<void>((resolve) => {
      proxy.onData = (direction, chunk) => {
        if (direction === 'up' || (left -= chunk.length) > 0) return 'forward';
        resolve();
        return 'drop';
      };
    });
    const reader = read(openThroughProxy({ readAheadBytes: 256 * 1024 }));
    const first = await reader.next();
    const had = textsOf(first.value as readonly StoredMessage[]);
    expect(had).toHaveLength(4);
    const second = reader.next();
    await brokenOff;
    await endSessions();
    await expect(second).rejects.toMatchObject(unreachable);
    expect([...had, ...(await content(had.length))]).toEqual(textsOf(blocks.map((bytes) => ({ bytes }))));
  });

  it('tells an appender in the middle of its blocks, of which nothing stays', async () => {
    const store = open();
    await store.append(stream, [Buffer.from('0')]);
    await admin.query(`create function changeover_log.wait() returns trigger language plpgsql as $$
      begin if new.first_offset >= 2 then perform pg_advisory_xact_lock(1); end if; return new; end $$`);
    await admin.query('create trigger wait before insert on changeover_log.block for each row execute function changeover_log.wait()');
    await admin.query('select pg_advisory_lock(1)');
    const append = store.append(
      stream,
      [1, 2, 3].map((byte) => Buffer.alloc(900_000, byte)),
    );
    await untilASessionWaitsForALock();
    await endSessions();
    await expect(append).rejects.toMatchObject(unreachable);
    await admin.query('select pg_advisory_unlock(1)');
    expect(await store.append(stream, [Buffer.from('1')])).toBe(1);
    expect(await content()).toEqual(['0', '1']);
  });

  it('tells an appender that waits for its answer; what it appended stays, once', async () => {
    const store = openThroughProxy();
    await store.append(stream, [Buffer.from('0')]);
    const watching = read(open(), 1);
    const arriving = watching.next();
    proxy.onData = (direction) => (direction === 'down' ? 'drop' : 'forward');
    const append = store.append(stream, [Buffer.from('1')]);
    expect(textsOf((await arriving).value as readonly StoredMessage[])).toEqual(['1']);
    proxy.onData = undefined;
    await endSessions();
    await expect(append).rejects.toMatchObject(unreachable);
    expect(await store.append(stream, [Buffer.from('2')])).toBe(2);
    expect(await content()).toEqual(['0', '1', '2']);
  });

  it('tells whoever was to have a session that ended as it began', async () => {
    await using server = await serverThatEndsAtOnce();
    await expect(open({ url: server.url }).bounds(stream)).rejects.toMatchObject(unreachable);
  });

  it('loses nothing and doubles nothing, however often', async () => {
    const clock = new SystemClock();
    /** Every tenth of them large: three blocks in a transaction. */
    const messagesOf = (i: number): string[] =>
      Array.from({ length: 1 + (i % 3) }, (_, part) => `${String(i)} ${String(part)} ${'x'.repeat(i % 10 === 5 ? 700_000 : i % 7)}`);
    const acknowledged = new Map<number, string[]>();
    const seen: string[] = [];
    const refused: { readonly appends: unknown[]; readonly reads: unknown[] } = { appends: [], reads: [] };
    const stop = new AbortController();

    const writing = (async () => {
      const store = open();
      for (let i = 0; !stop.signal.aborted; i++) {
        const messages = messagesOf(i);
        try {
          const offset = await store.append(
            stream,
            messages.map((message) => Buffer.from(message)),
          );
          acknowledged.set(offset, messages);
        } catch (error) {
          refused.appends.push(error);
        }
      }
    })();
    const reading = (async () => {
      const store = open();
      while (!stop.signal.aborted) {
        try {
          for await (const batch of store.read(stream, seen.length, { signal: stop.signal })) seen.push(...textsOf(batch));
        } catch (error) {
          refused.reads.push(error);
        }
      }
    })();
    for (let round = 0; round < 40; round++) {
      await clock.sleep(10 + ((round * 17) % 50));
      await endSessions();
    }
    stop.abort();
    await Promise.all([writing, reading]);

    for (const errors of [refused.appends, refused.reads]) {
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error).toMatchObject(unreachable);
    }
    const all = await content();
    for (const [offset, messages] of acknowledged) expect(all.slice(offset, offset + messages.length)).toEqual(messages);
    // Each append is there whole or not at all, and never again behind a later one.
    const stored = [...new Set(all.map((message) => Number(message.split(' ')[0])))];
    expect(stored).toEqual(stored.toSorted((left, right) => left - right));
    expect(all).toEqual(stored.flatMap(messagesOf));
    expect(seen).toEqual(all.slice(0, seen.length));
    expect(seen.length).toBeGreaterThan(0);
  }, 60_000);
});

const OURS = `datname = current_database() and application_name = 'changeover-log'`;

function textsOf(messages: readonly { readonly bytes: Buffer }[]): string[] {
  return messages.map(({ bytes }) => bytes.toString('latin1'));
}
