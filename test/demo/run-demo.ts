import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { DemoResult } from '@changeover/example-crm';

const RUN = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));

/** What `npm run demo -- <args> --json` ends with. */
export async function runDemoCommand(args: readonly string[]): Promise<{ readonly exitCode: number; readonly result: DemoResult }> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [RUN, 'demo', ...args, '--json'],
      { maxBuffer: 16 * 1024 * 1024 },
      (_error, stdout, stderr) => {
        try {
          // npm or the build may say something before.
          const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as DemoResult;
          resolve({ exitCode: child.exitCode ?? -1, result });
        } catch {
          reject(new Error(`the demo ended with ${String(child.exitCode)} and no result:\n${stderr.slice(-4000)}`));
        }
      },
    );
  });
}

export function expectEqual({ exitCode, result }: Awaited<ReturnType<typeof runDemoCommand>>): void {
  expect({ exitCode, verdict: result.verdict, missing: result.traffic.missing }).toEqual({ exitCode: 0, verdict: 'equal', missing: [] });
  expect(result.proof.equal).toBe(true);
  expect(result.proof.rows).toBeGreaterThan(1_000);
  expect(result.proof.held.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(100);
  // Who cannot keep up with the users is not asked before they have stopped.
  expect(result.verification).toMatchObject({ live: result.firstRows.caughtUpMs !== null, equal: true, differences: [] });
  expect(result.verification.rows).toBeGreaterThan(1_000);
  expect(result.lag.p99).toBeGreaterThanOrEqual(result.lag.p50);
}
