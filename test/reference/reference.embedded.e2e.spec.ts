import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { changeoverCommand, Stage } from '@changeover/example-crm';

import { MigrationBed } from '../crash/migration-bed.js';

const SOURCE = `
  CREATE TABLE account (id int PRIMARY KEY, name text NOT NULL, owner text);
  INSERT INTO account SELECT n, 'account ' || n, (ARRAY[' Ada@Example.org', 'bob@example.org', 'eve@example.org', NULL])[1 + n % 4]
    FROM generate_series(1, 2000) n;
`;

const TARGET = `
  CREATE SCHEMA app;
  CREATE TABLE app.member (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail text NOT NULL, active boolean NOT NULL DEFAULT true);
  INSERT INTO app.member (mail) VALUES ('ada@example.org'), ('bob@example.org');
  CREATE TABLE app.account (id int PRIMARY KEY, name text NOT NULL, owner_id int REFERENCES app.member);
`;

const column = (name: string, of?: string) => ({ column: name, ...(of !== undefined && { of }) });
const MAPPING = {
  rules: [
    {
      source: 'public.account',
      target: 'app.account',
      joins: [
        {
          as: 'owner',
          table: 'target:app.member',
          on: { mail: { convert: 'email', options: { lowerCase: 'all' }, input: column('owner'), invalid: 'empty' } },
          where: { is: column('active', 'owner'), in: ['t'] },
          all: { columns: { id: { max: column('id', 'owner') } }, atMost: 1 },
        },
      ],
      columns: { id: column('id'), name: column('name'), owner_id: column('id', 'owner') },
      key: ['id'],
    },
  ],
};

/** What the rows should be, by PostgreSQL alone, of members as they were when they were read. */
const OWNERS = 'SELECT owner_id, count(*)::int AS rows FROM app.account GROUP BY 1 ORDER BY 1';

type Refreshed = { readonly tables: readonly Readonly<Record<string, unknown>>[]; readonly requests: readonly string[] };

