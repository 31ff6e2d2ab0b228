import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { asChangeoverError, SystemClock } from '@changeover/core';

import { barsOf } from './bars.js';
import { BENCH_USAGE, parseBenchOptions } from './bench-options.js';
import { renderReport } from './report.js';
import { runBench } from './run-bench.js';
import { onInterrupt } from './interrupt.js';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

const args = process.argv.slice(2);
const signal = onInterrupt();
try {
  const options = parseBenchOptions(args);
  if (options === undefined) {
    process.stdout.write(BENCH_USAGE);
  } else {
    const say = (text: string): void => {
      process.stderr.write(`${text}\n`);
    };
    const command = ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
    const result = await runBench(options, { clock: new SystemClock(), command, say, signal });
    const bars = barsOf(result);
    const file = options.json === undefined ? resolve(RESULTS, `${options.name}.json`) : resolve(options.json);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify({ ...result, bars }, undefined, 2)}\n`);
    process.stdout.write(`${renderReport(result, bars)}\n\nwritten to ${file}\n`);
  }
} catch (error) {
  if (!signal.aborted) {
    const { code, message, nextStep } = asChangeoverError(error);
    process.stderr.write(`\n${message}\n${code === 'INTERNAL' ? '' : `${nextStep}\n`}`);
  }
  process.exitCode = signal.aborted ? 130 : 1;
}
