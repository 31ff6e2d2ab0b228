import type { LogType } from '@changeover/example-crm';
import { isEqual, isEqualChosen, type ChosenReport, type Choice } from '@changeover/verification';

import { said } from './verify.js';
import { VerifyScene } from './verify-scene.js';

const WRITERS = 8;
const PAUSE_MS = 5;
const TOUCHED: Choice = { kind: 'touched' };
const QUIET = `INSERT INTO company VALUES (80, 'Quiet', 'big');
  INSERT INTO person (id, company_id, note) SELECT 1000 + n, 80, 'quiet ' || n FROM generate_series(1, 500) n;
  INSERT INTO person (id, note) SELECT 2000 + n, 'held ' || n FROM generate_series(1, 5) n`;

/** What is said in each of the comparisons. */
function allSaid({ remembered, derived, tables, rowCounts }: ChosenReport): readonly string[] {
  return [
    ...said({ tables: remembered }).map((words) => `remembered ${words}`),
    ...said({ tables: derived }).map((words) => `derived ${words}`),
    ...said({ tables }).map((words) => `target ${words}`),
    ...rowCounts.flatMap(({ table, expected, found }) => (expected === found ? [] : [`rows of ${table}`])),
  ];
}

type Planted = { readonly what: string; readonly damage: string; readonly expected: readonly string[]; readonly mend: string };

const HELD = `changeover.held WHERE target = 'app.person' AND source_key = '2001'`;
const PLANTED: readonly Planted[] = [
  {
    what: 'one value',
    damage: `UPDATE app.person SET note = 'altered' WHERE id = 1001`,
    expected: ['target app.person different 1001 note'],
    mend: `UPDATE app.person SET note = 'touched' WHERE id = 1001`,
  },
  {
    what: 'a row that is missing',
    damage: `CREATE TABLE kept AS SELECT * FROM app.person WHERE id = 1002; DELETE FROM app.person WHERE id = 1002`,
    expected: ['target app.person missing 1002'],
    mend: `INSERT INTO app.person TABLE kept; DROP TABLE kept`,
  },
  {
    what: 'a row that should have gone',
    damage: `INSERT INTO app.person (id, company_id) VALUES (1010, 80)`,
    expected: ['target app.person extra 1010'],
    mend: `DELETE FROM app.person WHERE id = 1010`,
  },
  {
    what: 'a value of a row that looks up one that was touched',
    damage: `UPDATE app.person SET company_kind = 'other' WHERE id = 1400`,
    expected: ['target app.person different 1400 company_kind'],
    mend: `UPDATE app.person SET company_kind = 'small' WHERE id = 1400`,
  },
  {
    what: 'another reason of a held row',
    damage: `UPDATE changeover.held SET reason = reason || '!' WHERE target = 'app.person' AND source_key = '2001'`,
    expected: ['target changeover.held different ID,app.person,2001 reason'],
    mend: `UPDATE changeover.held SET reason = rtrim(reason, '!') WHERE target = 'app.person' AND source_key = '2001'`,
  },
  {
    what: 'a held row of which nothing is told',
    damage: `CREATE TABLE kept AS SELECT * FROM ${HELD}; DELETE FROM ${HELD}`,
    expected: ['target changeover.held missing ID,app.person,2001'],
    mend: `INSERT INTO changeover.held TABLE kept; DROP TABLE kept`,
  },
];