describe('rows of the target that a mapping looks up', () => {
  let stage: Stage;
  let bed: MigrationBed;
  let folder: string;
  let mapping: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changeover-reference-'));
    mapping = join(folder, 'mapping.json');
    await writeFile(mapping, JSON.stringify(MAPPING));
    stage = await Stage.open({ broker: 'none' });
    bed = await MigrationBed.open(stage, { id: `reference_${String(process.pid)}`, log: 'embedded', mapping });
    await bed.source.query(SOURCE);
    await bed.target.query(TARGET);
  }, 240_000);

  afterAll(async () => {
    await bed[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const run = (...words: readonly string[]): Promise<string> => changeoverCommand(words, { settingsFile: bed.migration.settingsFile });
  const refresh = async (...words: readonly string[]): Promise<Refreshed> =>
    JSON.parse(await run('reference', 'refresh', '--json', ...words)) as Refreshed;
  const owners = async (): Promise<readonly unknown[]> => (await bed.target.query(OWNERS)).rows as readonly unknown[];

  it('are recorded first, and nothing is made without them', async () => {
    await bed.startAll();
    await bed.until(() => bed.process('transform').lastWords.includes('REFERENCE_MISSING'), 'transform to say what is missing', 60_000);
    expect((await bed.target.query('SELECT FROM app.account')).rowCount).toBe(0);
    expect(await run('reference', 'list')).toContain('nothing is recorded');
    const unrecorded = /looks up rows of app\.member, which are not recorded yet, .*\n +changeover reference refresh\n/u;
    expect(await run('check')).toMatch(unrecorded);
    expect(await refresh('--dry-run')).toMatchObject({ tables: [{ table: 'app.member', rows: 2, added: 2 }], requests: [] });
    expect((await refresh()).requests).toHaveLength(1);
    expect(await run('check')).not.toMatch(unrecorded);
    await bed.barrier(120_000);
    expect(await owners()).toEqual([
      { owner_id: 1, rows: 500 },
      { owner_id: 2, rows: 500 },
      { owner_id: null, rows: 1000 },
    ]);
    expect(JSON.parse(await run('reference', 'list', '--json'))).toMatchObject({
      tables: [{ table: 'app.member', rows: 2, columns: ['active', 'id', 'mail'], key: ['id'], whole: true }],
    });
    await run('verify');
  }, 300_000);

  it('change what has looked them up when they are recorded anew, and not before', async () => {
    await bed.target.query(`INSERT INTO app.member (mail) VALUES ('eve@example.org')`);
    await bed.target.query(`UPDATE app.member SET active = false WHERE id = 2`);
    await bed.source.query(`UPDATE account SET name = name || '!' WHERE id % 4 = 2`);
    await bed.barrier();
    expect(await owners()).toEqual([
      { owner_id: 1, rows: 500 },
      { owner_id: 2, rows: 500 },
      { owner_id: null, rows: 1000 },
    ]);
    const said = await run('reference', 'refresh', '--dry-run');
    expect(said).toMatch(/app\.member +3 +1 +1 +0\n/u);
    expect(said).not.toContain('eve@');
    expect(await run('reference', 'refresh', '--dry-run', '--values')).toContain('eve@example.org');
    expect(await refresh('--wait', '--timeout', '120')).toMatchObject({ reached: true, tables: [{ added: 1, changed: 1, gone: 0 }] });
    const now = [
      { owner_id: 1, rows: 500 },
      { owner_id: 3, rows: 500 },
      { owner_id: null, rows: 1000 },
    ];
    expect(await owners()).toEqual(now);
    expect(await refresh('--wait', '--timeout', '120')).toMatchObject({ reached: true, requests: [], tables: [{ differs: false }] });
    await run('verify');
  }, 300_000);

  it('come to the same from the log alone, after the state was lost', async () => {
    bed.process('transform').signal('SIGKILL');
    await bed.process('transform').exited;
    await bed.loseState();
    await bed.start('transform', { takeOver: true });
    // Two of one address: nobody can say which is meant, and what stands stays.
    await bed.target.query(`INSERT INTO app.member (mail) VALUES ('ada@example.org')`);
    await refresh('--wait', '--timeout', '120');
    const held = `SELECT reason, count(*)::int AS rows FROM changeover.held WHERE state = 'held' GROUP BY 1`;
    expect((await bed.target.query(held)).rows).toEqual([{ reason: 'too many rows', rows: 500 }]);
    await bed.target.query(`DELETE FROM app.member WHERE id = 4`);
    expect(await refresh('--wait', '--timeout', '120')).toMatchObject({ tables: [{ rows: 3, added: 0, changed: 0, gone: 1 }] });
    expect(await owners()).toEqual([
      { owner_id: 1, rows: 500 },
      { owner_id: 3, rows: 500 },
      { owner_id: null, rows: 1000 },
    ]);
    expect((await bed.target.query(held)).rows).toEqual([]);
    await run('verify');
    // Of a row whose owner it is, which record of the log said so.
    expect(await run('explain', 'app.account', '4')).toMatch(/target:app\.member 1 .*recorded with record \d+ of changes/u);
  }, 300_000);

  it('are null in a column that is there no more, which only the mapping in force reads, and come back with it', async () => {
    const rules = MAPPING.rules.map(({ joins, ...rule }) => ({ ...rule, joins: joins.map(({ where: _, ...join }) => join) }));
    await writeFile(mapping, JSON.stringify({ rules }));
    await bed.target.query('ALTER TABLE app.member RENAME COLUMN active TO enabled');
    expect(await refresh('--wait', '--timeout', '120')).toMatchObject({ tables: [{ changed: 3, absent: ['active'] }] });
    expect(await owners()).toEqual([{ owner_id: null, rows: 2000 }]);
    await bed.target.query('ALTER TABLE app.member RENAME COLUMN enabled TO active');
    expect(await refresh('--wait', '--timeout', '120')).toMatchObject({ tables: [{ changed: 3, absent: [] }] });
    expect(await owners()).toEqual([
      { owner_id: 1, rows: 500 },
      { owner_id: 3, rows: 500 },
      { owner_id: null, rows: 1000 },
    ]);
    await writeFile(mapping, JSON.stringify(MAPPING));
    await run('verify');
  }, 300_000);
});
