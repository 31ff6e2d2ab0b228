import type { Clock } from '@changeover/core';

import { compareCrms, type Comparison } from '../compare.js';
import { LagProbe, type LagSummary } from '../lag-probe.js';
import { createLegacySchema } from '../legacy-schema.js';
import { createModernSchema } from '../modern-schema.js';
import { sabotage, type Damage } from '../sabotage.js';
import { EXAMPLE_MAPPING } from '../stage/example-mapping.js';
import { waitForBarrier } from '../stage/changeover-command.js';
import { connectTo, publicAddress } from '../stage/connect.js';
import { ServiceProcess } from '../stage/service-process.js';
import { Stage, type StagedMigration } from '../stage/stage.js';
import { untilFollowed } from '../stage/until-followed.js';
import type { JournalSummary } from '../traffic/journal.js';
import { Traffic } from '../traffic/traffic.js';
import type { DemoOptions } from './demo-options.js';
import { duration, whole, type Narrator } from './narrator.js';
import { tellComparison, tellTraffic, tellVerdict } from './tell.js';

export type DemoResult = {
  readonly options: DemoOptions;
  readonly traffic: JournalSummary;
  readonly rowsPerSecond: number;
  /** Commit at the old CRM → visible in the new one, measured from outside. */
  readonly lag: LagSummary;
  /** From the last user's last commit until the barrier behind it was in the new CRM. */
  readonly drainMs: number;
  readonly damage: Damage | undefined;
  readonly comparison: Comparison;
  readonly verdict: Verdict;
};

/**
 * `equal`; `different` (damaged on purpose or not); `unshown`: equal, but the users left out something they should have
 * done; `blind`: damage was done and the comparison did not find exactly it.
 */
type Verdict = 'equal' | 'different' | 'unshown' | 'blind';

export type DemoContext = {
  readonly narrator: Narrator;
  readonly clock: Clock;
  /** Ctrl-C. The demo then closes all it opened and rejects with the signal's reason. */
  readonly signal: AbortSignal;
};

/** Mean pause of a user: twenty of them commit some hundred transactions a second. */
const PAUSE_MS = 25;
const PROBE_PAUSE_MS = 50;
/** Markers of about the last ten seconds. */
const RECENT_MARKERS = 150;

const BARRIER_MS = 120_000;