/** All that it promises, on one of the logs; not the whole: what does not depend on the log is left out. */
export function describeChosen(log: LogType, { whole, looks: usual }: { readonly whole: boolean; readonly looks: number }): void {
  /** CHOSEN_ROUNDS of the environment: for who has more time than a run of all tests. */
  const looks = Number(process.env['CHOSEN_ROUNDS'] ?? usual);
  describe(`a verification of chosen rows over ${log}`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    let scene: VerifyScene;
    const opened: AsyncDisposable[] = [];

    beforeAll(async () => {
      scene = await VerifyScene.open(log, { id: 'chosen', seed });
      opened.push(scene);
      await scene.bed.source.query(QUIET);
      await scene.bed.barrier();
    }, 240_000);

    afterAll(async () => {
      for (const one of opened) await one[Symbol.asyncDispose]();
    }, 60_000);

    it('of touched rows needs one that found everything equal', async () => {
      const told = await scene.command(undefined, ['--touched']);
      expect({ code: told.code, said: told.said }).toEqual({
        code: 1,
        said: expect.stringContaining('FULL_VERIFICATION_NEEDED') as string,
      });
    }, 60_000);

    it(`of touched rows is equal, in ${String(looks)} of them beside ${String(WRITERS)} writers; so is a sample`, async () => {
      expect(isEqual(await scene.verify())).toBe(true);
      await scene.letLoose(WRITERS, PAUSE_MS);
      let [chosen, rounds, unsettled, sampled] = [0, 0, 0, 0];
      for (let look = 0; look < looks; look++) {
        const touched = await scene.verifyChosen(TOUCHED);
        expect({ look, said: allSaid(touched), equal: isEqualChosen(touched) }).toEqual({ look, said: [], equal: true });
        chosen += touched.chosen;
        rounds += touched.rounds;
        unsettled += touched.unsettled;
        const sample = await scene.verifyChosen({ kind: 'sample', share: look % 2 === 0 ? 1 : 0.3, seed: look });
        expect({ look, said: allSaid(sample) }).toEqual({ look, said: [] });
        sampled += sample.chosen;
      }
      const committed = await scene.calm();
      console.log(
        `${String(committed)} transactions meanwhile; touched: ${String(chosen / looks)} rows in ${String(rounds / looks)} rounds, ${String(unsettled / looks)} not settled; sampled: ${String(sampled / looks)}`,
      );
      expect(chosen).toBeGreaterThan(looks);
      expect(sampled).toBeGreaterThan(looks * 100);
      const calm = await scene.verifyChosen(TOUCHED);
      expect([allSaid(calm), calm.unsettled]).toEqual([[], 0]);
      expect((await scene.verifyChosen(TOUCHED)).chosen).toBe(0);
    }, 600_000);

    it('of touched rows finds what was planted among them, and exactly that', async () => {
      const { source, target, migration } = scene.bed;
      await source.query(`UPDATE person SET note = 'touched' WHERE id BETWEEN 1001 AND 1009; DELETE FROM person WHERE id = 1010;
      UPDATE company SET kind = 'small' WHERE id = 80; UPDATE person SET note = 'still held' WHERE id = 2001;
      UPDATE person SET email = 'number@chosen.example' WHERE id = 1009`);
      await scene.bed.barrier();
      for (const { what, damage, expected, mend } of PLANTED) {
        await target.query(damage);
        const words = expected.map((text) => text.replace('ID', migration.id));
        expect({ what, said: allSaid(await scene.verifyChosen(TOUCHED)) }).toEqual({ what, said: words });
        await target.query(mend);
      }
      const text = (from: string, to: string): string =>
        `UPDATE changeover.allocated SET source_text = '${to}' WHERE source_text = '${from}'`;
      await target.query(text('number@chosen.example', 'another'));
      const numbered = allSaid(await scene.verifyChosen(TOUCHED));
      expect([numbered.length, numbered[0]]).toEqual([
        1,
        expect.stringMatching(/^target changeover.allocated different .*,address,\d+ source_text$/),
      ]);
      await target.query(text('another', 'number@chosen.example'));
      // Where an untouched row was altered, only who looks at all of them sees it.
      await target.query(`UPDATE app.person SET note = 'altered' WHERE id = 1300`);
      expect(allSaid(await scene.verifyChosen(TOUCHED))).toEqual(['target app.person different 1300 note']);
      await target.query(`UPDATE app.person SET note = 'quiet 300' WHERE id = 1300`);
      expect(allSaid(await scene.verifyChosen(TOUCHED))).toEqual([]);
      await target.query(`UPDATE app.person SET note = 'altered' WHERE id = 1300`);
      expect(allSaid(await scene.verifyChosen(TOUCHED))).toEqual([]);
      expect(said(await scene.verify())).toEqual(['app.person different 1300 note']);
      // From then on nothing can be built upon those before.
      await expect(scene.verifyChosen(TOUCHED)).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
      await target.query(`UPDATE app.person SET note = 'quiet 300' WHERE id = 1300`);
      await expect(scene.verifyChosen(TOUCHED)).rejects.toMatchObject({ code: 'FULL_VERIFICATION_NEEDED' });
    }, 240_000);

    it('of a sample of all rows finds what was planted, and exactly that', async () => {
      const { target, migration } = scene.bed;
      const sample = async (): Promise<readonly string[]> => allSaid(await scene.verifyChosen({ kind: 'sample', share: 1, seed }));
      expect(await sample()).toEqual([]);
      for (const { what, damage, expected, mend } of PLANTED) {
        await target.query(damage);
        const words = expected.map((text) => text.replace('ID', migration.id));
        const counted = what === 'a row that is missing' ? ['rows of app.person'] : [];
        // Nothing leads to a row that nobody has written but the number of all.
        const due = what === 'a row that should have gone' ? ['rows of app.person'] : [...words, ...counted];
        expect({ what, said: await sample() }).toEqual({ what, said: due });
        await target.query(mend);
      }
      expect(said(await scene.verify())).toEqual([]);
    }, 240_000);

    if (!whole) return;

    it('of touched rows finds what transform remembers otherwise', async () => {
      const { source } = scene.bed;
      expect(said(await scene.verify())).toEqual([]);
      await source.query(`UPDATE person SET note = 'mirrored' WHERE id = 1020; UPDATE person SET note = 'derived it' WHERE id = 1021`);
      await scene.bed.barrier();
      expect(await scene.alterState('mirrored', 'mirrorer', ['m'])).toBe(1);
      await scene.bed.barrier();
      expect(await scene.alterState('derived it', 'deriver it', ['e'])).toBe(1);
      await scene.bed.barrier();
      expect([...allSaid(await scene.verifyChosen(TOUCHED))].sort()).toEqual([
        'derived app.person different 1020 note',
        'derived app.person different 1021 note',
        'remembered public.person different 1020 note',
        'target app.person different 1021 note',
      ]);
      const told = await scene.command(undefined, ['--touched']);
      expect({ code: told.code, said: told.said }).toMatchObject({ code: 1, said: expect.stringContaining('NOT_EQUAL') as string });
      // Whoever compares only the target with the source sees nothing of it yet.
      expect(said(await scene.verify())).toEqual([]);
      await source.query(`UPDATE person SET note = 'anew' WHERE id IN (1020, 1021)`);
      await scene.bed.barrier();
      expect(allSaid(await scene.verifyChosen(TOUCHED))).toEqual([]);
    }, 240_000);

    it('is a command that says what it is, and leaves nothing behind when it is killed', async () => {
      const killed = await scene.command('verify.placed', ['--touched']);
      expect({ ...killed, said: '' }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
      await scene.bed.source.query(`UPDATE person SET note = 'after' WHERE id BETWEEN 1401 AND 1450`);
      await scene.bed.barrier();
      const touched = await scene.command(undefined, ['--touched']);
      expect(touched).toMatchObject({
        code: 0,
        said: expect.stringMatching(/rows touched since record .*: 50 rows of the source/) as string,
      });
      const json = await scene.command(undefined, ['--sample', '10%', '--seed', '7', '--json']);
      const { equal, sample, chosen } = JSON.parse(json.said.slice(0, json.said.indexOf('\n}') + 2)) as {
        equal: boolean;
        sample: unknown;
        chosen: number;
      };
      expect({ equal, sample }).toEqual({ equal: true, sample: { share: 0.1, seed: 7 } });
      expect((await scene.command(undefined, ['--sample', '10', '--seed', '7'])).said).toContain(
        `${String(chosen)} rows of the source; --seed 7`,
      );
      for (const words of [
        ['--touched', '--mirror'],
        ['--sample', '0'],
      ])
        expect((await scene.command(undefined, words)).said).toContain('BAD_SETTINGS');
      await scene.bed.source.query('TRUNCATE tag');
      await scene.bed.barrier();
      expect((await scene.command(undefined, ['--touched'])).said).toContain('FULL_VERIFICATION_NEEDED');
      expect((await scene.command()).code).toBe(0);
      expect((await scene.command(undefined, ['--touched'])).code).toBe(0);
    }, 240_000);
  });
}
