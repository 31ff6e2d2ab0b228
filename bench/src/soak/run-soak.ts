import { cp } from 'node:fs/promises';

import { asChangeoverError, ChangeoverError, type Clock } from '@changeover/core';
import {
  compareCrms,
  connectTo,
  createLegacySchema,
  createModernSchema,
  Deadline,
  EXAMPLE_MAPPING,
  LagProbe,
  Random,
  Stage,
  Traffic,
  untilFollowed,
  waitForBarrier,
  type Comparison,
  type JournalSummary,
  type LogType,
  type StagedMigration,
} from '@changeover/example-crm';

import { watchMemory } from '../watch-memory.js';
import { Crew, ROLES } from './crew.js';
import { faultsOf, type Fault, type FaultScene } from './faults.js';

export type SoakOptions = {
  /** At least this long; every kind of fault has its turn even if that takes longer. */
  readonly minutes: number;
  /** Chooses what users do and which fault comes when. */
  readonly seed: number;
  readonly log: LogType;
  /** Default 20. */
  readonly users?: number;
  /** Only faults whose names hold one of these. Default: all. */
  readonly faults?: readonly string[];
};

export type SoakContext = {
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Where the processes' logs go if the run fails. */
  readonly logsOnFailure?: string;
};

export type SoakReport = {
  readonly options: SoakOptions;
  readonly minutes: number;
  readonly fired: Readonly<Record<string, number>>;
  readonly traffic: JournalSummary;
  readonly comparison: Comparison;
  /** The most anonymous memory of each process, in bytes. */
  readonly peakBytes: Readonly<Record<string, number>>;
  /** Equal, and everything that had to happen happened. */
  readonly passed: boolean;
};

const PAUSE_MS = 25;
const MEMORY_SAMPLE_MS = 1_000;
/** The target stays away for up to a tenth of the run, at most ten minutes. */
const longestAwayMs = (minutes: number): number => Math.min(600_000, Math.max(3_000, minutes * 6_000));
/** After a fault everything must be there again within this time, and the time that the target was away. */
const RECOVERY_MS = 120_000;
const BARRIER_MS = 600_000;

/**
 * The example CRM's users work while processes are killed, paused, replaced and restarted and servers crash; in the end
 * both databases must be equal. Rejects as soon as a process ends without being told to or changes do not arrive any more.
 */
export async function runSoak(options: SoakOptions, context: SoakContext): Promise<SoakReport> {
  const faults = faultsOf(options.log).filter(({ name }) => options.faults?.some((part) => name.includes(part)) ?? true);
  if (faults.length === 0) throw new ChangeoverError('BAD_SETTINGS', `no fault is called ${options.faults?.join(' or ') ?? ''}`);
  await using stage = await Stage.open({ broker: options.log === 'kafka' ? 'own' : 'none' });
  try {
    const migration = await stage.addMigration({ id: 'soak', log: options.log, mapping: EXAMPLE_MAPPING });
    await using crew = new Crew(stage, migration, context.clock);
    return await soak(faults, options, { ...context, stage, migration, crew });
  } catch (error) {
    if (context.logsOnFailure !== undefined) {
      await cp(stage.directory, context.logsOnFailure, { recursive: true, filter: (path) => !path.endsWith('.json') });
    }
    throw error;
  }
}

type SoakScene = SoakContext & { readonly stage: Stage; readonly migration: StagedMigration; readonly crew: Crew };

