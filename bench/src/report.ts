import type { Bar } from './bars.js';
import { barsTable, headLines, number, spreadText, table } from './markdown.js';
import type { BenchResult, RouteResult, Turn } from './run-bench.js';
import type { Throughput } from './measure.js';
import { spread, type Spread } from './statistics.js';

/** The result as Markdown: it is read at a terminal and pasted into docs/performance.md. */
export function renderReport(result: BenchResult, bars: readonly Bar[]): string {
  const { routes, sizes } = result;
  const names = Object.keys(routes) as (keyof typeof routes)[];
  const of = (pick: (route: RouteResult) => string): string[] => names.map((name) => pick(routes[name] as RouteResult));
  const rate = (work: 'bulk' | 'single') => (route: RouteResult) =>
    spreadText(
      turnsOf(route, (turn) => turn[work].rowsPerSecond),
      0,
    );
  const lag = (when: 'lagIdle' | 'lagOneWriter', rank: 'p50' | 'p99') => (route: RouteResult) =>
    spreadText(
      turnsOf(route, (turn) => turn[when][rank]),
      1,
    );
  return [
    ...headLines(result),
    ...table([
      ['', ...names],
      [`rows/s, ${String(sizes.transactions)} × 1000 inserts`, ...of((route) => number(route.inserts.rowsPerSecond, 0))],
      [`rows/s, ${String(sizes.transactions)} × 1000 updates`, ...of(rate('bulk'))],
      [`rows/s, ${String(sizes.singles)} × 1 update`, ...of(rate('single'))],
      [`rows/s, 1 × ${String(sizes.hugeRows)} inserts`, ...of((route) => number(route.huge.rowsPerSecond, 0))],
      ['commit → visible, idle, p50 ms', ...of(lag('lagIdle', 'p50'))],
      ['commit → visible, idle, p99 ms', ...of(lag('lagIdle', 'p99'))],
      ['commit → visible, one writer, p50 ms', ...of(lag('lagOneWriter', 'p50'))],
      ['commit → visible, one writer, p99 ms', ...of(lag('lagOneWriter', 'p99'))],
    ]),
    '',
    'CPU per row in µs, by step (200 × 1000 updates | single updates; the source’s includes running the statements).'.replace(
      '200',
      String(sizes.transactions),
    ),
    '',
    ...cpuTable(result),
    '',
    ...barsTable(bars),
  ].join('\n');
}

function cpuTable({ routes }: BenchResult): string[] {
  const names = Object.keys(routes) as (keyof typeof routes)[];
  const steps = [...new Set(names.flatMap((name) => Object.keys(routes[name]?.turns[0]?.bulk.cpuPerRow ?? {})))];
  const cell = (name: keyof typeof routes, step: string): string => {
    const both = (['bulk', 'single'] as const).map((work) =>
      turnsOf(routes[name] as RouteResult, (turn) => turn[work].cpuPerRow[step] ?? Number.NaN),
    );
    return both.some((value) => !Number.isNaN(value.median)) ? both.map((value) => number(value.median, 1)).join(' | ') : '';
  };
  const sum = (throughput: Throughput): number =>
    Object.values(throughput.cpuPerRow).reduce<number>((total, value) => total + (value ?? 0), 0);
  const total = (name: keyof typeof routes): string =>
    (['bulk', 'single'] as const)
      .map((work) => number(turnsOf(routes[name] as RouteResult, (turn) => sum(turn[work])).median, 1))
      .join(' | ');
  return table([
    ['', ...names],
    ...steps.map((step) => [step, ...names.map((name) => cell(name, step))]),
    ['together', ...names.map(total)],
  ]);
}

function turnsOf(route: RouteResult, pick: (turn: Turn) => number): Spread {
  return spread(route.turns.map(pick));
}
