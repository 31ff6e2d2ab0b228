import { testDatabase, TcpProxy, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresMessageStore } from './postgres-message-store.js';
import type { PostgresLogSettings } from './settings.js';

const stream = 'm.changes';

describe('the embedded log in trouble', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let stores: PostgresMessageStore[] = [];

  beforeEach(async () => {
    database = await testDatabase();
    admin = await database.connect();
  }, 60_000);

  afterEach(async () => {
    await Promise.all(stores.map((store) => store.stop()));
    stores = [];
    await database[Symbol.asyncDispose]();
  });

  function open(settings: Partial<PostgresLogSettings> = {}): PostgresMessageStore {
    const store = new PostgresMessageStore({ url: database.url, ...settings });
    stores.push(store);
    return store;
  }

  async function openWithMessages(): Promise<PostgresMessageStore> {
    const store = open();
    await store.create(stream);
    for (let i = 0; i < 3; i++) await store.append(stream, [Buffer.from(String(i))]);
    return store;
  }

  const readAll = async (store: PostgresMessageStore, until: number): Promise<number> => {
    let count = 0;
    for await (const batch of store.read(stream, 0, { signal: new AbortController().signal, until })) count += batch.length;
    return count;
  };

  it('flushes each append, whatever the database is set to', async () => {
    await admin.query(`alter database ${database.name} set synchronous_commit = off`);
    const store = await openWithMessages();
    await admin.query(`create function changeover_log.refuse() returns trigger language plpgsql as $$
      begin if current_setting('synchronous_commit') <> 'on' then raise 'not flushed'; end if; return new; end $$`);
    await admin.query('create trigger flushed before insert on changeover_log.block execute function changeover_log.refuse()');
    expect(await store.append(stream, [Buffer.from('3')])).toBe(3);
    expect(await open().append(stream, [Buffer.from('4')])).toBe(4);
  });

  it('says LOG_TRUNCATED where blocks are gone from the middle or the end', async () => {
    const store = await openWithMessages();
    await admin.query('delete from changeover_log.block where first_offset = 1');
    await expect(readAll(store, 3)).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });
    await admin.query('delete from changeover_log.block where first_offset = 2');
    await expect(readAll(store, 3)).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });
  });

  it('says LOG_CORRUPT of a block that is not what was stored', async () => {
    const store = await openWithMessages();
    await admin.query(String.raw`update changeover_log.block set data = '\x00000009' where first_offset = 1`);
    await expect(readAll(store, 3)).rejects.toMatchObject({ code: 'LOG_CORRUPT', facts: { offset: 1 } });
  });

  it('delivers what lies before a damaged block and before a hole, and says how far these go', async () => {
    const store = await openWithMessages();
    await store.append(stream, [Buffer.from('3'), Buffer.from('4')]);
    await store.append(stream, [Buffer.from('5')]);
    const seen: number[] = [];
    const end = async (from: number, until: number): Promise<unknown> => {
      seen.length = 0;
      for await (const batch of store.read(stream, from, { signal: new AbortController().signal, until }))
        seen.push(...batch.map(({ offset }) => offset));
      return null;
    };
    await admin.query(String.raw`update changeover_log.block set data = '\x00000009' where first_offset = 3`);
    await expect(end(0, 6)).rejects.toMatchObject({ code: 'LOG_CORRUPT', facts: { offset: 3, messages: 2 } });
    expect(seen).toEqual([0, 1, 2]);
    // Nor does damage harm who does not read it.
    await end(0, 3);
    expect(seen).toEqual([0, 1, 2]);
    await admin.query('delete from changeover_log.block where first_offset = 3');
    await expect(end(0, 6)).rejects.toMatchObject({ code: 'LOG_TRUNCATED', facts: { from: 3, start: 5 } });
    expect(seen).toEqual([0, 1, 2]);
    await end(5, 6);
    expect(seen).toEqual([5]);
    await admin.query('delete from changeover_log.block where first_offset = 5');
    await expect(end(0, 6)).rejects.toMatchObject({ code: 'LOG_TRUNCATED', facts: { from: 3, start: 6 } });
    expect(seen).toEqual([0, 1, 2]);
  });

  it('says LOG_MISSING when the tables are gone', async () => {
    const store = await openWithMessages();
    await admin.query('drop schema changeover_log cascade');
    await expect(store.bounds(stream)).rejects.toMatchObject({ code: 'LOG_MISSING' });
    await expect(store.append(stream, [Buffer.from('x')])).rejects.toMatchObject({ code: 'LOG_MISSING' });
  });

  it('says LOG_DENIED to a wrong password and to a role without rights, and needs no right to create later', async () => {
    await openWithMessages();
    const wrong = new URL(database.url);
    wrong.password = 'wrong';
    await expect(open({ url: wrong.href }).bounds(stream)).rejects.toMatchObject({ code: 'LOG_DENIED' });

    const role = `reader_${database.name}`;
    await admin.query(`create role ${role} login password 'secret'`);
    try {
      const url = new URL(database.url);
      url.username = role;
      url.password = 'secret';
      const store = open({ url: url.href });
      await expect(store.bounds(stream)).rejects.toMatchObject({ code: 'LOG_DENIED' });
      await admin.query(`grant usage on schema changeover_log to ${role}`);
      await admin.query(`grant select, insert, update on all tables in schema changeover_log to ${role}`);
      expect(await store.create(stream)).toBe('exists');
      expect(await store.append(stream, [Buffer.from('3')])).toBe(3);
      expect(await readAll(store, 4)).toBe(4);
    } finally {
      await admin.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('does not wait for ever on a connection on which nothing comes any more', async () => {
    const { hostname, port } = new URL(database.url);
    await using proxy = await TcpProxy.to(hostname, Number(port));
    await openWithMessages();
    const url = new URL(database.url);
    url.host = proxy.address;
    const store = open({ url: url.href, requestMs: 300, pollMs: 200, connectMs: 500 });
    const reader = store.read(stream, 0, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await reader.next();
    const waiting = reader.next();
    await store.append(stream, [Buffer.from('3')]);
    await waiting;
    const silent = reader.next();
    proxy.pause();
    await Promise.all([
      expect(silent).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' }),
      expect(store.append(stream, [Buffer.from('x')])).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' }),
    ]);
  });

  it('hears of an append at once: it does not wait for its own look', async () => {
    await openWithMessages();
    const store = open({ pollMs: 60_000 });
    const reader = store.read(stream, 3, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    const waiting = reader.next();
    await open().append(stream, [Buffer.from('3')]);
    expect(((await waiting).value as readonly unknown[]).length).toBe(1);
    await reader.return(undefined);
  }, 10_000);

  it('leaves nothing of a large append that is interrupted', async () => {
    const store = await openWithMessages();
    // The third block of the append runs into an error.
    await admin.query(`create function changeover_log.refuse() returns trigger language plpgsql as $$
      begin if new.first_offset >= 5 then raise 'no' using errcode = '53100'; end if; return new; end $$`);
    await admin.query(
      'create trigger full_disk before insert on changeover_log.block for each row execute function changeover_log.refuse()',
    );
    const messages = Array.from({ length: 4 }, (_, i) => Buffer.alloc(900_000, i));
    await expect(store.append(stream, messages)).rejects.toMatchObject({ code: 'LOG_UNREACHABLE', facts: { sqlstate: '53100' } });
    expect(await store.bounds(stream)).toEqual({ start: 0, end: 3 });
    await admin.query('drop trigger full_disk on changeover_log.block');
    expect(await store.append(stream, messages)).toBe(3);
    expect(await readAll(store, 7)).toBe(7);
  });
});
