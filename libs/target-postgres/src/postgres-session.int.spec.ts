import { CRASH_POINTS } from '@changeover/core';
import { TcpProxy } from '@changeover/testing';

import { PostgresTarget } from './index.js';
import { Gate } from './test/gate.js';
import { LoadBed } from './test/load-bed.js';
import type { TableRows } from './test/writes.js';

const CONTACTS = 'CREATE TABLE contacts (id int PRIMARY KEY, email text UNIQUE, name varchar(10))';

function contactsOf(bed: LoadBed): TableRows {
  return bed.writes.table('contacts', ['id:integer', 'email', 'name']);
}

describe('the owner of the progress row', () => {
  it('fences the one before: its next batch writes nothing', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    await bed.apply([contacts.c(['1', 'a', 'A'])]);
    // Another owner who could not end our session (another name), as if the kill had not reached it.
    await bed.sql.query('UPDATE changeover.progress SET owner = owner + 1');
    await expect(bed.apply([contacts.c(['2', 'b', 'B'])])).rejects.toMatchObject({ code: 'FENCED' });
    await expect(bed.session.apply({ transactions: [], progress: bed.progress(), barriers: [] }, bed.writes.lookup)).rejects.toMatchObject({
      code: 'FENCED',
    });
    await bed.session.stage([contacts.c(['2', 'b', 'B'])], bed.writes.lookup);
    await expect(bed.session.applyStaged(bed.progress())).rejects.toMatchObject({ code: 'FENCED' });
    expect(await bed.rows('SELECT id FROM contacts')).toEqual([[1]]);
    expect(await bed.committedSeq()).toBe(1);
  });

  it('ends the sessions of the one before, which waits inside a transaction with its locks', async () => {
    const gate = new Gate('load.before-commit');
    await using bed = await LoadBed.open(CONTACTS, { crashPoint: gate.crashPoint });
    const contacts = contactsOf(bed);
    const stopped = bed.apply([contacts.c(['1', 'a', 'A'])]);
    const ended = expect(stopped).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    await gate.reached;
    const next = await new PostgresTarget({ url: bed.database.url, migration: 'crm' }).open();
    await using _next = next;
    expect(next.progress).toBeNull();
    expect(await next.apply(bed.batch([contacts.c(['1', 'b', 'B'])]), bed.writes.lookup)).toMatchObject({ inserted: 1 });
    gate.open();
    await ended;
    expect(await bed.rows('SELECT * FROM contacts')).toEqual([[1, 'b', 'B']]);
  });

  it('leaves the sessions of other migrations alone', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const other = new PostgresTarget({ url: bed.database.url, migration: 'crm-2' });
    await using otherSession = await other.open();
    await bed.target.open();
    await otherSession.apply({ transactions: [], progress: bed.progress(1), barriers: [] }, bed.writes.lookup);
    await expect(bed.session.apply({ transactions: [], progress: bed.progress(1), barriers: [] }, bed.writes.lookup)).rejects.toMatchObject(
      { code: 'TARGET_UNREACHABLE' },
    );
    await other.stop();
  });
});

describe('a connection that is lost in COMMIT', () => {
  const commitOf = (chunk: Buffer): boolean => chunk.includes('COMMIT\0');

  it.each([
    ['before it arrives', 'cut' as const, 0],
    ['after it arrived', 'cut-after' as const, 1],
  ])('%s: progress tells', async (_, verdict, rows) => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    const url = new URL(bed.database.url);
    await using proxy = await TcpProxy.to(url.hostname, Number(url.port));
    const through = new URL(url);
    through.host = proxy.address;
    const target = new PostgresTarget({ url: through.href, migration: 'crm' });
    const session = await target.open();
    proxy.onData = (direction, chunk) => (direction === 'up' && commitOf(chunk) ? verdict : 'forward');
    const batch = bed.batch([contacts.c(['1', 'a', 'A'])]);
    await expect(session.apply(batch, bed.writes.lookup)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    proxy.onData = undefined;
    const again = await target.open();
    expect(again.progress?.writes.seq ?? 0).toBe(rows === 0 ? 0 : batch.progress.writes.seq);
    expect(await bed.rows('SELECT count(*)::int FROM contacts')).toEqual([[rows]]);
    await target.stop();
  });
});

