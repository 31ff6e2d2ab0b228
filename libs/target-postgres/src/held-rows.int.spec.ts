import { CORRECTION_COLUMNS, HELD_TABLE, type Frame } from '@changeover/events';

import { PostgresTarget } from './index.js';
import { OWN_SCHEMA_VERSION } from './own-schema.js';
import { FIRST_OWN_SCHEMA } from './test/first-own-schema.js';
import { LoadBed } from './test/load-bed.js';
import type { Row, TableRows, Writes } from './test/writes.js';

const CONTACTS = `CREATE TABLE contacts (id int PRIMARY KEY, name text CHECK (name <> 'bad'))`;
const COLUMNS = HELD_TABLE.columns.map(({ name }) => name);

/** What the list says of a version that is kept: text, of which the target makes nothing. */
const KEPT = '{"values":["1",null]}';

function heldOf(writes: Writes): TableRows {
  return writes.table('changeover.held', COLUMNS, { keys: 3, identity: 'full' });
}

type Told = { readonly migration?: string; readonly state?: string; readonly kept?: string; readonly reason?: string };

function held(key: string, { migration = 'crm', state = 'held', kept = 'f', reason = 'bad phone' }: Told = {}): Row {
  const problems = JSON.stringify([{ reason, column: 'phone' }]);
  return [
    migration,
    'public.contacts',
    key,
    'old.kontakt',
    state,
    kept,
    reason,
    'phone',
    problems,
    '12',
    '1700000000000',
    kept === 't' ? KEPT : null,
  ];
}

const keys = (bed: LoadBed): Promise<unknown[][]> => bed.rows('SELECT migration, source_key, reason FROM changeover.held ORDER BY 1, 2');

describe('the list of held rows', () => {
  it('comes in the transaction of the rows it tells of, in types of its own', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = bed.writes.table('contacts', ['id', 'name']);
    const list = heldOf(bed.writes);
    expect(await bed.apply([contacts.c(['1', 'a']), list.c(held('7\tx'), held('8'))])).toMatchObject({ inserted: 1 });
    expect(await bed.rows(`SELECT kept, problems, since_seq + 1, since_ms / 2 FROM changeover.held WHERE source_key = E'7\\tx'`)).toEqual([
      [false, [{ reason: 'bad phone', column: 'phone' }], '13', '850000000000'],
    ]);
    const changed = list.move([held('8'), held('8', { kept: 't', reason: 'other' })]);
    expect(await bed.apply([changed, list.d(held('7\tx'))], [contacts.c(['8', 'b'])])).toMatchObject({
      inserted: 1,
      updated: 0,
      deleted: 0,
    });
    expect(await keys(bed)).toEqual([['crm', '8', 'other']]);
    await expect(bed.apply([list.d(held('8'))], [bed.writes.table('nowhere', ['id']).c(['1'])])).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
    });
    expect(await keys(bed)).toEqual([['crm', '8', 'other']]);
  });

  it('has a list of corrections beside it, which comes and goes in the same way', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const list = bed.writes.table('changeover.correction', [...CORRECTION_COLUMNS], { keys: 2, identity: 'full' });
    const correction = (id: string, held: string | null, read: string | null): Row => {
      return ['crm', id, 'old.kontakt', '7\tx', 'phone', held, read, null, '12', '1700000000000', null, null];
    };
    await bed.apply([list.c(correction('a.1', null, 'x'), correction('a.2', 'y', null))]);
    await bed.apply([list.d(correction('a.1', null, 'x')), list.c(correction('a.3', '', 'z'))]);
    expect(await bed.rows('SELECT migration, id, held, read, why, since_seq FROM changeover.correction ORDER BY id')).toEqual([
      ['crm', 'a.2', 'y', null, null, '12'],
      ['crm', 'a.3', '', 'z', null, '12'],
    ]);
    expect(await bed.rows('SELECT tables FROM changeover.progress')).toEqual([[{}]]);
  });

  it('is nobody’s table: never pinned, never expected to be empty, and shared by the migrations', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const list = heldOf(bed.writes);
    await bed.apply([list.c(held('1'), held('2'))]);
    const other = new PostgresTarget({ url: bed.database.url, migration: 'other' });
    const session = await other.open();
    await session.apply(bed.batch([list.c(held('1', { migration: 'other' }))]), bed.writes.lookup);
    await session.apply(bed.batch([list.d(held('1', { migration: 'other' }))]), bed.writes.lookup);
    await other.stop();
    expect(await keys(bed)).toEqual([
      ['crm', '1', 'bad phone'],
      ['crm', '2', 'bad phone'],
    ]);
    expect(await bed.rows('SELECT tables FROM changeover.progress')).toEqual([[{}], [{}]]);
    await bed.sql.query('ALTER TABLE changeover.held ADD COLUMN remark text');
    bed.session = await bed.target.open();
    await bed.apply([list.c(held('3'))]);
  });

  it('takes every row: one that is there, one that is gone, one that moves, and beside rows that are refused', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = bed.writes.table('contacts', ['id', 'name']);
    const list = heldOf(bed.writes);
    await bed.apply([list.c(held('1'), held('2'), held('3'))]);
    await bed.sql.query(`DELETE FROM changeover.held WHERE source_key IN ('2', '3')`);
    const frames = [list.c(held('1', { reason: 'anew' })), list.move([held('2'), held('2', { reason: 'changed' })]), list.d(held('3'))];
    expect(await bed.apply([...frames, contacts.c(['1', 'bad'], ['2', 'b'])])).toEqual({
      inserted: 1,
      updated: 0,
      deleted: 0,
      refused: 1,
      released: 0,
    });
    expect(await keys(bed)).toEqual([
      ['crm', '1', 'anew'],
      ['crm', '2', 'changed'],
    ]);
    await bed.apply([list.move([held('2'), held('3', { reason: 'moved' })], [held('1'), held('2')])]);
    expect(await keys(bed)).toEqual([
      ['crm', '2', 'bad phone'],
      ['crm', '3', 'moved'],
    ]);
    expect((await bed.openRefusals()).map(({ table_name }) => table_name)).toEqual(['contacts']);
  });

  it('comes with a record that is staged', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = bed.writes.table('contacts', ['id', 'name']);
    const list = heldOf(bed.writes);
    const ids = Array.from({ length: 6000 }, (_, id) => String(id));
    const staged = async (...frames: readonly (readonly Frame[])[]) => {
      bed.seq += 1;
      for (const some of frames) await bed.session.stage(some, bed.writes.lookup);
      return bed.session.applyStaged(bed.progress());
    };
    expect(await staged([contacts.c(...ids.map((id): Row => [id, 'n']))], [list.c(...ids.map((id) => held(id)))])).toMatchObject({
      inserted: 6000,
      refused: 0,
    });
    await staged([list.d(...ids.slice(10).map((id) => held(id)))], [list.move([held('1'), held('1', { state: 'waiting' })])]);
    expect(await bed.rows('SELECT state, count(*)::int FROM changeover.held GROUP BY 1 ORDER BY 1')).toEqual([
      ['held', 9],
      ['waiting', 1],
    ]);
  });

  it('stops what cannot be meant', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const list = heldOf(bed.writes);
    await bed.apply([list.c(held('1'))]);
    const wrong = { code: 'INTERNAL', message: expect.stringContaining('another migration') as string };
    await expect(bed.apply([list.c(held('2'), held('3', { migration: 'crm2' }))])).rejects.toMatchObject(wrong);
    await expect(bed.apply([list.d(held('3', { migration: 'other' }))])).rejects.toMatchObject(wrong);
    await expect(bed.apply([list.t()])).rejects.toMatchObject({ code: 'INTERNAL' });
    const progress = bed.writes.table('changeover.progress', ['migration', 'owner']);
    await expect(bed.apply([progress.c(['other', '1'])])).rejects.toMatchObject({ code: 'MAPPING_INVALID' });
    expect(await keys(bed)).toEqual([['crm', '1', 'bad phone']]);
  });
});

