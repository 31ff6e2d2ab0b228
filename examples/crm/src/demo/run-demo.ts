import type { Clock } from '@changeover/core';

import type { LagSummary } from '../lag-probe.js';
import { createLegacyIndexes, createLegacyTables } from '../move/legacy/tables.js';
import { fillLegacyTables } from '../move/legacy/fill.js';
import { createModernTables } from '../move/modern/tables.js';
import { createJudge, prove, type Proof } from '../move/proof/prove.js';
import { isExactly, type Damage } from '../move/sabotage/damage.js';
import { sabotage } from '../move/sabotage/sabotage.js';
import type { MoveKind } from '../move/traffic/kinds.js';
import { MoveTraffic } from '../move/traffic/move-traffic.js';
import { connectTo } from '../stage/connect.js';
import { MOVE_MAPPING } from '../stage/example-mapping.js';
import { ServiceProcess } from '../stage/service-process.js';
import { Stage, type StagedMigration } from '../stage/stage.js';
import { StatusWatch } from '../stage/status-watch.js';
import { untilFollowed } from '../stage/until-followed.js';
import { waitForBarrier } from '../stage/changeover-command.js';
import type { JournalSummary } from '../traffic/journal.js';
import type { DemoOptions } from './demo-options.js';
import { bringFirstRows, keepUp, type FirstRows, type Play } from './phases.js';
import { duration, type Narrator } from './narrator.js';
import { hasFound, verified, verifyLive, type DemoVerification } from './verification.js';
import { tellFilled, tellHeld, tellProof, tellStage, tellTraffic, tellVerdict } from './tell.js';

export type DemoResult = {
  readonly options: DemoOptions;
  readonly firstRows: FirstRows;
  readonly traffic: JournalSummary<MoveKind>;
  /** What the users wrote, once the new CRM had all rows. */
  readonly rowsPerSecond: number;
  /** Commit at the old CRM → visible in the new one, measured from outside. */
  readonly lag: LagSummary;
  /** From the last user's last commit until the barrier behind it was in the new CRM. */
  readonly drainMs: number;
  readonly damage: Damage | undefined;
  /** What `changeover verify` said: while the users worked; of a new CRM that was damaged on purpose, afterwards. */
  readonly verification: DemoVerification;
  readonly proof: Proof;
  readonly proofMs: number;
  readonly verdict: Verdict;
};

/**
 * `equal`; `different` (damaged on purpose or not); `unshown`: equal, but the users left out something they should have
 * done; `blind`: damage was done, and the proof did not find exactly it, or `changeover verify` did not find it.
 */
type Verdict = 'equal' | 'different' | 'unshown' | 'blind';

export type DemoContext = {
  readonly narrator: Narrator;
  readonly clock: Clock;
  /** Ctrl-C. The demo then closes all it opened and rejects with the signal's reason. */
  readonly signal: AbortSignal;
};

/** Mean pause of a user: twenty of them commit some hundred transactions a second. */
const PAUSE_MS = 80;
const BARRIER_MS = 120_000;
/** Half a million rows at once is more than a server expects between two checkpoints. */
const POSTGRES_SETTINGS = { max_wal_size: '4GB' };

