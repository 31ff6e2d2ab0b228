import { formatRows } from '@changeover/events';
import { codeOf, testDatabase, textTable } from '@changeover/testing';

import { PostgresSampleTables } from './postgres-sample-tables.js';

const THING = { ...textTable('thing', ['id', 'code', 'parent']), schema: 'crm' };
const NAMES = [{ schema: 'crm', table: 'thing' }];
const DDL = `CREATE SCHEMA crm; CREATE SCHEMA theirs;
  CREATE TABLE crm.thing (id int PRIMARY KEY, code varchar(3) UNIQUE, parent int NOT NULL REFERENCES crm.thing, nr serial, CONSTRAINT small CHECK (id < 100));
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
    ['1', 'a', '77'],
    ['2', 'long', '1'],
    ['3', 'a', '1'],
    ['4', 'b', null],
    ['100', 'c', '1'],
    ['5', 'd', '1'],
    ['x', 'e', '1'],
  ];
  expect(await made.write(THING, formatRows(rows))).toEqual([
    { line: 1, reason: 'code: the value is too long for the column' },
    { line: 2, reason: 'duplicate key value violates unique constraint "thing_code_key"' },
    { line: 3, reason: expect.stringMatching(/^parent: null value in column "parent"/u) as string },
    { line: 4, reason: 'new row for relation "thing" violates check constraint "small"' },
    { line: 6, reason: 'id: the text is not valid for the column’s type' },
  ]);
  expect(await made.write(THING, Buffer.alloc(0))).toEqual([]);
  const there = async (table: string): Promise<unknown> => (await client.query(`SELECT * FROM ${table} ORDER BY id`)).rows;
  const first = { id: 1, code: 'a', parent: 77, nr: null };
  expect(await there('look.thing')).toEqual([first, { id: 5, code: 'd', parent: 1, nr: null }]);
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
  expect(await refusedOf(at('look'), true, [...NAMES, { schema: 'crm', table: 'gone' }])).toBe('SAMPLE_REFUSED');
  expect(await refusedOf(at('two'), false, [...NAMES, { schema: 'theirs', table: 'thing' }])).toBe('SAMPLE_REFUSED');
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
