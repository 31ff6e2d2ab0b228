import type { BenchResult, RouteResult } from './run-bench.js';
import { spread, type Spread } from './statistics.js';

export type Bar = {
  readonly what: string;
  readonly unit: 'ratio' | 'ms' | 'MB';
  /** Over all turns; its median is held against the limit. */
  readonly measured: Spread;
  readonly limit: number;
  readonly at: 'least' | 'most';
  readonly met: boolean;
};

const LIMITS = {
  embedded: { ratio: 0.5, p50: 10 },
  kafka: { ratio: 0.45, p50: 15 },
} as const;
const P99_MS = 50;
export const MEMORY_MB = 300;

/** What the architecture promises, held against what was measured. */
export function barsOf({ routes }: BenchResult): readonly Bar[] {
  const { native } = routes;
  const bars: Bar[] = [];
  for (const log of ['embedded', 'kafka'] as const) {
    const ours = routes[log];
    if (ours === undefined || native === undefined) continue;
    const { ratio, p50 } = LIMITS[log];
    bars.push(
      bar(`${log}: 1000-row transactions, rows/s ÷ native`, 'ratio', ratios(ours, native, 'bulk'), ratio, 'least'),
      bar(`${log}: single-row transactions, rows/s ÷ native`, 'ratio', ratios(ours, native, 'single'), ratio, 'least'),
      bar(
        `${log}: commit → visible, idle, p50`,
        'ms',
        ours.turns.map((turn) => turn.lagIdle.p50),
        p50,
        'most',
      ),
      bar(
        `${log}: commit → visible, one writer, p50`,
        'ms',
        ours.turns.map((turn) => turn.lagOneWriter.p50),
        p50,
        'most',
      ),
      bar(
        `${log}: commit → visible, one writer, p99`,
        'ms',
        ours.turns.map((turn) => turn.lagOneWriter.p99),
        P99_MS,
        'most',
      ),
      ...Object.entries(ours.huge.peakBytes).map(([step, bytes]) =>
        bar(`${log}: memory of ${step}, huge transaction`, 'MB', [bytes / 1e6], MEMORY_MB, 'most'),
      ),
    );
  }
  return bars;
}

/** Turn by turn, so that what slows the machine for a while slows both. */
function ratios(ours: RouteResult, native: RouteResult, work: 'bulk' | 'single'): readonly number[] {
  return ours.turns.map((turn, index) => turn[work].rowsPerSecond / (native.turns[index]?.[work].rowsPerSecond ?? Number.NaN));
}

/** `at`: whether the median has to be at least the limit, or at most. */
export function bar(what: string, unit: Bar['unit'], values: readonly number[], limit: number, at: Bar['at']): Bar {
  const measured = spread(values);
  return { what, unit, measured, limit, at, met: at === 'least' ? measured.median >= limit : measured.median <= limit };
}
