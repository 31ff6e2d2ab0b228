import { barsOf } from './bars.js';
import type { BenchResult, RouteResult } from './run-bench.js';
import { renderReport } from './report.js';

function route(rowsPerSecond: number, p50: number, peakMb: number): RouteResult {
  const throughput = { rowsPerSecond, sourceRowsPerSecond: 90_000, cpuPerRow: { source: 5, load: null } };
  const lag = { count: 10, p50, p99: p50 * 2, max: p50 * 3 };
  const turn = { bulk: throughput, single: throughput, lagIdle: lag, lagOneWriter: lag };
  return { inserts: throughput, turns: [turn, turn, turn], huge: { ...throughput, peakBytes: { load: peakMb * 1e6 } } };
}

const resultOf = (embedded: RouteResult): BenchResult => ({
  command: 'npm run bench',
  startedAt: '2026-01-01T00:00:00.000Z',
  machine: { cores: 2, processor: 'any', memoryGiB: 8, platform: 'linux x64', node: 'v20', postgres: '18', kafka: null },
  sizes: { transactions: 200, singles: 1, markers: 1, hugeRows: 1 },
  postgresSettings: {},
  routes: { native: route(60_000, 1, 0), embedded },
});

describe('the bars', () => {
  it('are met at the limit and missed just beside it', () => {
    const met = (result: BenchResult): boolean[] => barsOf(result).map((bar) => bar.met);
    expect(met(resultOf(route(30_000, 10, 300)))).not.toContain(false);
    expect(met(resultOf(route(29_900, 10, 300)))).toEqual([false, false, true, true, true, true]);
    expect(met(resultOf(route(30_000, 10.1, 300)))).toEqual([true, true, false, false, true, true]);
    expect(met(resultOf(route(30_000, 10, 301)))).toEqual([true, true, true, true, true, false]);
  });

  it('are told with the machine, the command and what was missed', () => {
    const result = resultOf(route(15_000, 10, 300));
    const report = renderReport(result, barsOf(result));
    expect(report).toContain('`npm run bench`');
    expect(report).toContain('2 cores');
    expect(report).toMatch(/1000-row transactions, rows\/s ÷ native +\| 0\.25 +\| ≥ 0\.5 +\| MISSED/u);
  });
});
