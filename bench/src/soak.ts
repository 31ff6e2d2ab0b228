import { fileURLToPath } from 'node:url';

import { asChangeoverError, SystemClock } from '@changeover/core';

import { onInterrupt } from './interrupt.js';
import { runSoak } from './soak/run-soak.js';
import { parseSoakOptions, SOAK_USAGE } from './soak/soak-options.js';

const clock = new SystemClock();
const signal = onInterrupt();
try {
  const options = parseSoakOptions(process.argv.slice(2), clock);
  if (options === undefined) {
    process.stdout.write(SOAK_USAGE);
  } else {
    const { json, ...soak } = options;
    const out = json ? process.stderr : process.stdout;
    const say = (line = ''): void => {
      out.write(`${line}\n`);
    };
    say(`soak: at least ${String(soak.minutes)} min, seed ${String(soak.seed)}, ${soak.log} log`);
    const logsOnFailure = fileURLToPath(new URL(`../results/soak-${String(soak.seed)}-logs/`, import.meta.url));
    const report = await runSoak(soak, { clock, say, signal, logsOnFailure });
    say();
    say(
      `${report.minutes.toFixed(1)} min; faults: ${Object.entries(report.fired)
        .map(([name, count]) => `${name} ×${String(count)}`)
        .join(', ')}`,
    );
    say(
      `memory at most: ${Object.entries(report.peakBytes)
        .map(([role, bytes]) => `${role} ${(bytes / 1e6).toFixed(0)} MB`)
        .join(', ')}`,
    );
    for (const { table, examples } of report.comparison.tables) {
      for (const { kind, key, columns } of examples) say(`${table} ${key}: ${kind} ${columns.join(', ')}`);
    }
    if (report.traffic.missing.length > 0) say(`the users did no ${report.traffic.missing.join(', no ')}`);
    say(report.passed ? `passed: ${String(report.comparison.rows)} rows equal` : 'FAILED');
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.passed ? 0 : 1;
  }
} catch (error) {
  if (!signal.aborted) process.stderr.write(`\nFAILED: ${asChangeoverError(error).message}\n`);
  process.exitCode = signal.aborted ? 130 : 1;
}
