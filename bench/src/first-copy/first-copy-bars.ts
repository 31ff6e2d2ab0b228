import { bar, MEMORY_MB, type Bar } from '../bars.js';
import type { CopyTurn, FirstCopyResult } from './run-first-copy.js';

/** Of native replication's rows a second. */
const RATIOS = { embedded: 0.33, kafka: 0.3 } as const;
/** Comparing all rows, beside the copy. */
const COMPARED = 0.7;
/** The log beside the table. */
const LOG_TO_TABLE = 2;

/** What the architecture promises of the first copy, held against what was measured. */
export function firstCopyBars({ routes, tableBytes }: FirstCopyResult): readonly Bar[] {
  const { native } = routes;
  const bars: Bar[] = [];
  for (const log of ['embedded', 'kafka'] as const) {
    const ours = routes[log];
    if (ours === undefined || native === undefined) continue;
    bars.push(bar(`${log}: first copy, rows/s ÷ native`, 'ratio', ratios(ours, native), RATIOS[log], 'least'));
    const compared = ours.flatMap(({ seconds, verifySeconds }) => (verifySeconds === null ? [] : [seconds / verifySeconds]));
    if (compared.length > 0) bars.push(bar(`${log}: verification, rows/s ÷ first copy`, 'ratio', compared, COMPARED, 'least'));
    const logs = ours.flatMap(({ logBytes }) => (logBytes === null ? [] : [logBytes / tableBytes]));
    if (logs.length > 0) bars.push(bar(`${log}: disk of the log ÷ the table`, 'ratio', logs, LOG_TO_TABLE, 'most'));
    for (const step of new Set(ours.flatMap(({ peakBytes }) => Object.keys(peakBytes)))) {
      const peaks = ours.map(({ peakBytes }) => (peakBytes[step] ?? 0) / 1e6);
      bars.push(bar(`${log}: memory of ${step}`, 'MB', [Math.max(...peaks)], MEMORY_MB, 'most'));
    }
  }
  return bars;
}

/** Turn by turn, so that what slows the machine for a while slows both. */
export function ratios(ours: readonly CopyTurn[], theirs: readonly CopyTurn[]): readonly number[] {
  return ours.map(({ rowsPerSecond }, turn) => rowsPerSecond / (theirs[turn]?.rowsPerSecond ?? Number.NaN));
}