export async function runDemo(options: DemoOptions, context: DemoContext): Promise<DemoResult> {
  const { narrator, clock, signal } = context;
  narrator.title(`A company moves to a new CRM while ${String(options.users)} people keep working in the old one.`);
  narrator.say();
  await using stage = await Stage.open({ broker: options.log === 'kafka' ? 'any' : 'none', postgresSettings: POSTGRES_SETTINGS });
  signal.throwIfAborted();
  const limits = options.threads === undefined ? {} : { derivationThreads: options.threads };
  const migration = await stage.addMigration({ id: 'demo', log: options.log, mapping: MOVE_MAPPING, limits });
  await prepare(migration, options, context);
  signal.throwIfAborted();
  await using up = await ServiceProcess.start({
    service: 'up',
    settingsFile: migration.settingsFile,
    logFile: stage.logFile('changeover'),
    clock,
  });
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  /** Whatever we wait for: the end of Changeover or Ctrl-C end the wait. */
  const guarded = <T>(work: Promise<T>): Promise<T> => Promise.race([work, up.failure(), interrupted]);

  await guarded(untilFollowed(migration.sourceUrl, clock, signal));
  tellStage(narrator, stage, { migration, seed: options.seed });
  const result = await move(migration, options, { ...context, guarded });
  tellVerdict(narrator, result);
  if (options.keep) {
    narrator.say();
    narrator.say(`Still running: old CRM ${migration.sourceUrl}`);
    narrator.say(`               new CRM ${migration.targetUrl}`);
    narrator.say(`               settings ${migration.settingsFile}, log ${stage.logFile('changeover')}`);
    narrator.say(`Look at it with: npx changeover status --config ${migration.settingsFile}`);
    narrator.say('Ctrl-C ends everything.');
    await guarded(new Promise<never>(() => undefined)).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  return result;
}

/** The old CRM with its rows, the new one empty. */
async function prepare(migration: StagedMigration, { rows, seed }: DemoOptions, { narrator, clock }: DemoContext): Promise<void> {
  await using legacy = await connectTo(migration.sourceUrl);
  const begun = clock.monotonic();
  await createLegacyTables(legacy);
  await fillLegacyTables(legacy, { seed, rows });
  await createLegacyIndexes(legacy);
  await createJudge(legacy);
  await using modern = await connectTo(migration.targetUrl);
  await createModernTables(modern);
  await tellFilled(narrator, legacy, clock.monotonic() - begun);
}

async function move(
  migration: StagedMigration,
  options: DemoOptions,
  context: Omit<Play, 'migration' | 'traffic' | 'watch'>,
): Promise<DemoResult> {
  const { narrator, clock, signal, guarded } = context;
  await using watch = StatusWatch.start(migration.settingsFile);
  const traffic = await MoveTraffic.start({ url: migration.sourceUrl, seed: options.seed, users: options.users, pauseMs: PAUSE_MS, clock });
  const play: Play = { ...context, migration, traffic, watch };
  let journal: JournalSummary<MoveKind> | undefined;
  let followed: Awaited<ReturnType<typeof keepUp>>;
  let firstRows: FirstRows;
  let live: DemoVerification | null = null;
  try {
    firstRows = await guarded(bringFirstRows(play));
    followed = await guarded(keepUp(play, options.seconds));
    if (options.sabotage === undefined && firstRows.caughtUpMs !== null) live = await guarded(verifyLive(play));
  } finally {
    journal = await traffic.stop();
  }
  tellTraffic(narrator, journal, followed.lag);

  narrator.say('Waiting until the last commit is in the new CRM (changeover barrier --wait) …');
  const stopped = clock.monotonic();
  await guarded(waitForBarrier({ settingsFile: migration.settingsFile, clock, signal, timeoutMs: BARRIER_MS }));
  const drainMs = clock.monotonic() - stopped;
  narrator.say(`… it is, ${duration(drainMs)} later.`);
  narrator.say();

  await using legacy = await connectTo(migration.sourceUrl);
  await using modern = await connectTo(migration.targetUrl);
  await tellHeld(narrator, modern);
  const damage = options.sabotage === undefined ? undefined : await damaged(modern, options.sabotage, narrator);
  const verification = live ?? (await guarded(verified(play, false)));
  narrator.say('What must be there, and what must be held back and why, by SQL that shares no code with Changeover:');
  const judged = clock.monotonic();
  const proof = await guarded(prove(legacy, modern));
  const proofMs = clock.monotonic() - judged;
  tellProof(narrator, proof, proofMs);
  const verdict = judge({ proof, verification, journal, damage });
  return { options, firstRows, traffic: journal, ...followed, drainMs, damage, verification, proof, proofMs, verdict };
}

async function damaged(modern: Parameters<typeof sabotage>[0], seed: number, narrator: Narrator): Promise<Damage> {
  const damage = await sabotage(modern, seed);
  const where = damage.differences.map(({ table, key, columns }) => `${[...columns, key].join(' of ')} in ${table}`);
  narrator.bad(`Sabotage (seed ${String(seed)}), behind everybody's back: ${damage.kind}: ${where.join(', ')}.`);
  narrator.say();
  return damage;
}

function judge({
  proof,
  verification,
  journal,
  damage,
}: Pick<DemoResult, 'proof' | 'verification' | 'damage'> & { readonly journal: JournalSummary<MoveKind> }): Verdict {
  if (damage !== undefined) return isExactly(proof, damage) && hasFound(verification, damage) ? 'different' : 'blind';
  if (!proof.equal || !verification.equal) return 'different';
  return journal.missing.length === 0 ? 'equal' : 'unshown';
}
