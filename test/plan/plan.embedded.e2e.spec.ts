import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { PlannedTable } from '@changeover/pipeline';

import { VerifyScene } from '../verify/verify-scene.js';
import { MAPPING } from '../verify/verify-tables.js';

const ROWS = `
  INSERT INTO company VALUES (950, ' Firm ', 'big');
  INSERT INTO person (id, company_id, email, note, state) VALUES
    (9501, 950, ' One@Example.com', 'first', NULL), (9504, 950, 'no address 9504', NULL, NULL), (9505, 950, NULL, NULL, 'gone'),
    (9506, 950, 'kept@example.com', NULL, NULL), (9507, 950, 'seven@example.com', NULL, NULL);
  INSERT INTO tag VALUES (9501, 'x', 1.5);
  INSERT INTO region VALUES (1, 'north'), (2, 'south');
`;

const [company, person] = MAPPING.rules;

/** Takes e-mail addresses as they come, and of people without a note nothing; leaves tags out, and takes regions. */
const OTHER = {
  tables: { 'public.visit': {}, 'public.region': { to: 'app.region' } },
  rules: [
    company,
    {
      ...person,
      where: { not: { is: { column: 'id' }, in: ['9507'] } },
      columns: { ...person?.columns, email: { convert: 'trim', input: { column: 'email' }, invalid: 'held' } },
    },
  ],
};

type Json = { readonly changesNothing: boolean; readonly findings: readonly object[]; readonly tables: readonly PlannedTable[] };

describe('changeover plan', () => {
  let scene: VerifyScene;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changeover-plan-'));
    scene = await VerifyScene.open('embedded', { id: 'plan', seed: 5 });
    await scene.bed.source.query(ROWS);
    await scene.bed.barrier();
    await scene.bed.source.query("UPDATE person SET email = 'nothing good 9506' WHERE id = 9506");
    await scene.bed.barrier();
  }, 120_000);

  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const mappingFile = async (mapping: unknown): Promise<string> => {
    const file = join(folder, 'other.json');
    await writeFile(file, JSON.stringify(mapping));
    return file;
  };

  it('says of the active mapping that nothing would change', async () => {
    expect(await scene.run(['plan'])).toMatchObject({ code: 0, said: expect.stringContaining('nothing would change') as string });
  });

  it('says of another one which rows come, go and change, and why they are held', async () => {
    const file = await mappingFile(OTHER);
    const { code, said } = await scene.run(['plan', file, '--json', '--values', '--limit', '1000']);
    const { changesNothing, tables } = JSON.parse(said) as Json;
    expect({ code, changesNothing }).toEqual({ code: 1, changesNothing: false });
    const told = (name: string): PlannedTable => tables.find(({ table }) => table === name) as PlannedTable;
    const row = (key: string) => told('app.person').rows.find((one) => one.key[0] === key);
    const email = (was: string, is: string) => ({ before: { email: was }, after: { email: is } });
    expect(row('9501')).toMatchObject({ what: 'changes', columns: ['email'], values: email('One@example.com', 'One@Example.com') });
    // Its number is that of the address that it has now.
    expect(row('9506')).toMatchObject({
      ...{ what: 'changes', columns: ['email', 'number'] },
      values: email('kept@example.com', 'nothing good 9506'),
    });
    expect(row('9504')).toMatchObject({ what: 'comes', values: { before: null, after: { id: '9504', email: 'no address 9504' } } });
    expect(row('9505')).toMatchObject({ what: 'comes' });
    expect(row('9507')).toMatchObject({ what: 'goes', values: { after: null } });
    expect(told('app.company')).toMatchObject({ state: 'stays', comes: 0, goes: 0, changes: 0 });
    expect(told('app.region')).toMatchObject({ state: 'comes', before: 0, after: 2, comes: 2 });
    const tags = (await scene.bed.target.query('SELECT count(*)::int AS n FROM tag')).rows[0] as { readonly n: number };
    expect(told('public.tag')).toMatchObject({ state: 'goes', before: tags.n, after: 0, goes: tags.n });
    expect(told('app.person').reasons.find(({ reason }) => reason === 'not an e-mail address')).toMatchObject({ after: 0 });
  });

  it('tells people the same, without values where they were not asked for', async () => {
    const file = await mappingFile(OTHER);
    const { code, said } = await scene.run(['plan', file, '-t', 'app.person', '-n', '1000']);
    expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(/^ {2}~ "9501": email$/mu) as string });
    expect(said).toMatch(/^ {2}\+ "9504"$/mu);
    expect(said).toMatch(/^ {2}- "9507"$/mu);
    expect(said).not.toContain('xample.com');
  });

  it('says what the new database cannot take, as check does', async () => {
    const file = await mappingFile(OTHER);
    const finding = { part: 'target', severity: 'error', check: 'table', message: 'the target has no table app.region' };
    const { findings } = JSON.parse((await scene.run(['plan', file, '--json'])).said) as Json;
    expect(findings).toEqual([finding]);
    const { code, said } = await scene.run(['plan', file]);
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringMatching(/^✗ target {2}the target has no table app\.region$/mu) as string,
    });
  });

  it('says which mapping does not fit, and which table is not written', async () => {
    for (const [words, error] of [
      [
        [await mappingFile({ rules: [{ ...company, source: 'public.nobody' }] })],
        /MAPPING_INVALID: .*public\.nobody, which is not captured/u,
      ],
      [['-t', 'app.nobody'], /BAD_SETTINGS: --table app\.nobody is no table that either mapping writes/u],
    ] as const) {
      const { code, said } = await scene.run(['plan', ...words]);
      expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(error) as string });
    }
  });
});
