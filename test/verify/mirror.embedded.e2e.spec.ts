import { isEqual } from '@changeover/verification';

import { said } from './verify.js';
import { VerifyScene } from './verify-scene.js';

const WRITERS = 8;
const PAUSE_MS = 5;
/** MIRROR_ROUNDS of the environment: for who has more time than a run of all tests. */
const ROUNDS = Number(process.env['MIRROR_ROUNDS'] ?? 3);
const QUIET = `INSERT INTO person (id, note) SELECT 1000 + n, 'quiet ' || n FROM generate_series(1, 500) n`;

describe('what transform remembers, compared with the source', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  let scene: VerifyScene;
  const opened: AsyncDisposable[] = [];

  beforeAll(async () => {
    scene = await VerifyScene.open('embedded', { id: 'mirror', seed });
    opened.push(scene);
    await scene.bed.source.query(QUIET);
    await scene.bed.barrier();
  }, 240_000);

  afterAll(async () => {
    for (const one of opened) await one[Symbol.asyncDispose]();
  }, 60_000);

  it(`is equal, in ${String(ROUNDS)} looks beside ${String(WRITERS)} writers`, async () => {
    await scene.letLoose(WRITERS, PAUSE_MS);
    let [people, rounds, unsettled] = [0, 0, 0];
    for (let look = 0; look < ROUNDS; look++) {
      const report = await scene.verifyMirror();
      expect({ look, said: said(report), equal: isEqual(report) }).toEqual({ look, said: [], equal: true });
      people += report.tables.find(({ table }) => table === 'public.person')?.found ?? 0;
      rounds += report.rounds;
      unsettled += report.unsettled;
    }
    const committed = await scene.calm();
    console.log(
      `${String(committed)} transactions meanwhile; a look: ${String(people / ROUNDS)} people in ${String(rounds / ROUNDS)} rounds, ${String(unsettled / ROUNDS)} rows not settled`,
    );
    // All that are quiet at least, and most of the others.
    expect(people / ROUNDS).toBeGreaterThan(500);
    expect(rounds).toBeGreaterThan(ROUNDS);
  }, 600_000);

  it('names a row of which one byte was altered, and what is missing, until it is written anew', async () => {
    await scene.bed.barrier();
    expect(await scene.alterState('quiet 77', 'quiet 78', ['m'])).toBe(1);
    await scene.bed.barrier();
    await scene.letLoose(WRITERS, PAUSE_MS);
    expect(said(await scene.verifyMirror())).toEqual(['public.person different 1077 note']);
    await scene.calm();
    // The target is right, as nothing was derived from it yet; and whoever compares that does not see it.
    expect(said(await scene.verify())).toEqual([]);
    const told = await scene.command(undefined, ['--mirror']);
    expect(told.code).toBe(1);
    expect(told.said).toMatch(/public.person:\n {2}"1077": other values in note\n/);
    expect(told.said).toContain('NOT_EQUAL: 1 row of what transform remembers');
    await scene.bed.source.query(`UPDATE person SET note = 'new' WHERE id = 1077`);
    await scene.bed.barrier();
    expect((await scene.command(undefined, ['--mirror', '--table', 'public.person'])).code).toBe(0);
  }, 240_000);

  it('disturbs no transform, and leaves nothing behind when it is killed', async () => {
    const killed = await scene.command('verify.compared', ['--mirror']);
    expect({ ...killed, said: '' }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
    await scene.bed.source.query(`UPDATE person SET note = 'after' WHERE id > 1400`);
    await scene.bed.barrier();
    expect((await scene.command(undefined, ['--mirror'])).code).toBe(0);
    expect(isEqual(await scene.verify())).toBe(true);
  }, 240_000);

  it('says so where there is nothing that could be compared', async () => {
    await scene.bed.changeSettings({ state: { folder: `${scene.bed.migration.settingsFile}.elsewhere` } });
    const { code, said: words } = await scene.command(undefined, ['--mirror']);
    await scene.bed.changeSettings({ state: undefined });
    expect({ code, words }).toEqual({ code: 1, words: expect.stringContaining('STATE_NOT_HERE') as string });
    expect((await scene.command(undefined, ['--mirror', '--repair'])).said).toContain('BAD_SETTINGS');
  }, 60_000);
});
