import { CRASH_POINTS, type CrashPointName } from '@changeover/core';
import { Random, type LogType } from '@changeover/example-crm';
import { isEqual } from '@changeover/verification';

import { VerifyScene } from '../verify/verify-scene.js';
import { CheckpointScene, contentsOf, type Contents } from './checkpoint-scene.js';

const WRITERS = 4;
const PAUSE_MS = 25;

/** What the lists of held and of refused rows held, over all places. */
type Seen = { held: number; refused: number; moves: number; heldMs: number[] };

/** All that checkpoints promise, on one of the logs; not the whole: what does not depend on the log is left out. `kills`: where commands are killed. */
export function describeCheckpoints(
  log: LogType,
  {
    checkpoints: usual,
    whole,
    kills,
  }: { readonly checkpoints: number; readonly whole: boolean; readonly kills: readonly CrashPointName[] | 'all' },
): void {
  /** CHECKPOINTS of the environment: for who has more time than a run of all tests. */
  const count = Number(process.env['CHECKPOINTS'] ?? usual);
  describe(`checkpoints over ${log}`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    const random = new Random(seed);
    let bed: CheckpointScene;
    const opened: AsyncDisposable[] = [];

    beforeAll(async () => {
      bed = new CheckpointScene(await VerifyScene.open(log, { id: 'checkpoint', seed }));
      opened.push(bed);
    }, 120_000);

    afterAll(async () => {
      for (const one of opened) await one[Symbol.asyncDispose]();
    }, 60_000);

    it(`takes the target to each of ${String(count)} places of a stream that goes on, to the byte, and forward again`, async () => {
      const { scene } = bed;
      const places = new Map<string, Contents>();
      const seen: Seen = { held: 0, refused: 0, moves: 0, heldMs: [] };
      await scene.letLoose(WRITERS, PAUSE_MS);
      for (let place = 0; place < count; place++) {
        const { checkpoint, contents } = await bed.create(`c${String(place)}`);
        places.set(checkpoint.name, contents);
        seen.held += checkpoint.totals.held;
        seen.refused += checkpoint.totals.refused;
      }
      const order = random.shuffled([...places.keys()]);
      for (const [at, name] of order.entries()) {
        const began = performance.now();
        await bed.move(name);
        seen.heldMs.push(performance.now() - began);
        expect({ name, contents: await contentsOf(scene.bed.target) }).toEqual({ name, contents: places.get(name) });
        seen.moves++;
        // Now and then from one to the next, without going forward between them.
        if (at % 3 === 2) continue;
        await bed.move(null);
        if (at % 10 === 0) await scene.bed.barrier();
      }
      await bed.move(null);
      const committed = await scene.calm();
      expect(isEqual(await scene.verify())).toBe(true);
      seen.heldMs.sort((a, b) => a - b);
      const p50 = Math.round(seen.heldMs[Math.floor(seen.heldMs.length / 2)] ?? 0);
      console.log(`${String(committed)} transactions meanwhile; ${JSON.stringify({ ...seen, heldMs: undefined, rewindP50Ms: p50 })}`);
      expect(seen.held).toBeGreaterThan(count);
      expect(seen.refused).toBeGreaterThan(0);
    }, 1_200_000);

    it.each(['load', 'transform'] as const)(
      'takes it there while %s is away, or behind',
      async (role) => {
        const { scene } = bed;
        const { contents } = await bed.create(`before-${role}`);
        await scene.bed.source.query(`UPDATE company SET name = 'while ${role} is away'`);
        await scene.bed.barrier();
        expect(await scene.bed.process(role).stop()).toEqual({ code: 0, signal: null });
        await scene.bed.source.query(`UPDATE person SET note = 'while ${role} is away'`);
        await bed.move(`before-${role}`);
        expect(await contentsOf(scene.bed.target)).toEqual(contents);
        await scene.bed.start(role);
        expect(await contentsOf(scene.bed.target)).toEqual(contents);
        await bed.move(null);
        await scene.bed.barrier();
        expect(isEqual(await scene.verify())).toBe(true);
      },
      120_000,
    );

    it('makes none where the target does not hold what was written', async () => {
      const { scene } = bed;
      await scene.bed.target.query(`UPDATE app.company SET name = name || '!' WHERE id = (SELECT min(id) FROM app.company)`);
      await expect(bed.create('damaged')).rejects.toMatchObject({
        code: 'NOT_EQUAL',
        message: expect.stringContaining('app.company') as string,
      });
      await scene.bed.target.query(`UPDATE app.company SET name = rtrim(name, '!') WHERE id = (SELECT min(id) FROM app.company)`);
      await bed.create('repaired');
    }, 60_000);

    it('are of one log: one that was written down elsewhere is not gone to', async () => {
      const { checkpoint } = await bed.create('ours');
      const { place } = checkpoint;
      const foreign = (writes: Partial<typeof place.writes>, name: string) =>
        bed.checkpoints.add({ ...checkpoint, name, place: { ...place, writes: { ...place.writes, ...writes } } });
      await foreign({ logId: 'another' }, 'of another log');
      await foreign({ seq: place.writes.seq - 1 }, 'of another record');
      await foreign({ checksum: 'abc' }, 'of another checksum');
      for (const name of ['of another log', 'of another record', 'of another checksum']) {
        await expect(bed.move(name)).rejects.toMatchObject({ code: 'CHECKPOINT_DAMAGED' });
        await bed.checkpoints.delete(name);
      }
    }, 60_000);

    if (whole) {
      it('are made, listed, shown, gone to and deleted by commands', async () => {
        const { scene } = bed;
        const run = async (...words: readonly string[]): Promise<string> => {
          const { code, said } = await scene.run(words);
          expect({ words, code, said: code === 0 ? '' : said }).toEqual({ words, code: 0, said: '' });
          return said;
        };
        // Of every table the log has told something by then, whichever tests have run before.
        await scene.bed.source.query(`INSERT INTO visit VALUES ('2024-03-03', 'by hand')`);
        const correction = { what: 'correct', table: 'public.company', key: '1', column: 'kind', from: 'big', to: 'small', why: null };
        await scene.bed.request('correct', { decisions: [correction] });
        await scene.bed.barrier();
        expect(await run('checkpoint', 'create', 'by-hand')).toContain('checkpoint by-hand');
        expect(await run('checkpoint', 'list')).toContain('by-hand');
        const { name, digests } = JSON.parse(await run('checkpoint', 'show', 'by-hand', '--json')) as { name: string; digests: object };
        expect([name, Object.keys(digests).sort()]).toEqual([
          'by-hand',
          ['app.company', 'app.person', 'changeover.allocated', 'changeover.correction', 'changeover.held', 'public.tag', 'public.visit'],
        ]);
        await scene.bed.source.query(`UPDATE company SET name = 'behind the checkpoint'`);
        await scene.bed.barrier();
        expect(await run('rewind', '--to', 'by-hand', '--dry-run')).toContain('would be at by-hand');
        expect(await run('rewind', '--to', 'by-hand')).toContain('is at by-hand');
        expect(await run('checkpoint', 'list')).toContain('the target is here');
        expect(await run('status')).toContain('taken back to checkpoint by-hand');
        expect((await scene.run(['verify', '--timeout', '1'])).said).toContain('TARGET_PARKED');
        expect((await scene.run(['checkpoint', 'create'])).said).toContain('TARGET_PARKED');
        expect((await scene.run(['checkpoint', 'delete', 'by-hand'])).said).toContain('TARGET_PARKED');
        expect(await run('forward')).toContain('load goes on');
        expect(await run('checkpoint', 'delete', 'by-hand')).toContain('deleted');
        for (let made = 0; made < 3; made++) await run('checkpoint', 'create', '--keep', '2');
        expect((await run('checkpoint', 'list')).match(/^at-/gm)).toHaveLength(2);
        const unknown = await scene.run(['rewind', '--to', 'by-hand']);
        expect([unknown.code, unknown.said]).toEqual([1, expect.stringContaining('CHECKPOINT_UNKNOWN')]);
      }, 120_000);

      it('are made by load itself where the settings say so, but not while it is parked', async () => {
        const { scene } = bed;
        const byTime = async (): Promise<readonly string[]> => {
          const listed = await bed.checkpoints.list();
          return listed.flatMap((one) => ('damaged' in one || !one.name.startsWith('at-') ? [] : [one.name]));
        };
        const until = async (isSo: (names: readonly string[]) => boolean): Promise<readonly string[]> => {
          for (;;) {
            const names = await byTime();
            if (isSo(names)) return names;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        };
        for (const name of await byTime()) await bed.checkpoints.delete(name);
        const { target } = (await scene.bed.settings()) as { readonly target: Readonly<Record<string, unknown>> };
        expect(await scene.bed.process('load').stop()).toEqual({ code: 0, signal: null });
        await scene.bed.changeSettings({ target: { ...target, checkpoints: { every: '1s', keep: 2 } } });
        await scene.bed.start('load');
        const [first] = await until((names) => names.length === 2);
        const made = await until((names) => names.length === 2 && !names.includes(first as string));
        const { contents } = await bed.create('among-them');
        await scene.bed.source.query(`UPDATE company SET name = 'behind those of the clock'`);
        await scene.bed.barrier();
        await bed.move('among-them');
        expect(await contentsOf(scene.bed.target)).toEqual(contents);
        // One may have been under way.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const parked = await byTime();
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        expect(await byTime()).toEqual(parked);
        await bed.move(null);
        await until((names) => !made.some((name) => names.includes(name)) && !parked.some((name) => names.includes(name)));
        expect(await scene.bed.process('load').stop()).toEqual({ code: 0, signal: null });
        await scene.bed.changeSettings({ target });
        await scene.bed.start('load');
      }, 120_000);
    }

    const POINTS: Readonly<Record<string, (name: string) => readonly string[]>> = {
      move: (name) => ['rewind', '--to', name],
      checkpoint: (name) => ['checkpoint', 'create', `${name}-again`],
    };
    for (const point of CRASH_POINTS) {
      const words = POINTS[point.slice(0, point.indexOf('.'))];
      if (words === undefined || !(kills === 'all' || kills.includes(point))) continue;
      it(`killed at ${point} it is here or there, and goes on`, async () => {
        await diesAt(point, words);
      }, 120_000);
      if (point.startsWith('move.'))
        it(`killed at ${point} on its way forward it is here or there, and goes on`, async () => {
          await diesForward(point);
        }, 120_000);
    }

    /** Whoever died may have sent a COMMIT that is still at work. */
    async function settled(point: CrashPointName, isDone: () => Promise<boolean>): Promise<boolean> {
      for (let look = 0; look < 20 && point === 'move.in-commit' && !(await isDone()); look++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      return isDone();
    }

    const isParked = async (): Promise<boolean> => (await bed.checkpoints.whereabouts())?.parked !== null;

    async function diesForward(point: CrashPointName): Promise<void> {
      const { scene } = bed;
      const { contents: before } = await bed.create(`forward-${point}`);
      await scene.bed.source.query(`UPDATE company SET name = 'forward ${point}'; UPDATE person SET amount = '98' WHERE id % 2 = 0`);
      await scene.bed.barrier();
      const after = await contentsOf(scene.bed.target);
      await bed.move(`forward-${point}`);
      expect(await contentsOf(scene.bed.target)).toEqual(before);
      const killed = await scene.run(['forward'], point);
      expect({ ...killed, said: '' }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
      const isForward = await settled(point, async () => !(await isParked()));
      expect(isForward).toBe(point === 'move.in-commit' ? isForward : point === 'move.after-commit');
      // Nobody writes at the source, so load brings nothing behind it.
      expect(await contentsOf(scene.bed.target)).toEqual(isForward ? after : before);
      if (!isForward)
        expect(await scene.run(['forward'])).toMatchObject({ code: 0, said: expect.stringContaining('load goes on') as string });
      expect(await contentsOf(scene.bed.target)).toEqual(after);
      await scene.bed.barrier();
      expect(isEqual(await scene.verify())).toBe(true);
    }

    async function diesAt(point: CrashPointName, words: (name: string) => readonly string[]): Promise<void> {
      const { scene } = bed;
      const { contents: before } = await bed.create(point);
      await scene.bed.source.query(
        `UPDATE company SET name = 'after ${point}'; UPDATE person SET amount = '99' WHERE id % 3 = 0; DELETE FROM tag WHERE label = 'a'`,
      );
      await scene.bed.barrier();
      const after = await contentsOf(scene.bed.target);
      expect(after).not.toEqual(before);
      const killed = await scene.run(words(point), point);
      expect({ ...killed, said: '' }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
      const isBack = await settled(point, isParked);
      expect(await contentsOf(scene.bed.target)).toEqual(isBack ? before : after);
      if (point.startsWith('move.')) {
        const next = await scene.run(words(point));
        expect({ ...next, said: '' }).toEqual({ code: 0, signal: null, said: '' });
        expect(await contentsOf(scene.bed.target)).toEqual(before);
        await bed.move(null);
      }
      await scene.bed.barrier();
      expect(isEqual(await scene.verify())).toBe(true);
    }
  });
}
