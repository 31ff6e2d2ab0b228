import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '@changeover/core';
import { connectTo, Deadline, Stage } from '@changeover/example-crm';

import { describeMachine, type MachineFacts } from '../machine.js';
import { POSTGRES_SETTINGS, type BenchContext } from '../run-bench.js';
import { cpuByStep, cpuPerRow, type StepCpu } from '../step-cpu.js';
import { watchMemory } from '../watch-memory.js';
import { untilArrived } from './arrival.js';
import { changeoverCopy } from './changeover-copy.js';
import type { CopyRoute, CopyRouteName, LeftBehind, PreparedCopy } from './copy-route.js';
import type { CopyScene } from './copy-scene.js';
import type { FirstCopyOptions, MappingKind } from './first-copy-options.js';
import { generateTable } from './generated-table.js';
import { givenTable } from './given-table.js';
import { nativeCopy } from './native-copy.js';
import { plainCopy } from './plain-copy.js';

/** What one turn of one route gave. */
export type CopyTurn = LeftBehind & {
  readonly rowsPerSecond: number;
  readonly seconds: number;
  /** Until some of the rows could be seen at the target. */
  readonly firstAfterSeconds: number;
  /** Microseconds of CPU a row, by step; null where the step is not a process of this machine. */
  readonly cpuPerRow: StepCpu;
  /** The most anonymous memory of each of our processes, in bytes. */
  readonly peakBytes: Readonly<Record<string, number>>;
};

export type FirstCopyResult = {
  readonly command: string;
  readonly startedAt: string;
  readonly machine: MachineFacts;
  readonly rows: number;
  readonly tableBytes: number;
  readonly mapping: MappingKind;
  readonly postgresSettings: Readonly<Record<string, string>>;
  readonly routes: Readonly<Partial<Record<CopyRouteName, readonly CopyTurn[]>>>;
};

const MEMORY_SAMPLE_MS = 100;
/** Slower than any machine that somebody would wait for. */
const SLOWEST_ROWS_PER_SECOND = 300;
const START_MS = 120_000;

export async function runFirstCopy(options: FirstCopyOptions, { clock, command, say, signal }: BenchContext): Promise<FirstCopyResult> {
  const startedAt = new Date(clock.now()).toISOString();
  const brokerData = options.logs.includes('kafka') ? await mkdtemp(join(tmpdir(), 'changeover-bench-kafka-')) : undefined;
  try {
    await using stage = await Stage.open({
      broker: brokerData === undefined ? 'none' : 'own',
      postgresSettings: POSTGRES_SETTINGS,
      ...(brokerData === undefined ? {} : { brokerData }),
    });
    say(options.given === undefined ? `generating ${String(options.rows)} contacts` : `looking at ${options.given.table}`);
    const scene = options.given === undefined ? await generateTable(stage, options) : await givenTable(options.given);
    const routes = [
      plainCopy(stage, scene),
      nativeCopy(stage, scene),
      ...options.logs.map((log) => changeoverCopy({ stage, scene, log, clock, brokerData, profile: options.profile })),
    ];
    const turns: Partial<Record<CopyRouteName, CopyTurn[]>> = {};
    for (let turn = 1; turn <= options.runs; turn++) {
      for (const route of routes) {
        signal.throwIfAborted();
        say(`turn ${String(turn)} of ${String(options.runs)}: ${route.name}`);
        (turns[route.name] ??= []).push(await copyOnce(route, turn, { stage, scene, clock, signal }));
      }
    }
    return {
      command,
      startedAt,
      machine: await describeMachine(stage.source.url, stage.broker === undefined ? null : stage.broker.origin),
      rows: scene.rows,
      tableBytes: scene.tableBytes,
      mapping: options.mapping,
      postgresSettings: POSTGRES_SETTINGS,
      routes: turns,
    };
  } finally {
    if (brokerData !== undefined) await rm(brokerData, { recursive: true, force: true });
  }
}

type Around = { readonly stage: Stage; readonly scene: CopyScene; readonly clock: Clock; readonly signal: AbortSignal };

async function copyOnce(route: CopyRoute, turn: number, around: Around): Promise<CopyTurn> {
  const { stage, scene, clock } = around;
  await using prepared = await route.prepare(turn);
  for (const url of [scene.sourceUrl, prepared.targetUrl, stage.own.url]) await checkpoint(url);
  const cpuBefore = await cpuByStep(await prepared.steps());
  const processes = async (): Promise<readonly (readonly [string, number])[]> =>
    Object.entries(await prepared.steps()).flatMap(([step, pid]) =>
      typeof pid === 'number' && prepared.ours.includes(step) ? [[step, pid] as const] : [],
    );
  await using memory = watchMemory({ processes, sampleMs: MEMORY_SAMPLE_MS, clock });
  const begun = clock.monotonic();
  const { firstAt, lastAt } = await copied(prepared, around);
  const cpuAfter = await cpuByStep(await prepared.steps());
  const seconds = (lastAt - begun) / 1_000;
  return {
    rowsPerSecond: scene.rows / seconds,
    seconds,
    firstAfterSeconds: (firstAt - begun) / 1_000,
    cpuPerRow: cpuPerRow(cpuBefore, cpuAfter, scene.rows),
    peakBytes: memory.peaks,
    ...(await prepared.finish()),
  };
}

async function copied(
  { targetUrl, arrivals, begin, failure }: PreparedCopy,
  { scene, clock, signal }: Around,
): Promise<{ readonly firstAt: number; readonly lastAt: number }> {
  using deadline = new Deadline(START_MS + (scene.rows / SLOWEST_ROWS_PER_SECOND) * 1_000, signal, clock);
  const arrived = untilArrived({ targetUrl, arrivals, deadline, clock });
  // Whoever of the two fails first tells why.
  arrived.catch(() => undefined);
  await begin();
  return await Promise.race([arrived, failure()]);
}

/** Nothing left to write from before; where we may say so. */
async function checkpoint(url: string): Promise<void> {
  await using client = await connectTo(url);
  await client.query('CHECKPOINT').catch(() => undefined);
}