async function soak(faults: readonly Fault[], options: SoakOptions, scene: SoakScene): Promise<SoakReport> {
  const { clock, say, migration, crew } = scene;
  // Whatever ends the run early also ends the faults, before what they act on is closed.
  const over = new AbortController();
  scene.signal.addEventListener('abort', () => over.abort());
  crew.failed.catch(() => over.abort());
  const interrupted = new Promise<never>((_, reject) => {
    scene.signal.addEventListener('abort', () => reject(scene.signal.reason as Error));
  });
  const guarded = <T>(work: Promise<T>): Promise<T> => Promise.race([work, crew.failed, interrupted]);
  const { signal } = over;

  await createSchemas(migration);
  for (const role of ROLES) await crew.start(role);
  await guarded(untilFollowed(migration.sourceUrl, clock, signal));
  const processes = (): (readonly [string, number])[] => Array.from(crew.members, ([role, { pid }]) => [role, pid]);
  await using memory = watchMemory({ processes, sampleMs: MEMORY_SAMPLE_MS, clock });
  const begun = clock.monotonic();
  const traffic = await Traffic.start({
    url: migration.sourceUrl,
    seed: options.seed,
    users: options.users ?? 20,
    pauseMs: PAUSE_MS,
    clock,
  });
  const striking = strikeAll(faults, options, { ...scene, signal, traffic, begun });
  let journal: JournalSummary;
  let fired: Readonly<Record<string, number>>;
  try {
    fired = await guarded(striking);
  } finally {
    over.abort();
    await striking.catch(() => undefined);
    journal = await traffic.stop();
  }
  say(
    `users stopped: ${String(journal.committed)} transactions, ${String(journal.rows)} rows, ${String(journal.ambiguous)} with an unknown end`,
  );
  await guarded(waitForBarrier({ settingsFile: migration.settingsFile, clock, signal: scene.signal, timeoutMs: BARRIER_MS }));
  say('the last commit has arrived; comparing');
  await using legacy = await connectTo(migration.sourceUrl);
  await using modern = await connectTo(migration.targetUrl);
  const comparison = await compareCrms(legacy, modern);
  const passed = comparison.equal && journal.missing.length === 0 && faults.every(({ name }) => (fired[name] ?? 0) > 0);
  return { options, minutes: (clock.monotonic() - begun) / 60_000, fired, traffic: journal, comparison, peakBytes: memory.peaks, passed };
}

/** Rounds in which each kind of fault has its turn, in random order, until the time is over. */
async function strikeAll(
  faults: readonly Fault[],
  options: SoakOptions,
  { traffic, begun, ...scene }: SoakScene & { readonly traffic: Traffic; readonly begun: number },
): Promise<Readonly<Record<string, number>>> {
  const { clock, say, signal, stage, crew, migration } = scene;
  const random = new Random(options.seed).fork(20_000);
  const fired: Record<string, number> = {};
  const away = longestAwayMs(options.minutes);
  const flow = new Flow(migration, clock, RECOVERY_MS + away);
  const faultScene: FaultScene = { stage, crew, random, clock, signal, longestAwayMs: away, untilFlowing: () => flow.untilFlowing(signal) };
  await flow.untilFlowing(signal);
  let round: Fault[] = [];
  const enough = (): boolean => faults.every(({ name }) => name in fired) && clock.monotonic() - begun >= options.minutes * 60_000;
  while (!enough() && !signal.aborted && !traffic.ended) {
    // Sometimes the next fault finds everything working, sometimes in the middle of recovering from the last one.
    if (random.oneIn(2)) await flow.untilFlowing(signal);
    await clock.sleep(random.integer(0, 1_500), signal);
    if (round.length === 0) round = random.shuffled(faults);
    const fault = round.pop() as Fault;
    const at = new Date(clock.now()).toISOString().slice(11, 23);
    try {
      const what = await fault.strike(faultScene);
      say(`${at}  ${fault.name.padEnd(24)} ${what}`);
    } catch (error) {
      throw new ChangeoverError('INTERNAL', `after "${fault.name}" at ${at}: ${asChangeoverError(error).message}`, { cause: error });
    }
    fired[fault.name] = (fired[fault.name] ?? 0) + 1;
  }
  await flow.untilFlowing(signal);
  return fired;
}

/** Asks from outside whether changes arrive. */
class Flow {
  readonly #migration: StagedMigration;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #lastId = 0;

  constructor(migration: StagedMigration, clock: Clock, deadlineMs: number) {
    this.#migration = migration;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  async untilFlowing(signal: AbortSignal): Promise<void> {
    using deadline = new Deadline(this.#deadlineMs, signal, this.#clock);
    await using probe = await LagProbe.open({
      source: this.#migration.sourceUrl,
      target: this.#migration.targetUrl,
      clock: this.#clock,
      sender: 'soak',
      lookEveryMs: 20,
      firstId: this.#lastId++,
    });
    const lag = await probe.measure(deadline.signal);
    if (lag === undefined && !signal.aborted) {
      throw new ChangeoverError('INTERNAL', `a committed row did not arrive within ${String(this.#deadlineMs)} ms`);
    }
  }
}

async function createSchemas(migration: StagedMigration): Promise<void> {
  await using legacy = await connectTo(migration.sourceUrl);
  await createLegacySchema(legacy);
  await using modern = await connectTo(migration.targetUrl);
  await createModernSchema(modern);
}
