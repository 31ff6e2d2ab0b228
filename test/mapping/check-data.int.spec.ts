import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { testDatabase } from '@changeover/testing';

const BIN = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'apps/cli/bin/changeover.mjs');
const PATIENCE_MS = 120_000;

/**
 * 10 offices of which one has no name, 300 people: 61 addresses are used by 137 of them, 40 have one that is none, 5 are in an office that there is not, 20 are deleted, 7 have a
 * name of 25 characters, 3 have a birth date that is none, 4 have none. Of 12 something stands in `fax`, of 6 only blanks.
 */
const SOURCE = `
  CREATE TABLE office (id int PRIMARY KEY, name text);
  CREATE TABLE person (id int PRIMARY KEY, office_id int, name text, mail text, born text, deleted boolean NOT NULL, fax text, note text);
  CREATE TABLE plain (id int PRIMARY KEY, label text);
  INSERT INTO office SELECT n, CASE WHEN n < 10 THEN 'office ' || n END FROM generate_series(1, 10) n;
  INSERT INTO plain SELECT n, repeat('x', n) FROM generate_series(1, 6) n;
  INSERT INTO person
    SELECT n, CASE WHEN n BETWEEN 281 AND 285 THEN 999 ELSE 1 + n % 9 END, CASE WHEN n BETWEEN 201 AND 207 THEN repeat('n', 25) ELSE 'name ' || n END,
           CASE WHEN n <= 137 THEN 'a' || 1 + n % 61 || '@example.org' WHEN n <= 177 THEN 'nobody' ELSE 'p' || n || '@example.org' END,
           CASE WHEN n BETWEEN 211 AND 213 THEN 'in May' WHEN n BETWEEN 221 AND 224 THEN NULL ELSE '1980-02-03' END,
           n BETWEEN 261 AND 280, CASE WHEN n <= 12 THEN '+1' WHEN n <= 18 THEN '  ' ELSE '' END, NULL
      FROM generate_series(1, 300) n`;
const TARGET = `
  CREATE SCHEMA crm;
  CREATE TABLE crm.office (id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE crm.person (id int PRIMARY KEY, office_id int REFERENCES crm.office, name varchar(20), mail text UNIQUE, born date NOT NULL);
  CREATE TABLE public.plain (id int PRIMARY KEY, label varchar(3))`;

const OFFICE = {
  ...{ source: 'public.office', target: 'crm.office', key: ['id'], required: ['name'] },
  columns: { id: { column: 'id' }, name: { column: 'name' } },
};
const PERSON = {
  ...{ source: 'public.person', target: 'crm.person', key: ['id'] },
  where: { is: { column: 'deleted' }, in: ['f'] },
  columns: {
    ...{ id: { column: 'id' }, office_id: { column: 'office_id' }, name: { column: 'name' }, born: { column: 'born' } },
    mail: { convert: 'email', input: { column: 'mail' }, invalid: 'held' },
  },
  requires: [{ parent: 'crm.office', key: [{ column: 'office_id' }] }],
  unique: [{ columns: ['mail'], otherwise: 'empty' }],
};

type Output = {
  readonly ok: boolean;
  readonly findings: readonly { readonly check: string; readonly outcome?: object; readonly misfit?: object; readonly unused?: object }[];
};
type Ended = { readonly code: number | string; readonly stdout: string; readonly stderr: string };

