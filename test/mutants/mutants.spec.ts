import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MUTANTS, type Mutant } from './mutants.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(dirname(HERE));

type Outcome = { readonly passed: number; readonly failed: readonly string[]; readonly broken: number };

type JestResult = {
  readonly numPassedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
};

/** Runs the named tests in a Jest of their own, with the mutant in place of the file, and counts. */
async function run(specs: readonly string[], test: string, mutant?: Mutant, patienceMs = 60_000): Promise<Outcome> {
  const place = await mkdtemp(join(tmpdir(), 'changeover-mutant-'));
  const outputFile = join(place, 'result.json');
  try {
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const config = join(HERE, 'jest.config.mjs');
    // A mutant often makes a test wait for what never comes; all of these take a second or two.
    const args = [
      '--config',
      config,
      '--runTestsByPath',
      '--runInBand',
      '--forceExit',
      '--testTimeout=10000',
      '--json',
      `--outputFile=${outputFile}`,
      '--testNamePattern',
      test,
    ];
    const { CHANGEOVER_MUTANT: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [jest, ...args, ...specs], {
      cwd: ROOT,
      stdio: 'ignore',
      timeout: patienceMs,
      killSignal: 'SIGKILL',
      env: {
        ...inherited,
        NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
        ...(mutant === undefined ? {} : { CHANGEOVER_MUTANT: JSON.stringify(mutant) }),
      },
    });
    await once(child, 'close');
    const result = JSON.parse(await readFile(outputFile, 'utf8')) as JestResult;
    const failed = result.testResults.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed'));
    return {
      passed: result.numPassedTests,
      failed: failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join('; ')}`),
      broken: result.numRuntimeErrorTestSuites,
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

const specs = [...new Set(MUTANTS.map(({ killedBy: [spec] }) => spec))];

it.each(MUTANTS)('"$name" is about text that is there, once', async ({ file, find, replace }) => {
  const text = await readFile(join(ROOT, file), 'utf8');
  expect(text.split(find)).toHaveLength(2);
  expect(replace).not.toBe(find);
});

it('without a mutant all of these tests pass', async () => {
  const names = MUTANTS.map(({ killedBy: [, test] }) => test).join('|');
  const outcome = await run(specs, names, undefined, 280_000);
  expect(outcome).toMatchObject({ failed: [], broken: 0 });
  expect(outcome.passed).toBeGreaterThanOrEqual(new Set(MUTANTS.map(({ killedBy }) => killedBy.join())).size);
}, 300_000);

// A process each, which computes or waits for what never comes: nothing of it is of another's.
it.concurrent.each(MUTANTS)(
  '"$name" is killed',
  async (mutant) => {
    const [spec, test] = mutant.killedBy;
    const { failed, broken } = await run([spec], test, mutant);
    // A file that no longer compiles would be killed by anything.
    expect(broken).toBe(0);
    expect(failed).not.toEqual([]);
  },
  70_000,
);