describe('errors', () => {
  it('a deadlock asks for the whole batch again', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    await bed.apply([contacts.c(['1', 'a', 'A'], ['2', 'b', 'B'])]);
    await bed.sql.query(`SET deadlock_timeout = '1h'; BEGIN; UPDATE contacts SET name = name WHERE id = 2`);
    const batch = bed.batch([contacts.u(['1', 'x', 'A'], ['2', 'y', 'B'])]);
    const applied = expect(bed.session.apply(batch, bed.writes.lookup)).rejects.toMatchObject({
      code: 'TARGET_BUSY',
      facts: { sqlstate: '40P01' },
    });
    // Ours waits for row 2 and looks for a deadlock after a second; theirs never does.
    await bed.sql
      .query(`DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
      LOOP PERFORM pg_sleep(0.01); END LOOP; END $$`);
    await bed.sql.query('UPDATE contacts SET name = name WHERE id = 1');
    await applied;
    await bed.sql.query('COMMIT');
    expect(await bed.session.apply(batch, bed.writes.lookup)).toMatchObject({ updated: 2 });
    expect(await bed.rows('SELECT email FROM contacts ORDER BY id')).toEqual([['x'], ['y']]);
  });

  it('a session that was ended is unreachable, and the next one goes on', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    await bed.sql.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'changeover-crm-load'`,
    );
    await expect(bed.apply([contacts.c(['1', 'a', 'A'])])).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    bed.session = await bed.target.open();
    expect(await bed.apply([contacts.c(['1', 'a', 'A'])])).toMatchObject({ inserted: 1 });
  });

  it('a wrong password, database or port each has its code', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const openAt = (change: (url: URL) => void) => {
      const url = new URL(bed.database.url);
      change(url);
      return new PostgresTarget({ url: url.href, migration: 'crm' }).open();
    };
    await expect(openAt((url) => (url.pathname = '/nowhere'))).rejects.toMatchObject({ code: 'TARGET_DENIED' });
    await expect(openAt((url) => (url.port = '1'))).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    await bed.sql.query(`CREATE ROLE "loader_${bed.database.name}" LOGIN PASSWORD 'x'`);
    try {
      const openAsLoader = openAt((url) => {
        url.username = `loader_${bed.database.name}`;
        url.password = 'x';
      });
      await expect(openAsLoader).rejects.toMatchObject({ code: 'TARGET_DENIED' });
    } finally {
      await bed.sql.query(`DROP ROLE "loader_${bed.database.name}"`);
    }
  });
});

describe('the form of the target', () => {
  it('rows from before the first load stop it, whatever the table’s turn', async () => {
    await using bed = await LoadBed.open(`${CONTACTS}; CREATE TABLE firms (id int PRIMARY KEY); INSERT INTO firms VALUES (1)`);
    const contacts = contactsOf(bed);
    const firms = bed.writes.table('firms', ['id']);
    await bed.apply([contacts.c(['1', 'a', 'A'])]);
    await expect(bed.apply([contacts.c(['2', 'b', 'B']), firms.c(['2'])])).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(await bed.rows('SELECT id FROM contacts')).toEqual([[1]]);
    await bed.sql.query('DELETE FROM firms');
    await bed.apply([firms.c(['2'])]);
    bed.session = await bed.target.open();
    await bed.apply([firms.c(['3'])]);
  });

  it('lacking a table or column stops it by name', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    await expect(bed.apply([bed.writes.table('nowhere', ['id']).c(['1'])])).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
      message: 'the target has no table public.nowhere',
    });
    await expect(bed.apply([bed.writes.table('contacts', ['id', 'phone']).c(['1', '2'])])).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
      message: 'public.contacts of the target lacks columns that the writes have: phone (text)',
    });
  });

  it('changed under way: the difference', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    await bed.apply([contacts.c(['1', 'a', 'A'])]);
    await bed.sql.query('ALTER TABLE contacts DROP COLUMN email, ADD COLUMN phone text');
    const message = expect.stringContaining(
      [
        'public.contacts: - column email: text',
        'public.contacts: - unique index contacts_email_key: (email)',
        'public.contacts: + column phone: text',
      ].join('\n'),
    ) as string;
    await expect(bed.apply([contacts.u(['1', 'b', 'A'])])).rejects.toMatchObject({ code: 'TARGET_CHANGED', message });
    await expect(bed.target.open()).rejects.toMatchObject({ code: 'TARGET_CHANGED' });
  });

  it('writes identity columns, leaves generated ones, and finds rows by keys of any type', async () => {
    await using bed = await LoadBed.open(`
      CREATE DOMAIN short AS varchar(4);
      CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a numeric(12,2), twice numeric GENERATED ALWAYS AS (a * 2) STORED, s short, tags varchar(3)[]);
      CREATE TABLE k (a char(4), b timestamptz, c uuid, PRIMARY KEY (a, b, c))`);
    const t = bed.writes.table('t', ['id', 'a', 'twice', 's', 'tags']);
    const k = bed.writes.table('k', ['a', 'b', 'c'], { keys: 3 });
    await bed.apply([t.c(['7', '1.10', '99', 'abcd', '{a,"b c"}'])]);
    expect(await bed.apply([t.u(['7', '2.25', null, 'x', null])])).toMatchObject({ updated: 1 });
    expect(await bed.rows('SELECT id, a, twice, s, tags FROM t')).toEqual([['7', '2.25', '4.50', 'x', null]]);
    expect(await bed.apply([t.u(['7', '2.25', null, 'toolong', null]), t.c(['8', '1', null, 'x', '{toolong}'])])).toMatchObject({
      refused: 2,
    });
    const key = ['ab  ', '2024-01-01 00:00:00.123456+00', '6ecd8c99-4036-403d-bf84-cf8400f67836'];
    await bed.apply([k.c(key)]);
    expect(await bed.apply([k.d(key)])).toMatchObject({ deleted: 1 });
  });
});

it('calls each crash point', async () => {
  const points: string[] = [];
  await using bed = await LoadBed.open(CONTACTS, { crashPoint: (name) => void points.push(name) });
  const contacts = contactsOf(bed);
  await bed.apply([contacts.c(['1', 'a', 'A'], ['2', 'b', 'far too long'])]);
  await bed.apply([contacts.c(...Array.from({ length: 300 }, (_, at) => [String(at + 10), `m${String(at)}`, 'N']))]);
  bed.seq += 1;
  await bed.session.stage([contacts.u(['1', 'a', 'B'])], bed.writes.lookup);
  await bed.session.applyStaged(bed.progress());
  expect(new Set(points)).toEqual(new Set(CRASH_POINTS.filter((point) => point.startsWith('load.'))));
});
