import { formatRows } from '@changeover/events';
import { codeOf, testDatabase, textTable } from '@changeover/testing';

import { PostgresSampleTables } from './postgres-sample-tables.js';

const THING = { ...textTable('thing', ['id', 'code', 'parent', 'twice']), schema: 'crm' };
const OTHER = { ...textTable('other', ['id']), schema: 'crm' };
const NAMES = [THING, OTHER];
const DDL = `CREATE SCHEMA crm; CREATE SCHEMA theirs;
  CREATE TABLE crm.thing (id int PRIMARY KEY, code varchar(3) UNIQUE, parent int NOT NULL REFERENCES crm.thing, nr serial, CONSTRAINT small CHECK (id < 100),
    twice int GENERATED ALWAYS AS (id * 2) STORED, half int GENERATED ALWAYS AS (id / 2) STORED);
  CREATE FUNCTION crm.next_number() RETURNS int LANGUAGE sql AS 'SELECT nextval(''crm.thing_nr_seq'')::int';
  CREATE FUNCTION crm.odd(id int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN IF id % 2 = 0 THEN RAISE ''% is even'', id; END IF; RETURN true; END';
  CREATE TABLE crm.other (id int PRIMARY KEY CHECK (crm.odd(id)), number int NOT NULL DEFAULT crm.next_number());
  CREATE FUNCTION crm.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';
  CREATE TRIGGER fire BEFORE INSERT ON crm.thing FOR EACH ROW EXECUTE FUNCTION crm.fire()`;

it('tables for a sample take what the real ones would, but for what leads elsewhere, and never touch anything of others', async () => {
  await using database = await testDatabase();
  const client = await database.connect();
  await client.query(DDL);
  const at = (schema: string, migration = 'm') => new PostgresSampleTables({ url: database.url, migration, schema });
  const made = at('look');
  await made.make(NAMES, { replace: false });
  const rows = [
    ['1', 'a', '77', '3'],
    ['2', 'long', '1', null],
    ['3', 'a', '1', null],
    ['4', 'b', null, null],
    ['100', 'c', '1', null],
    ['5', 'd', '1', null],
    ['x', 'e', '1', null],
  ];
  expect(await made.write(THING, formatRows(rows))).toEqual([
    { line: 1, reason: 'code: the value is too long for the column' },
    { line: 2, reason: 'duplicate key value violates unique constraint "thing_code_key"' },
    { line: 3, reason: expect.stringMatching(/^parent: null value in column "parent"/u) as string },
    { line: 4, reason: 'new row for relation "thing" violates check constraint "small"' },
    { line: 6, reason: 'id: the text is not valid for the column’s type' },
  ]);
  expect(await made.write(THING, Buffer.alloc(0))).toEqual([]);
  // What a function raises may hold values.
  const even = 'SQLSTATE P0001';
  expect(await made.write(OTHER, formatRows([['1'], ['2'], ['4']]))).toEqual([
    { line: 1, reason: even },
    { line: 2, reason: even },
  ]);
  expect((await client.query('SELECT * FROM look.other')).rows).toEqual([{ id: 1, number: null }]);
  const there = async (table: string): Promise<unknown> => (await client.query(`SELECT * FROM ${table} ORDER BY id`)).rows;
  const first = { id: 1, code: 'a', parent: 77, nr: null, twice: 3, half: 0 };
  expect(await there('look.thing')).toEqual([first, { id: 5, code: 'd', parent: 1, nr: null, twice: null, half: 2 }]);
  expect(await there('crm.thing')).toEqual([]);
  expect((await client.query('SELECT is_called FROM crm.thing_nr_seq')).rows).toEqual([{ is_called: false }]);
  await made.stop();

  const refusedOf = async (tables: PostgresSampleTables, replace: boolean, names = NAMES): Promise<string> => {
    const code = await codeOf(tables.make(names, { replace }));
    await tables.stop();
    return code;
  };
  // An earlier one, another migration's, somebody's, a table that is not there, and two of one name.
  expect(await refusedOf(at('look'), false)).toBe('SAMPLE_REFUSED');
  expect(await refusedOf(at('look', 'other'), true)).toBe('SAMPLE_REFUSED');
  expect(await refusedOf(at('theirs'), true)).toBe('SAMPLE_REFUSED');
  expect(await refusedOf(at('look'), true, [...NAMES, { ...THING, table: 'gone' }])).toBe('SAMPLE_REFUSED');
  expect(await refusedOf(at('two'), false, [...NAMES, { ...THING, schema: 'theirs' }])).toBe('SAMPLE_REFUSED');
  // What somebody has made beside a sample, or of it, stays, and so does the sample.
  await client.query('CREATE TABLE look.mine (id int)');
  expect(await refusedOf(at('look'), true)).toBe('SAMPLE_REFUSED');
  await client.query('DROP TABLE look.mine; CREATE VIEW theirs.seen AS SELECT * FROM look.thing');
  expect(await refusedOf(at('look'), true)).toBe('SAMPLE_REFUSED');
  expect(await there('theirs.seen')).toHaveLength(2);
  await client.query('DROP VIEW theirs.seen');
  const again = at('look');
  await again.make(NAMES, { replace: true });
  expect(await there('look.thing')).toEqual([]);
  await again.stop();
}, 120_000);
