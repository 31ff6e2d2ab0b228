import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { testDatabase } from '@changeover/testing';

const BIN = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'apps/cli/bin/changeover.mjs');
const PATIENCE_MS = 180_000;

/** Of 300 people 10 have no address, 5 are in an office that there is not, 3 have a birth date that is none, and 2 an age that the target does not take. */
const SOURCE = `
  CREATE TABLE office (id int PRIMARY KEY, name text);
  CREATE TABLE person (id int PRIMARY KEY, office_id int, mail text, born text, age int);
  CREATE TABLE plain (label text);
  ALTER TABLE plain REPLICA IDENTITY FULL;
  INSERT INTO office SELECT n, 'office ' || n FROM generate_series(1, 10) n;
  INSERT INTO plain SELECT 'label ' || n FROM generate_series(1, 200) n;
  INSERT INTO person SELECT n, CASE WHEN n <= 5 THEN 999 ELSE 1 + n % 10 END, CASE WHEN n > 290 THEN NULL ELSE n || '@example.org' END,
    CASE WHEN n BETWEEN 11 AND 13 THEN 'in May' ELSE '1980-02-03' END, CASE WHEN n IN (21, 22) THEN -1 ELSE 30 END FROM generate_series(1, 300) n`;
const TARGET = `
  CREATE SCHEMA crm;
  CREATE TABLE crm.office (id int PRIMARY KEY, name text NOT NULL, nr serial);
  CREATE TABLE crm.person (id int PRIMARY KEY, office_id int NOT NULL REFERENCES crm.office, mail text UNIQUE, born date, age int CONSTRAINT grown CHECK (age > 0));
  CREATE TABLE public.plain (label text);
  CREATE FUNCTION crm.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';
  CREATE TRIGGER fire BEFORE INSERT ON crm.office FOR EACH ROW EXECUTE FUNCTION crm.fire()`;

const column = (name: string) => ({ [name]: { column: name } });
const MAPPING = {
  rules: [
    { source: 'public.office', target: 'crm.office', columns: { ...column('id'), ...column('name') }, key: ['id'] },
    {
      ...{ source: 'public.person', target: 'crm.person', key: ['id'], required: ['mail'] },
      columns: { ...column('id'), ...column('office_id'), ...column('mail'), ...column('born'), ...column('age') },
      requires: [{ parent: 'crm.office', key: [{ column: 'office_id' }] }],
    },
  ],
  tables: { 'public.plain': {} },
};

type Ended = { readonly code: number | string; readonly stdout: string; readonly stderr: string };
type Told = {
  readonly seed: number;
  readonly outcomes: readonly object[];
  readonly sampled: readonly {
    readonly table: string;
    readonly rows: number;
    readonly chosen: number;
    readonly written: number;
    readonly refused: readonly object[];
  }[];
};

describe('plan --sample', () => {
  it(
    'writes rows into tables of their own, tells what becomes of all and which the target would refuse, and touches nothing else',
    async () => {
      await using source = await testDatabase();
      await using target = await testDatabase();
      await (await source.connect()).query(SOURCE);
      const sql = await target.connect();
      await sql.query(TARGET);
      const folder = await mkdtemp(join(tmpdir(), 'changeover-sample-'));
      await chmod(folder, 0o755);
      try {
        const run = (...args: string[]): Promise<Ended> =>
          promisify(execFile)(process.execPath, [BIN, 'plan', ...args], { cwd: folder }).then(
            ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
            (error: unknown) => error as Ended,
          );
        // Neither of the two has to answer.
        const nowhere = 'postgres://nobody@127.0.0.1:1/none';
        const settings = {
          ...{ migration: `m_${source.name.slice(-20)}`, mapping: 'mapping.json', limits: { derivationThreads: 1 } },
          ...{ source: { type: 'postgres', url: source.url, tablesWithoutKey: 'full' }, target: { type: 'postgres', url: target.url } },
          ...{ log: { type: 'embedded', url: nowhere }, control: { url: nowhere }, state: { folder: join(folder, 'state') } },
        };
        await writeFile(join(folder, 'changeover.json'), JSON.stringify(settings));
        await writeFile(join(folder, 'mapping.json'), JSON.stringify(MAPPING));

        const all = await run('--sample', '100%', '--into', 'look', '--json');
        expect([all.code, all.stderr]).toEqual([0, expect.any(String)]);
        const told = JSON.parse(all.stdout) as Told;
        expect(told).toMatchObject({ schema: 'look', share: 1, seed: 1 });
        expect(told.outcomes).toMatchObject([
          { target: 'crm.office', written: 10 },
          {
            ...{ target: 'crm.person', written: 285, held: 10, waiting: 5 },
            problems: expect.arrayContaining([{ state: 'held', reason: 'empty', column: 'mail', rows: 10 }]) as unknown,
          },
        ]);
        expect(Object.fromEntries(told.sampled.map(({ table, ...counts }) => [table, counts]))).toEqual({
          'public.plain': { rows: 200, chosen: 200, written: 200, refused: [] },
          'crm.office': { rows: 10, chosen: 10, written: 10, refused: [] },
          'crm.person': {
            ...{ rows: 285, chosen: 285, written: 280 },
            refused: [
              { reason: 'born: not a valid date or time', rows: 3, first: { id: '11' } },
              { reason: 'new row for relation "person" violates check constraint "grown"', rows: 2, first: { id: '21' } },
            ],
          },
        });
        expect((await sql.query(`SELECT count(*)::int AS rows, min(office_id) AS office FROM look.person`)).rows).toEqual([
          { rows: 280, office: 1 },
        ]);
        // The live tables and their sequence are as they were, and nothing is left beside the state.
        expect(
          (await sql.query('SELECT (SELECT count(*) FROM crm.office)::int AS rows, (SELECT is_called FROM crm.office_nr_seq) AS called'))
            .rows,
        ).toEqual([{ rows: 0, called: false }]);
        expect(await readdir(join(folder, 'state')).catch(() => [])).toEqual([]);

        const some = await run('--sample', '20%', '--into', 'look', '--replace');
        expect([some.code, some.stdout]).toEqual([
          0,
          expect.stringContaining('20 % of the rows that the mapping makes stand in the schema look of the new database (seed 1)'),
        ]);
        expect(some.stdout).toContain('of 300 rows of public.person 285 are written, 10 held, 5 waiting for a parent');
        expect(some.stdout).not.toContain('in May');
        const { rows } = await sql.query<{ rows: number }>('SELECT count(*)::int AS rows FROM look.person');
        expect([rows[0]?.rows ?? 0].map((count) => count > 25 && count < 95)).toEqual([true]);
        // Of a table that is not captured nothing would be there to be looked at.
        await writeFile(join(folder, 'more.json'), JSON.stringify({ ...MAPPING, tables: { 'public.plain': {}, 'public.gone': {} } }));
        const more = await run('more.json', '--sample', '1%', '--into', 'other');
        expect([more.code, more.stderr]).toEqual([1, expect.stringMatching(/MAPPING_INVALID.*public\.gone/s)]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    PATIENCE_MS,
  );
});