const PROGRESS_1 = `migration, owner, writes_log_id, writes_epoch, writes_seq, writes_pos, writes_checksum, writes_at, changes_log_id, changes_seq,
  source_position, source_commit_ms, tables, updated_at`;
const REFUSED_1 =
  'id, migration, table_schema, table_name, key, key_text, wanted, stands, sqlstate, constraint_name, reason, from_seq, to_seq';

describe('our schema of an earlier version', () => {
  const CONTENT = ['progress', 'barrier', 'refused'].map(
    (table) => `SELECT to_jsonb(t) - ARRAY['updated_at', 'owner', 'from_ms', 'place', 'forms', 'totals'] FROM changeover.${table} t`,
  );

  it('becomes ours with all that is in it, once', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = bed.writes.table('contacts', ['id', 'name']);
    await bed.apply([contacts.c(['1', 'a'], ['2', 'bad'])]);
    await bed.session.apply({ transactions: [], progress: bed.progress(), barriers: [{ token: 'b', seq: 1 }] }, bed.writes.lookup);
    const read = () => Promise.all(CONTENT.map((sql) => bed.rows(sql)));
    const before = await read();
    const form = `SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
      WHERE table_schema = 'changeover' ORDER BY 1, ordinal_position`;
    const anew = await bed.rows(form);
    await bed.target.stop();
    await bed.sql.query(`ALTER SCHEMA changeover RENAME TO as_it_was; ${FIRST_OWN_SCHEMA}
      INSERT INTO changeover.progress SELECT ${PROGRESS_1} FROM as_it_was.progress; INSERT INTO changeover.barrier SELECT migration, token, writes_seq, committed_at FROM as_it_was.barrier;
      INSERT INTO changeover.refused SELECT ${REFUSED_1} FROM as_it_was.refused; DROP SCHEMA as_it_was CASCADE`);
    // Two at once.
    const targets = ['crm', 'other'].map((migration) => new PostgresTarget({ url: bed.database.url, migration }));
    const [session] = await Promise.all(targets.map((target) => target.open()));
    expect(await bed.rows('SELECT version FROM changeover.version')).toEqual([[OWN_SCHEMA_VERSION]]);
    await bed.sql.query(`DELETE FROM changeover.progress WHERE migration = 'other'`);
    expect(await read()).toEqual(before);
    expect(await bed.rows(form)).toEqual(anew);
    bed.session = session as typeof bed.session;
    expect(await bed.apply([heldOf(bed.writes).c(held('1')), contacts.u(['2', 'good'])])).toMatchObject({ released: 1 });
    for (const target of targets) await target.stop();
  });

  it('of a later version stops us', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    await bed.sql.query('UPDATE changeover.version SET version = version + 1');
    await expect(bed.target.open()).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
      message: expect.stringContaining(`knows ${String(OWN_SCHEMA_VERSION)}`) as string,
    });
  });
});
