import type { Clock } from '@changeover/core';
import { LagProbe, Stage, type LagSummary } from '@changeover/example-crm';

import type { BenchOptions } from './bench-options.js';
import { openChangeoverRoute } from './changeover-route.js';
import { describeMachine, type MachineFacts } from './machine.js';
import { measureLag, measureMemory, measureThroughput, warmUp, type MemoryPeak, type MeasureOptions, type Throughput } from './measure.js';
import { openNativeRoute } from './native-route.js';
import type { Route } from './route.js';
import { bulkInserts, bulkUpdates, hugeTransaction, singleUpdates } from './workload.js';

/** What one turn of one route gave. */
export type Turn = {
  readonly bulk: Throughput;
  readonly single: Throughput;
  readonly lagIdle: LagSummary;
  readonly lagOneWriter: LagSummary;
};

export type RouteResult = {
  /** The first rows, inserted before the first turn. */
  readonly inserts: Throughput;
  readonly turns: readonly Turn[];
  /** One transaction of a million rows. */
  readonly huge: MemoryPeak;
};

export type BenchResult = {
  readonly command: string;
  readonly startedAt: string;
  readonly machine: MachineFacts;
  readonly sizes: Sizes;
  readonly postgresSettings: Readonly<Record<string, string>>;
  readonly routes: Readonly<Partial<Record<Route['name'], RouteResult>>>;
};

type Sizes = { readonly transactions: number; readonly singles: number; readonly markers: number; readonly hugeRows: number };

const SIZES: Sizes = { transactions: 200, singles: 20_000, markers: 300, hugeRows: 1_000_000 };
const QUICK_SIZES: Sizes = { transactions: 20, singles: 2_000, markers: 50, hugeRows: 100_000 };

/** For both routes alike: nothing that wakes up in the middle of a measurement. */
export const POSTGRES_SETTINGS = { autovacuum: 'off', checkpoint_timeout: '1h', max_wal_size: '8GB', shared_buffers: '256MB' };

export type BenchContext = {
  readonly clock: Clock;
  readonly command: string;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
};

export async function runBench(options: BenchOptions, { clock, command, say, signal }: BenchContext): Promise<BenchResult> {
  const sizes = options.quick ? QUICK_SIZES : SIZES;
  const startedAt = new Date(clock.now()).toISOString();
  await using stage = await Stage.open({ broker: options.logs.includes('kafka') ? 'any' : 'none', postgresSettings: POSTGRES_SETTINGS });
  const routes: Route[] = [await openNativeRoute(stage, clock)];
  for (const log of options.logs) routes.push(await openChangeoverRoute(stage, log, clock));

  const inserts = new Map<Route, Throughput>();
  const turns = new Map<Route, Turn[]>(routes.map((route) => [route, []]));
  for (let turn = 1; turn <= options.runs; turn++) {
    for (const route of routes) {
      signal.throwIfAborted();
      say(`turn ${String(turn)} of ${String(options.runs)}: ${route.name}`);
      await onRoute(route, clock, turn * 1_000_000, async (measure) => {
        if (turn === 1) inserts.set(route, await measureThroughput(bulkInserts(1, sizes.transactions), measure));
        await warmUp(measure);
        turns.get(route)?.push({
          bulk: await measureThroughput(bulkUpdates(1, sizes.transactions), measure),
          single: await measureThroughput(singleUpdates(1, sizes.singles), measure),
          lagIdle: await measureLag(sizes.markers, 0, measure),
          lagOneWriter: await measureLag(sizes.markers, 1, measure),
        });
      });
    }
  }
  const results: Partial<Record<Route['name'], RouteResult>> = {};
  for (const route of routes) {
    signal.throwIfAborted();
    say(`one transaction of ${String(sizes.hugeRows)} rows: ${route.name}`);
    const huge = await onRoute(route, clock, 0, (measure) => measureMemory(hugeTransaction(10_000_000, sizes.hugeRows), measure));
    results[route.name] = { inserts: inserts.get(route) as Throughput, turns: turns.get(route) as Turn[], huge };
  }
  const broker = stage.broker === undefined ? null : `${stage.broker.origin} at ${stage.broker.brokers.join(', ')}`;
  return {
    command,
    startedAt,
    machine: await describeMachine(stage.source.url, broker),
    sizes,
    postgresSettings: POSTGRES_SETTINGS,
    routes: results,
  };
}

/** Only one route runs at a time: each would decode the other's changes too. */
async function onRoute<T>(route: Route, clock: Clock, firstId: number, measure: (options: MeasureOptions) => Promise<T>): Promise<T> {
  await route.start();
  try {
    await using probe = await LagProbe.open({ source: route.sourceUrl, target: route.targetUrl, clock, sender: 'bench', firstId });
    return await measure({ route, probe, clock });
  } finally {
    await route.stop();
  }
}
