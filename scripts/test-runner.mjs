// `npm test`: static checks, then the specs by what they need, on one PostgreSQL and one broker for the whole run.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT, TSC, run, runNode, wasInterrupted } from './prepare.mjs';
import { CRM_DUMPS, findSpecs, JEST_SUITES, needsCrmDumps, needsKafka, STATIC_CHECKS } from './suites.mjs';
import { asksForHelp } from './usage.mjs';

const inCi = ['true', '1'].includes(process.env.CI ?? '');

/**
 * Runs everything, or the suites and spec files that the patterns name (`static`, `unit`, `libs/events`).
 * Ends with the line `N passed, N failed`; resolves to the exit code.
 */
export async function runTests(patterns) {
  if (asksForHelp(patterns)) {
    console.log(usage());
    return 0;
  }
  const report = new Report();
  const wanted = select(patterns);
  if (wanted.suites.length === 0 && !wanted.checks) {
    report.failed('selection', `no suite and no spec file matches ${patterns.join(' ')}\n\n${usage()}`);
    return report.finish();
  }
  // Everything else reads the declarations and programs that the build makes.
  if (!(await runCheck(report, { name: 'build', args: [TSC, '-b'] }))) return report.finish();
  if (wanted.checks) await runChecks(report);
  const servers = new Servers();
  try {
    for (const suite of wanted.suites) {
      if (wasInterrupted()) break;
      await runSuite(report, servers, suite);
    }
  } finally {
    await servers.stop();
  }
  return report.finish();
}

function usage() {
  const names = ['static', ...JEST_SUITES.map(({ name }) => name)].map((name) => (name.includes(' ') ? `'${name}'` : name));
  return `npm test                     everything
npm test -- <what> …         suites by name (${names.join(', ')}),
                             and spec files by a part of their path: libs/events, cli.e2e`;
}

function select(patterns) {
  const specs = findSpecs();
  const inSuite = (suite) => specs.filter((path) => suite.owns(path));
  const chosen = (suite) => inSuite(suite).filter((path) => patterns.some((pattern) => matches(suite, path, pattern)));
  const all = patterns.length === 0;
  const suites = JEST_SUITES.map((suite) => ({ ...suite, specs: all ? inSuite(suite) : chosen(suite) }));
  return { checks: all || patterns.includes('static'), suites: suites.filter((suite) => suite.specs.length > 0) };
}

function matches(suite, path, pattern) {
  return pattern === suite.name || path.includes(pattern.replace(/^\.\//, ''));
}

/** Two at a time: the slowest of them, eslint, uses one core. */
async function runChecks(report) {
  const waiting = [...STATIC_CHECKS];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) await runCheck(report, check);
  };
  await Promise.all([worker(), worker()]);
}

async function runCheck(report, { name, args }) {
  const { code, output, seconds } = await run(process.execPath, args);
  if (code === 0) report.passed(name, 1, seconds);
  else report.failed(name, output, seconds);
  return code === 0;
}

async function runSuite(report, servers, suite) {
  const started = performance.now();
  const specs = await runnable(report, servers, suite);
  if (specs.length === 0) return;
  let env = {};
  if (suite.servers) {
    try {
      env = await servers.environment(specs.some(needsKafka));
    } catch (error) {
      report.failed(suite.name, error.message);
      return;
    }
  }
  console.log(`\n— ${suite.name}: ${specs.length} spec files`);
  const result = await runJest(specs, suite, env);
  report.suite(suite.name, result, (performance.now() - started) / 1000);
}

/** The specs that this machine can run. What it lacks is said in plain words; under CI it is a failure. */
async function runnable(report, servers, suite) {
  const missing = suite.servers ? await servers.missing() : {};
  let specs = suite.specs;
  if (!existsSync(CRM_DUMPS)) {
    const left = specs.filter(needsCrmDumps);
    if (left.length > 0)
      report.isNotGiven(
        `${suite.name}: ${left.join(', ')}`,
        `${CRM_DUMPS} is not there. CHANGEOVER_CRM_DUMPS names a folder with the dumps of SuiteCRM and Twenty.`,
      );
    specs = specs.filter((path) => !left.includes(path));
  }
  if (missing.postgres !== undefined) {
    report.cannotRun(`${suite.name}: ${specs.length} spec files`, missing.postgres);
    return [];
  }
  if (missing.kafka !== undefined) {
    const left = specs.filter(needsKafka);
    if (left.length > 0) report.cannotRun(`${suite.name}: ${left.join(', ')}`, missing.kafka);
    specs = specs.filter((path) => !left.includes(path));
  }
  return specs;
}

