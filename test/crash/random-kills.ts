import { SystemClock } from '@changeover/core';
import { runSoak } from '@changeover/bench';
import type { LogType } from '@changeover/example-crm';

/** A minute in which every kind of fault strikes at random, under load; then both databases must be equal. */
export function randomKillTests(log: LogType): void {
  it(`survives a minute of random faults on the ${log} log`, async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const lines: string[] = [`seed ${String(seed)} (SEED=${String(seed)} repeats it)`];
    try {
      const report = await runSoak(
        { minutes: 1, seed, log, users: 6 },
        { clock: new SystemClock(), say: (line) => lines.push(line), signal: new AbortController().signal },
      );
      expect(report.comparison.tables.flatMap((table) => table.examples)).toEqual([]);
      // Each kind of fault has fired, and the users did everything that users do.
      expect(report).toMatchObject({ passed: true, traffic: { missing: [] } });
      expect(Object.keys(report.fired)).toEqual(expect.arrayContaining(['kill capture', 'kill transform', 'kill load', 'target away', log === 'kafka' ? 'broker crashes' : 'log server crashes']));
    } finally {
      console.log(lines.join('\n'));
    }
  }, 300_000);
}