describe('check --data', () => {
  it(
    'says what would become of each row, and what the target would not take; and leaves nothing behind',
    async () => {
      await using source = await testDatabase();
      await using target = await testDatabase();
      await (await source.connect()).query(SOURCE);
      await (await target.connect()).query(TARGET);
      const folder = await mkdtemp(join(tmpdir(), 'changeover-check-'));
      await chmod(folder, 0o755);
      try {
        const run = (...args: string[]): Promise<Ended> =>
          promisify(execFile)(process.execPath, [BIN, ...args], { cwd: folder }).then(
            ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
            (error: unknown) => error as Ended,
          );
        const settings = {
          ...{ migration: `m_${source.name.slice(-20)}`, mapping: 'mapping.json', limits: { derivationThreads: 1 } },
          ...{ source: { type: 'postgres', url: source.url }, target: { type: 'postgres', url: target.url } },
          ...{ log: { type: 'embedded', url: target.url }, control: { url: target.url }, state: { folder: join(folder, 'state') } },
        };
        await writeFile(join(folder, 'changeover.json'), JSON.stringify(settings));
        await writeFile(join(folder, 'mapping.json'), JSON.stringify({ rules: [OFFICE, PERSON], tables: { 'public.plain': {} } }));

        const { code, stdout } = await run('check', '--data', '--json');
        const { ok, findings } = JSON.parse(stdout) as Output;
        expect([code, ok]).toEqual([0, true]);
        const office = {
          ...{ source: 'public.office', target: 'crm.office', name: null, candidates: 10 },
          ...{ written: 9, held: 1, waiting: 0, filtered: 0 },
        };
        // Of those without an address that is one none is among those who share one, or in an office that there is not.
        const person = {
          ...{ source: 'public.person', target: 'crm.person', name: null, candidates: 300 },
          ...{ written: 235, emptied: 76, held: 40, waiting: 5, filtered: 20 },
        };
        expect(findings.flatMap(({ outcome }) => outcome ?? [])).toMatchObject([
          { ...office, problems: [{ state: 'held', reason: 'empty', column: 'name', rows: 1 }], contested: [] },
          {
            ...person,
            problems: [
              { state: 'held', column: 'mail', rows: 40 },
              { state: 'waiting', reason: 'waits for', column: 'crm.office', rows: 5 },
            ],
            contested: [{ columns: ['mail'], otherwise: 'empty', values: 61, rows: 137 }],
          },
        ]);
        expect(findings.flatMap(({ misfit }) => misfit ?? [])).toEqual([
          { ...{ target: 'crm.person', column: 'born', type: 'date' }, ...{ values: 3, nulls: 4, first: { id: '211' } } },
          { ...{ target: 'crm.person', column: 'name', type: 'character varying(20)' }, ...{ values: 7, nulls: 0, first: { id: '201' } } },
          { ...{ target: 'public.plain', column: 'label', type: 'character varying(3)' }, ...{ values: 3, nulls: 0, first: { id: '4' } } },
        ]);
        expect(findings.flatMap(({ unused }) => unused ?? [])).toEqual([{ table: 'public.person', column: 'fax', rows: 12 }]);

        const text = await run('check', '--data');
        expect([text.code, text.stdout]).toEqual([
          0,
          expect.stringContaining('mail: 61 values are wanted by 137 rows, of which all but the first of each go without it'),
        ]);
        expect(text.stdout).toContain(
          'crm.person: of 300 rows of public.person 235 are written (76 without a unique value that another row has), 20 left out, 40 held, 5 waiting for a parent',
        );
        expect(text.stdout).toContain(
          'crm.person.born: 3 rows with a value that does not fit date, 4 rows without a value, where there must be one: such rows are refused; the first has id "211"',
        );
        expect(text.stdout).toContain('columns of public.person that hold something and go nowhere: fax (12 rows)');
        expect(text.stdout).not.toContain('in May');
        // Nothing is left, and nothing was written.
        expect(await readdir(join(folder, 'state')).catch(() => [])).toEqual([]);
        const written = await (
          await target.connect()
        ).query('SELECT (SELECT count(*) FROM crm.office) + (SELECT count(*) FROM crm.person) AS rows');
        expect(written.rows).toEqual([{ rows: '0' }]);

        // Where something does not fit no row is read, and that is said.
        await (await target.connect()).query('DROP TABLE public.plain');
        const misfit = await run('check', '--data');
        expect([misfit.code, misfit.stdout]).toEqual([1, expect.stringContaining('--data: no row was read, as something does not fit')]);
        expect((await run('check')).stdout).not.toContain('no row was read');
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    PATIENCE_MS,
  );
});
