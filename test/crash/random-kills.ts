import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import type { SoakReport } from '@changeover/bench';
import type { LogType } from '@changeover/example-crm';

const SOAK = fileURLToPath(new URL('../../bench/dist/soak.js', import.meta.url));

/** What `npm run soak` runs, for a minute: every kind of fault strikes, at random, under load; then both databases must be equal. */
export function randomKillTests(log: LogType): void {
  it(`survives a minute of random faults on the ${log} log`, async () => {
    const seed = process.env['SEED'] ?? String(Date.now() % 1_000_000);
    const args = ['--minutes', '1', '--seed', seed, '--log', log, '--users', '8', '--json'];
    const child = spawn(process.execPath, [SOAK, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, story, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    console.log(`seed ${seed} (SEED=${seed} repeats it)\n${story}`);
    expect(code).toBe(0);
    const report = JSON.parse(output) as SoakReport;
    expect(report.comparison.tables.flatMap((table) => table.examples)).toEqual([]);
    expect(report.comparison.rows).toBeGreaterThan(100);
    // The users did everything that users do, and each fault has fired, or the run has shown nothing.
    expect(report).toMatchObject({ passed: true, traffic: { missing: [] } });
    const server = log === 'kafka' ? 'broker crashes' : 'log server crashes';
    expect(Object.keys(report.fired)).toEqual(
      expect.arrayContaining(['kill capture', 'kill transform', 'kill load', 'replace paused load', 'target away', server]),
    );
  }, 400_000);
}
