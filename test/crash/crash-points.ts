import { CRASH_POINTS, type CrashPointName } from '@changeover/core';
import type { LogType } from '@changeover/example-crm';

import { CrashScene } from './crash-scene.js';
import type { Ledger } from './ledger.js';
import type { MigrationBed } from './migration-bed.js';
import { applyFaults, differences, journalFaults, readJournal } from './oracles.js';
import type { Role } from './role-process.js';

type Arrangement = {
  readonly role: Role;
  /** Dies when it gets there for this time. */
  readonly pass?: number;
  /** Before the process starts. */
  readonly prepare?: (bed: MigrationBed) => Promise<void>;
  /** Makes the process get there; where it may come to nothing, again and again. */
  readonly provoke?: (ledger: Ledger) => Promise<unknown>;
  readonly again?: boolean;
};

const loseState = (bed: MigrationBed): Promise<void> => bed.loseState();
const large = (ledger: Ledger): Promise<void> => ledger.large();

/** How each point is reached. A name that is missing here does not compile. */
const ARRANGEMENTS: Readonly<Record<CrashPointName, readonly Arrangement[]>> = {
  'capture.after-hold': [{ role: 'capture' }],
  'log.after-fence': [{ role: 'capture' }, { role: 'transform' }],
  'capture.between-parts': [{ role: 'capture', provoke: large }],
  'capture.after-append': [{ role: 'capture', pass: 5 }],
  'capture.after-progress': [{ role: 'capture' }],
  // Died at in `copies.ts`, where capture is alone: the others make nothing of copied rows yet.
  'capture.chunk-read': [],
  'capture.after-chunk': [],
  // Derived again from the log, of which `writes` holds everything already.
  'transform.in-derive-all': [{ role: 'transform', prepare: loseState }],
  // Died at in `test/plan`: another mapping comes into force there.
  'transform.in-activation': [],
  'transform.in-state-commit': [
    { role: 'transform', pass: 2 },
    { role: 'transform', prepare: loseState },
  ],
  'transform.after-append': [{ role: 'transform', pass: 5 }],
  'transform.between-parts': [{ role: 'transform', provoke: large }],
  'load.before-commit': [{ role: 'load', pass: 3 }],
  'load.in-commit': [{ role: 'load', pass: 3 }],
  'load.after-commit': [{ role: 'load', pass: 3 }],
  // No COPY in a batch in which the traffic also moves a unique value.
  'load.in-copy': [{ role: 'load', provoke: (ledger) => ledger.bulk(), again: true }],
  'load.in-bisection': [{ role: 'load', provoke: (ledger) => ledger.refused() }],
  'load.in-staging': [{ role: 'load', provoke: large }],
  // Died at in `test/verify`: a command, not a role.
  'verify.holding': [],
  'verify.taken': [],
  'verify.placed': [],
  'verify.read': [],
  'verify.derived': [],
  'verify.compared': [],
  // Died at in `test/checkpoint`.
  'checkpoint.marked': [],
  'checkpoint.summed': [],
  'move.in-rows': [],
  'move.before-commit': [],
  'move.in-commit': [],
  'move.after-commit': [],
  'rebuild.making': [],
  'rebuild.made': [],
  'rebuild.caught-up': [],
  'rebuild.holding': [],
  'rebuild.compared': [],
  'rebuild.in-swap': [],
  'rebuild.swapped': [],
  'rebuild.in-drop': [],
  'rebuild.dropped': [],
  'verify.repairing': [],
  'verify.repaired': [],
};

/** Here, and so as not to take minutes only here, the restart is an ordinary one. */
const WAITS_OUT_THE_LEASE: CrashPointName = 'capture.after-hold';

/** Every crash point, on one migration under small steady traffic, each followed by a restart and a comparison. */
export function crashPointTests(log: LogType): void {
  describe(`a kill -9 at each crash point, on the ${log} log`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    let scene: CrashScene;
    let bed: MigrationBed;
    let ledger: Ledger;

    beforeAll(async () => {
      scene = await CrashScene.open(log, { id: 'crash', seed });
      ({ bed, ledger } = scene);
    }, 120_000);

    // Not there if it could not be opened; then that is the error to be told.
    afterAll(async () => (scene as CrashScene | undefined)?.[Symbol.asyncDispose](), 60_000);

    for (const point of CRASH_POINTS) {
      for (const { role, pass = 1, prepare, provoke, again = false } of ARRANGEMENTS[point]) {
        it(`${role} at ${point}${prepare === undefined ? '' : ', its state lost'}`, async () => {
          await bed.process(role).kill();
          await prepare?.(bed);
          // By take-over, as the lease of the one that was killed is still fresh for seconds.
          const doomed = await bed.start(role, { crashAt: `${point}:${String(pass)}` as `${CrashPointName}:${number}`, takeOver: true });
          await provoke?.(ledger);
          for (let turn = 0; again && doomed.exit === undefined && turn < 20; turn++) {
            await Promise.race([doomed.exited, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
            await provoke?.(ledger);
          }
          // The fault has fired, there and nowhere else, or this test has shown nothing.
          expect(await bed.ended(doomed)).toEqual({ code: null, signal: 'SIGKILL' });
          await bed.start(role, { takeOver: point !== WAITS_OUT_THE_LEASE });
          await bed.barrier();
        }, 90_000);
      }
    }

    it('leaves nothing lost and nothing twice', async () => {
      await scene.expectNothingLostNorDoubled();
      expect(scene.watch.samples).toBeGreaterThan(10);
      expect(ledger.committed.size).toBeGreaterThan(100);
      expect(ledger.rolledBack.size).toBeGreaterThan(5);
    }, 90_000);

    it('the oracles see what is wrong', async () => {
      const journal = await readJournal(bed);
      const tx = [...ledger.committed].at(-1) as number;
      const lost = new Map(journal);
      lost.delete(tx);
      expect(journalFaults(lost, ledger)).toHaveLength(1);
      expect(journalFaults(new Map(journal).set(tx, [1, 2]), ledger)).toHaveLength(1);
      expect(journalFaults(new Map(journal).set(-5, [1]), ledger)).toHaveLength(1);
      // A row written behind the loader's back, one changed, one gone.
      await bed.target.query('INSERT INTO journal VALUES (-1, 0)');
      await bed.target.query('UPDATE accounts SET balance = balance + 1 WHERE id = 1');
      await bed.target.query('DELETE FROM journal WHERE id = $1', [tx]);
      expect(await differences(bed)).toHaveLength(3);
      expect(await applyFaults(bed, journal)).toHaveLength(3);
      // An old row applied again, with a progress that went back.
      await bed.target.query('BEGIN; UPDATE changeover.progress SET writes_seq = 2, changes_seq = 2; UPDATE accounts SET tx = tx; COMMIT');
      const faults = await applyFaults(bed, journal);
      expect(faults.filter((fault) => fault.startsWith('progress went'))).toHaveLength(1);
      expect(faults.filter((fault) => fault.startsWith('accounts')).length).toBeGreaterThan(3);
    }, 60_000);
  });
}
