import { heldRowListContract, testDatabase } from '@changeover/testing';

import { PostgresHeldRowList, PostgresTarget } from './index.js';
import { OWN_SCHEMA_VERSION } from './own-schema.js';
import { LoadBed } from './test/load-bed.js';

for (const major of [14, 18] as const) {
  heldRowListContract(`PostgreSQL ${String(major)}`, async () => {
    const database = await testDatabase({ major });
    const sql = await database.connect();
    await sql.query(`
      CREATE TABLE parent (id text PRIMARY KEY, name text);
      CREATE TABLE child (id text PRIMARY KEY, parent text NOT NULL REFERENCES parent)`);
    const writers: PostgresTarget[] = [];
    return {
      writer: (migration = 'm') => {
        const writer = new PostgresTarget({ url: database.url, migration });
        writers.push(writer);
        return writer;
      },
      list: (migration = 'm') => new PostgresHeldRowList({ url: database.url, migration }),
      nowhere: () => new PostgresHeldRowList({ url: 'postgres://x@127.0.0.1:1/x', migration: 'm' }),
      [Symbol.asyncDispose]: async () => {
        for (const writer of writers) await writer.stop();
        await database[Symbol.asyncDispose]();
      },
    };
  });
}

const CONTACTS = `
  CREATE TABLE contacts (id int PRIMARY KEY, name text CONSTRAINT good CHECK (name <> 'bad'));
  CREATE TABLE visits (visitor text CHECK (visitor <> 'secret'));
  CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % here', NEW.name; END $$;
  CREATE TRIGGER deny BEFORE INSERT ON contacts FOR EACH ROW WHEN (NEW.name = 'secret') EXECUTE FUNCTION deny()`;

describe('the list of held rows in PostgreSQL', () => {
  it('has no value of a refused row, neither in words of a trigger nor for want of a key; who asks for the row gets them', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = bed.writes.table('contacts', ['id', 'name']);
    const visits = bed.writes.table('visits', ['visitor'], { keys: 0, identity: 'none' });
    await bed.apply([contacts.c(['1', 'ann'])]);
    await bed.apply([contacts.u(['1', 'bad']), contacts.c(['2', 'secret'], ['x', 'no number']), visits.c(['secret'])]);
    const list = new PostgresHeldRowList({ url: bed.database.url, migration: 'crm' });
    const { rows } = await list.page({}, { limit: 10 });
    const listed = rows.map(({ table, key, reason }) => [table, key, reason]);
    expect(new Map(listed.map(([table, key, reason]) => [[table, key].join(' '), reason]))).toEqual(
      new Map([
        ['public.contacts 1', 'violates good'],
        ['public.contacts 2', 'SQLSTATE P0001'],
        ['public.contacts x', 'the text is not valid for the column’s type'],
        ['public.visits ', 'violates visits_visitor_check'],
      ]),
    );
    expect(JSON.stringify([rows, await list.groups({}, 10)])).not.toContain('secret');
    const [first] = await list.find('public.contacts', { key: ['1'] });
    expect([first?.kept, first?.refused]).toEqual([
      true,
      {
        sqlstate: '23514',
        constraint: 'good',
        message: expect.stringContaining('violates check constraint "good"'),
        wanted: { id: '1', name: 'bad' },
        stands: { id: '1', name: 'ann' },
      },
    ]);
    expect(await list.find('public.contacts', { key: ['2'] })).toMatchObject([{ refused: { message: 'no secret here' } }]);
    const keyless = rows.find(({ key }) => key === null);
    expect(await list.find('public.visits', { refusal: keyless?.refusal ?? '' })).toMatchObject([
      { key: null, refused: { wanted: { visitor: 'secret' } } },
    ]);
    // As those that an earlier version of our schema has kept.
    await bed.sql.query('UPDATE changeover.refused SET from_ms = NULL');
    expect((await list.page({ settledMs: 5_000, table: 'public.visits' }, { limit: 10 })).rows).toMatchObject([{ sinceMs: null }]);
    // A row is closed, not deleted, when it has got in.
    await bed.apply([contacts.u(['1', 'good'])]);
    expect(await list.find('public.contacts', { key: ['1'] })).toEqual([]);
  });

  it('neither waits for a batch that is being applied nor holds one up', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const list = new PostgresHeldRowList({ url: bed.database.url, migration: 'crm' });
    await bed.sql.query(`BEGIN; LOCK TABLE changeover.held, changeover.refused, changeover.progress IN ROW EXCLUSIVE MODE`);
    expect(await list.totals()).toEqual({ held: 0, waiting: 0, refused: 0 });
    await bed.sql.query('COMMIT');
    const { rows } = await bed.sql.query(`SELECT FROM pg_stat_activity WHERE application_name LIKE '?changeover-%-held'`);
    expect(rows).toEqual([]);
  });

  it('says so where our schema is of an earlier or a later version', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const list = new PostgresHeldRowList({ url: bed.database.url, migration: 'crm' });
    for (let version = 1; version <= OWN_SCHEMA_VERSION + 1; version++) {
      if (version === OWN_SCHEMA_VERSION) continue;
      await bed.sql.query(`UPDATE changeover.version SET version = ${String(version)}`);
      await expect(list.totals()).rejects.toMatchObject({ code: 'TARGET_CHANGED' });
    }
  });
});
