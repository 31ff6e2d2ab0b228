import { connectTo, type LogType } from '@changeover/example-crm';

import { CrashScene } from './crash-scene.js';
import type { Ledger } from './ledger.js';
import type { MigrationBed } from './migration-bed.js';
import type { Role, RoleProcess } from './role-process.js';

/** From the SIGSTOP until the other has written. */
const TAKEN_OVER_MS = 10_000;
const STOPPED_MS = 15_000;
/** What a woken one may find out first: that the role is another's, or that its session was ended. */
const WOKEN_CODES = ['FENCED', 'ALREADY_RUNNING'];

/** Each of the three is stopped in the middle of its work, replaced, and woken. */
export function pausedTests(log: LogType): void {
  describe(`a process paused inside a transaction, on the ${log} log`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    let scene: CrashScene;
    let bed: MigrationBed;
    let ledger: Ledger;

    beforeAll(async () => {
      scene = await CrashScene.open(log, { id: 'paused', seed });
      ({ bed, ledger } = scene);
    }, 120_000);

    // Not there if it could not be opened; then that is the error to be told.
    afterAll(async () => (scene as CrashScene | undefined)?.[Symbol.asyncDispose](), 60_000);

    /** The other takes over in time; the woken one stops by itself and says why. */
    async function replaceAndWake(sleeper: RoleProcess): Promise<void> {
      const before = await reached(bed, sleeper.role);
      await bed.start(sleeper.role, { takeOver: true });
      await bed.until(async () => (await reached(bed, sleeper.role)) > before, `${sleeper.role} to be taken over`, TAKEN_OVER_MS);
      await bed.barrier();
      expect(sleeper.exit).toBeUndefined();
      sleeper.resume();
      expect(await bed.ended(sleeper, STOPPED_MS)).toEqual({ code: 1, signal: null });
      expect(WOKEN_CODES).toContain(sleeper.code);
      await bed.barrier();
    }

    it('load, holding locks inside its target transaction', async () => {
      const sleeper = bed.process('load');
      await pausedHoldingLocks(bed, sleeper, () => ledger.large());
      await replaceAndWake(sleeper);
    }, 90_000);

    it('capture, in the middle of the parts of a large transaction', async () => {
      const sleeper = bed.process('capture');
      await pausedInsideRecord(bed, bed.changes, sleeper, () => ledger.large(12));
      await replaceAndWake(sleeper);
    }, 90_000);

    it('transform, in the middle of the parts of a large record', async () => {
      const sleeper = bed.process('transform');
      await pausedInsideRecord(bed, bed.writes, sleeper, () => ledger.large(12));
      await replaceAndWake(sleeper);
    }, 90_000);

    it('leaves nothing lost and nothing twice', async () => {
      await scene.expectNothingLostNorDoubled();
    }, 60_000);
  });
}

/** The epoch of the last record of the role's stream, which only another writer raises; for load, how far the target is, which stands while load does. */
async function reached(bed: MigrationBed, role: Role): Promise<number> {
  if (role !== 'load') return (await bed.log.head(role === 'capture' ? bed.changes : bed.writes)).epoch;
  const { rows } = await bed.target.query<{ writes_seq: string }>('SELECT writes_seq FROM changeover.progress');
  return Number(rows[0]?.writes_seq);
}

async function waitsInTransaction(bed: MigrationBed): Promise<boolean> {
  const { rowCount } = await bed.target.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`,
  );
  return (rowCount ?? 0) > 0;
}

/** Between two statements or inside a COPY: either way it is the client's turn. */
/**
 * Load waits for our lock inside its transaction, with what it has locked itself, while more and more waits before it. Then it is paused and the lock
 * let go: its session goes on until it waits for its client, between two statements or in the middle of a COPY. If its statement was refused (a batch that needs the careful way),
 * the session holds nothing, and we try again.
 */
async function pausedHoldingLocks(bed: MigrationBed, load: RoleProcess, work: () => Promise<void>): Promise<void> {
  for (;;) {
    {
      await using blocker = await connectTo(bed.migration.targetUrl);
      await blocker.query('BEGIN; LOCK TABLE contacts IN SHARE MODE');
      await work();
      await bed.until(() => waitsInTransaction(bed), 'load inside its transaction');
      await load.pause();
    }
    let state: 'moving' | 'holding' | 'refused' = 'moving';
    await bed.until(async () => (state = await pausedState(bed)) !== 'moving', 'the session of a paused load to stand');
    if ((state as string) === 'holding') return;
    load.resume();
  }
}

async function pausedState(bed: MigrationBed): Promise<'moving' | 'holding' | 'refused'> {
  const { rows } = await bed.target.query<{ state: string; holds: boolean }>(
    `SELECT state, EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'contacts'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted) AS holds
       FROM pg_stat_activity a WHERE datname = current_database() AND wait_event_type = 'Client'`,
  );
  if (rows.some(({ holds }) => holds)) return 'holding';
  return rows.some(({ state }) => state === 'idle in transaction (aborted)') ? 'refused' : 'moving';
}

/** Pauses the writer of a stream when the stream ends inside a record, which the log itself says. */
async function pausedInsideRecord(bed: MigrationBed, stream: string, writer: RoleProcess, work: () => Promise<void>): Promise<void> {
  const { seq, ...from } = await bed.log.head(stream);
  const abort = new AbortController();
  // As often as it takes: where the machine is busy we may see each record only when it is whole.
  const working = (async () => {
    while (!abort.signal.aborted) await work();
  })();
  for await (const batch of bed.log.read(stream, { seq, ...from }, abort.signal)) {
    const inside = batch.some((item) => item.type === 'entry' && item.entry.header.kind === 'transaction' && !item.entry.header.last);
    if (!inside) continue;
    await writer.pause();
    // It may have ended the record while we stopped it; then the next one.
    if (!(await endsInsideRecord(bed, stream))) {
      writer.resume();
      continue;
    }
    break;
  }
  abort.abort();
  await working;
}

/** Whether behind the last whole record there is a part of another. */
async function endsInsideRecord(bed: MigrationBed, stream: string): Promise<boolean> {
  const head = await bed.log.head(stream);
  const waiting = new AbortController();
  // What is stored already comes at once; more will not come from a writer that stands.
  const timer = setTimeout(() => waiting.abort(), 300);
  let inside = false;
  for await (const batch of bed.log.read(stream, head, waiting.signal)) {
    const last = batch.at(-1);
    inside = last?.type === 'entry' && !last.entry.header.last;
  }
  clearTimeout(timer);
  return inside;
}
