import { firstCopyBars } from './first-copy-bars.js';
import { renderFirstCopy } from './first-copy-report.js';
import type { CopyTurn, FirstCopyResult } from './run-first-copy.js';

const TABLE_BYTES = 300_000;

function turn(rowsPerSecond: number, logBytes: number | null, peakMb: number, profiles: CopyTurn['profiles'] = {}): CopyTurn {
  const peakBytes: Record<string, number> = logBytes === null ? {} : { load: peakMb * 1e6 };
  const cpuPerRow = { source: 1.5, load: logBytes === null ? null : 8 };
  return {
    rowsPerSecond,
    seconds: 1,
    firstAfterSeconds: 0.5,
    cpuPerRow,
    peakBytes,
    logBytes,
    stateBytes: null,
    verifySeconds: null,
    profiles,
  };
}

const resultOf = (
  embedded: readonly CopyTurn[],
  native: readonly CopyTurn[] = embedded.map(() => turn(60_000, null, 0)),
): FirstCopyResult => ({
  command: 'npm run bench -- --first-copy',
  startedAt: '2026-01-01T00:00:00.000Z',
  machine: { cores: 2, processor: 'any', memoryGiB: 8, platform: 'linux x64', node: 'v20', postgres: '18', kafka: null },
  rows: 1_000,
  tableBytes: TABLE_BYTES,
  mapping: 'contacts',
  postgresSettings: {},
  routes: { copy: embedded.map(() => turn(120_000, null, 0)), native, embedded },
});

const met = (result: FirstCopyResult): boolean[] => firstCopyBars(result).map((bar) => bar.met);

describe('the bars of the first copy', () => {
  it('are met at the limit and missed just beside it', () => {
    expect(met(resultOf([turn(19_800, 600_000, 300)]))).toEqual([true, true, true]);
    expect(met(resultOf([turn(19_700, 600_000, 300)]))).toEqual([false, true, true]);
    expect(met(resultOf([turn(19_800, 600_300, 300)]))).toEqual([true, false, true]);
    expect(met(resultOf([turn(19_800, 600_000, 300.1)]))).toEqual([true, true, false]);
    const { routes, ...rest } = resultOf([turn(18_000, 600_000, 300)]);
    expect(met({ ...rest, routes: { native: routes.native ?? [], kafka: routes.embedded ?? [] } })).toEqual([true, true, true]);
  });

  it('compare turn by turn, and hold the most memory of all turns against its limit', () => {
    const slowMachine = resultOf(
      [turn(20_000, 600_000, 100), turn(10_000, 600_000, 301), turn(20_000, 600_000, 100)],
      [turn(60_000, null, 0), turn(30_000, null, 0), turn(60_000, null, 0)],
    );
    expect(met(slowMachine)).toEqual([true, true, false]);
  });

  it('are told with the figures, and with where the time went if that was asked for', () => {
    const profiles = {
      load: [
        { where: 'pg', micros: 3_000 },
        { where: 'zod', micros: 1_000 },
      ],
    };
    const result = resultOf([turn(12_000, 450_000, 100, profiles)]);
    const report = renderFirstCopy(result, firstCopyBars(result));
    expect(report).toMatch(/rows\/s, end to end +\| 120,000 \| 60,000 \| 12,000/u);
    expect(report).toMatch(/÷ native +\| 2\.00 +\| +\| 0\.20/u);
    expect(report).toMatch(/log ÷ the table +\| +\| +\| 1\.50/u);
    expect(report).toMatch(/together +\| 1\.5 +\| 1\.5 +\| 9\.5/u);
    expect(report).toMatch(/rows\/s ÷ native +\| 0\.20 +\| ≥ 0\.33 +\| MISSED/u);
    // Three quarters of the 8 µs that load takes.
    expect(report).toMatch(/pg +\| 75 % +\| 6\.0/u);
  });
});
