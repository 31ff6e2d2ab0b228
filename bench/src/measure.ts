import type { Clock } from '@changeover/core';
import { connectTo, summarise, type LagProbe, type LagSummary } from '@changeover/example-crm';

import type { Route } from './route.js';
import { cpuByStep, cpuPerRow } from './step-cpu.js';
import { watchMemory } from './watch-memory.js';
import { bulkUpdates, timeWork, type Work } from './workload.js';

export type Throughput = {
  readonly rowsPerSecond: number;
  /** How fast the source alone took the work. */
  readonly sourceRowsPerSecond: number;
  /** Microseconds of CPU per row, by step; null where the step is not a process of this machine. */
  readonly cpuPerRow: Readonly<Record<string, number | null>>;
};

export type MemoryPeak = Throughput & {
  /** The most anonymous memory of each of our processes, in bytes. */
  readonly peakBytes: Readonly<Record<string, number>>;
};

export type MeasureOptions = { readonly route: Route; readonly probe: LagProbe; readonly clock: Clock };

const SAMPLE_MS = 50;

/** Both databases in the same state before each measurement: nothing to vacuum, nothing left to write. */
async function tidy(route: Route): Promise<void> {
  for (const url of [route.sourceUrl, route.targetUrl]) {
    await using client = await connectTo(url);
    await client.query('VACUUM ANALYZE');
    await client.query('CHECKPOINT');
  }
}

/** A marker arrives, and enough rows to have every code path compiled. */
export async function warmUp({ route, probe, clock }: MeasureOptions): Promise<void> {
  await probe.measure();
  await timeWork(bulkUpdates(1, 20), { sourceUrl: route.sourceUrl, probe, clock });
}

export async function measureThroughput(work: Work, options: MeasureOptions): Promise<Throughput> {
  const { route, probe, clock } = options;
  await tidy(route);
  const before = await cpuByStep(route.steps());
  const { seconds, sourceSeconds } = await timeWork(work, { sourceUrl: route.sourceUrl, probe, clock });
  const after = await cpuByStep(route.steps());
  return {
    rowsPerSecond: work.rows / seconds,
    sourceRowsPerSecond: work.rows / sourceSeconds,
    cpuPerRow: cpuPerRow(before, after, work.rows),
  };
}

/** Like {@link measureThroughput}, watching the memory of our processes meanwhile. */
export async function measureMemory(work: Work, options: MeasureOptions): Promise<MemoryPeak> {
  const { route, clock } = options;
  const processes = (): (readonly [string, number])[] =>
    Object.entries(route.steps()).flatMap(([step, pid]) => (pid !== undefined && route.ours.includes(step) ? [[step, pid] as const] : []));
  await using memory = watchMemory({ processes, sampleMs: SAMPLE_MS, clock });
  return { ...(await measureThroughput(work, options)), peakBytes: memory.peaks };
}

/** Commit → visible of `markers` markers, with nothing else going on or one session writing single rows as fast as it can. */
export async function measureLag(markers: number, writers: 0 | 1, { route, probe, clock }: MeasureOptions): Promise<LagSummary> {
  const stop = new AbortController();
  const write = async (): Promise<void> => {
    await using client = await connectTo(route.sourceUrl);
    for (let id = 1; !stop.signal.aborted; id = (id % 20_000) + 1) {
      await client.query({
        name: 'one',
        text: 'UPDATE contacts SET score = score + 1, updated_at = clock_timestamp() WHERE id = $1',
        values: [id],
      });
    }
  };
  const writing = writers === 0 ? Promise.resolve() : write();
  const lags: number[] = [];
  try {
    for (let marker = 0; marker < markers; marker++) {
      const lag = await probe.measure();
      if (lag !== undefined) lags.push(lag);
      // Not in step with anybody's timer.
      await clock.sleep(5 + (marker % 17));
    }
  } finally {
    stop.abort();
    await writing;
  }
  return summarise(lags);
}