export async function runDemo(options: DemoOptions, context: DemoContext): Promise<DemoResult> {
  const { narrator, clock, signal } = context;
  narrator.title(`A company moves to a new CRM while ${String(options.users)} people keep working in the old one.`);
  narrator.say();
  await using stage = await Stage.open({ broker: options.log === 'kafka' ? 'any' : 'none' });
  signal.throwIfAborted();
  const migration = await stage.addMigration({ id: 'demo', log: options.log, mapping: EXAMPLE_MAPPING });
  await createSchemas(migration);
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
  tellStage(narrator, stage, migration);

  const result = await play(migration, options, { ...context, guarded });
  tellVerdict(narrator, result);
  if (options.keep) {
    narrator.say();
    narrator.say(`Still running: old CRM ${migration.sourceUrl}`);
    narrator.say(`               new CRM ${migration.targetUrl}`);
    narrator.say(`               settings ${migration.settingsFile}, log ${stage.logFile('changeover')}`);
    narrator.say('Ctrl-C ends everything.');
    await guarded(new Promise<never>(() => undefined)).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  return result;
}

type Guarded = <T>(work: Promise<T>) => Promise<T>;

async function play(
  migration: StagedMigration,
  options: DemoOptions,
  context: DemoContext & { readonly guarded: Guarded },
): Promise<DemoResult> {
  const { narrator, clock, signal, guarded } = context;
  narrator.say(`${String(options.users)} users work in the old CRM for ${String(options.seconds)} s (--seed ${String(options.seed)}).`);
  narrator.say('The new CRM hears of it only through the event log.');
  narrator.say();
  const traffic = await Traffic.start({ url: migration.sourceUrl, seed: options.seed, users: options.users, pauseMs: PAUSE_MS, clock });
  await using probe = await LagProbe.open({
    source: migration.sourceUrl,
    target: migration.targetUrl,
    clock,
    pauseMs: PROBE_PAUSE_MS,
    sender: 'demo',
  });
  probe.run();
  const begun = clock.monotonic();
  let journal: JournalSummary;
  try {
    await guarded(tellLive(options.seconds, traffic, probe, { narrator, clock, signal }));
  } finally {
    journal = await traffic.stop();
  }
  const worked = (clock.monotonic() - begun) / 1_000;
  const lag = await probe.stop();
  tellTraffic(narrator, journal, lag);

  narrator.say('Waiting until the last commit is in the new CRM (changeover barrier --wait) …');
  const stopped = clock.monotonic();
  await guarded(waitForBarrier({ settingsFile: migration.settingsFile, clock, signal, timeoutMs: BARRIER_MS }));
  const drainMs = clock.monotonic() - stopped;
  narrator.say(`… it is, ${duration(drainMs)} later.`);
  narrator.say();

  await using legacy = await connectTo(migration.sourceUrl);
  await using modern = await connectTo(migration.targetUrl);
  const damage = options.sabotage === undefined ? undefined : await sabotage(modern, options.sabotage);
  if (damage !== undefined) {
    const what = damage.column === undefined ? damage.kind : `column ${damage.column} of the row`;
    narrator.bad(`Sabotage (seed ${String(options.sabotage)}), behind everybody's back: ${what} ${damage.key} in ${damage.table}.`);
    narrator.say();
  }
  narrator.say('Comparing every row and column of both databases, by plain SQL that shares no code with Changeover:');
  const comparison = await guarded(compareCrms(legacy, modern));
  tellComparison(narrator, comparison);
  const verdict = judge(comparison, journal, damage);
  return { options, traffic: journal, rowsPerSecond: journal.rows / worked, lag, drainMs, damage, comparison, verdict };
}

async function createSchemas(migration: StagedMigration): Promise<void> {
  await using legacy = await connectTo(migration.sourceUrl);
  await createLegacySchema(legacy);
  await using modern = await connectTo(migration.targetUrl);
  await createModernSchema(modern);
}

function tellStage(narrator: Narrator, stage: Stage, migration: StagedMigration): void {
  narrator.say(
    `  old CRM      PostgreSQL ${String(stage.source.major)} at ${publicAddress(migration.sourceUrl)}: nine tables, foreign keys, unique values`,
  );
  narrator.say(
    `  new CRM      PostgreSQL ${String(stage.target.major)} at ${publicAddress(migration.targetUrl)}: tables and columns renamed, all constraints on`,
  );
  narrator.say(
    stage.broker === undefined
      ? `  event log    embedded, PostgreSQL ${String(stage.own.major)}: every change is kept here`
      : `  event log    Kafka at ${stage.broker.brokers.join(', ')} (${stage.broker.origin}): every change is kept here`,
  );
  narrator.say('  Changeover   is up and follows the old CRM');
  narrator.say();
}

async function tellLive(seconds: number, traffic: Traffic, probe: LagProbe, context: DemoContext): Promise<void> {
  const { narrator, clock, signal } = context;
  let rows = traffic.rows;
  for (let second = 1; second <= seconds && !signal.aborted && !traffic.ended; second++) {
    await clock.sleep(1_000, signal);
    const recent = probe.summary(RECENT_MARKERS);
    narrator.live(
      `  ${String(second).padStart(3)} s   ${whole(traffic.rows).padStart(9)} rows written   ${whole(traffic.rows - rows).padStart(6)} rows/s   ` +
        `commit → visible: p50 ${duration(recent.p50)}, p99 ${duration(recent.p99)}`,
    );
    rows = traffic.rows;
  }
}

function judge(comparison: Comparison, journal: JournalSummary, damage: Damage | undefined): Verdict {
  if (damage !== undefined) return found(comparison, damage) ? 'different' : 'blind';
  if (!comparison.equal) return 'different';
  return journal.missing.length === 0 ? 'equal' : 'unshown';
}

/** Did the comparison find the damage, the whole damage and nothing but the damage? */
function found(comparison: Comparison, damage: Damage): boolean {
  const kind = { column: 'different', 'extra row': 'extra', 'missing row': 'missing' }[damage.kind];
  const differing = comparison.tables.filter((table) => table.missing + table.extra + table.different > 0);
  const [table] = differing;
  const [example] = table?.examples ?? [];
  return (
    differing.length === 1 &&
    table?.table === damage.table &&
    table.missing + table.extra + table.different === 1 &&
    example?.kind === kind &&
    example.key === damage.key &&
    example.columns.join() === (damage.column ?? '')
  );
}