/** Jest's own counts, or undefined when it ended without telling them. */
async function runJest(specs, suite, env) {
  const place = await mkdtemp(join(tmpdir(), 'changeover-test-'));
  const outputFile = join(place, 'result.json');
  const args = ['--runTestsByPath', '--json', `--outputFile=${outputFile}`, `--maxWorkers=${suite.workers}`, ...specs];
  const options = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim();
  try {
    const code = await runNode('node_modules/jest/bin/jest.js', args, { env: { ...env, NODE_OPTIONS: options }, minutes: suite.minutes });
    return { code, ...JSON.parse(await readFile(outputFile, 'utf8')) };
  } catch {
    return undefined;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** One PostgreSQL 18 and one broker, started when the first suite needs them. */
class Servers {
  #started = new Map();
  #machine;

  /** What this machine cannot run, by service, with what would enable it. */
  async missing() {
    const services = await this.#services();
    this.#machine ??= await services.inspectMachine();
    const choices = {
      postgres: services.choosePostgres(18, process.env, this.#machine),
      kafka: services.chooseKafka(process.env, this.#machine),
    };
    return Object.fromEntries(
      Object.entries(choices).map(([name, choice]) => [name, choice.from === 'missing' ? choice.enable : undefined]),
    );
  }

  async environment(withKafka) {
    const services = await this.#services();
    const postgres = await this.#start('postgres', () => services.startPostgres({ major: 18 }));
    const env = { CHANGEOVER_TEST_POSTGRES_18: postgres.url };
    if (withKafka) env.KAFKA_BROKERS = (await this.#start('kafka', () => services.startKafka())).brokers.join(',');
    return env;
  }

  async #start(name, start) {
    if (!this.#started.has(name)) this.#started.set(name, await start());
    return this.#started.get(name);
  }

  /** Read only now: it has to be built first. */
  #services() {
    return import(join(ROOT, 'libs/local-services/dist/index.js'));
  }

  async stop() {
    for (const server of [...this.#started.values()].reverse()) await server.stop();
  }
}

class Report {
  #passed = 0;
  #failed = 0;
  #lines = [];
  #notRun = [];
  #notGiven = [];

  passed(name, count, seconds) {
    this.#passed += count;
    this.#line(name, `${count} passed`, seconds);
  }

  failed(name, output, seconds) {
    this.#failed += 1;
    console.error(`\n✗ ${name}\n${output.trimEnd()}`);
    this.#line(name, 'FAILED', seconds);
  }

  cannotRun(what, enable) {
    this.#notRun.push(`${what} did not run here. ${enable}`);
    if (inCi) this.#failed += 1;
  }

  /** What no clone has, and so no CI: said in words, and no failure. */
  isNotGiven(what, why) {
    this.#notGiven.push(`${what} did not run here: ${why}`);
  }

  suite(name, result, seconds) {
    if (result === undefined) {
      this.failed(name, 'Jest ended without a result', seconds);
      return;
    }
    // A file that does not load has no tests to count, but it failed.
    let failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    const skipped = result.testResults.flatMap((file) =>
      file.assertionResults.filter((test) => ['pending', 'todo', 'skipped'].includes(test.status)),
    );
    if (inCi) failed += skipped.length;
    for (const test of skipped) this.#notRun.push(`${name}: "${test.fullName}" is skipped.`);
    // Jest fails for other reasons too, such as a global error.
    if (failed === 0 && result.code !== 0) failed = 1;
    this.#passed += result.numPassedTests;
    this.#failed += failed;
    this.#line(name, `${result.numPassedTests} passed${failed > 0 ? `, ${failed} FAILED` : ''}`, seconds);
  }

  finish() {
    console.log('\nminutes  suite');
    for (const line of this.#lines) console.log(line);
    for (const line of this.#notRun) console.log(`${inCi ? 'FAILED' : 'not run'}: ${line}`);
    for (const line of this.#notGiven) console.log(`not run: ${line}`);
    console.log(`\n${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0 ? 0 : 1;
  }

  #line(name, outcome, seconds) {
    const minutes = seconds === undefined ? '   –' : (seconds / 60).toFixed(1).padStart(4);
    this.#lines.push(`${minutes}     ${name}: ${outcome}`);
  }
}
