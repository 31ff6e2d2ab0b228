import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { asChangeoverError, SystemClock } from '@changeover/core';

import { barsOf } from './bars.js';
import { BENCH_USAGE, parseBenchOptions } from './bench-options.js';
import { firstCopyBars } from './first-copy/first-copy-bars.js';
import { FIRST_COPY_USAGE, parseFirstCopyOptions } from './first-copy/first-copy-options.js';
import { renderFirstCopy } from './first-copy/first-copy-report.js';
import { runFirstCopy } from './first-copy/run-first-copy.js';
import { onInterrupt } from './interrupt.js';
import { renderReport } from './report.js';
import { runBench, type BenchContext } from './run-bench.js';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

const args = process.argv.slice(2);
const signal = onInterrupt();

/** What is asked for: the report to print, and the result to write; or only help. */
async function measured(context: BenchContext): Promise<Measured | string> {
  if (args.includes('--first-copy')) {
    const options = parseFirstCopyOptions(args);
    if (options === undefined) return FIRST_COPY_USAGE;
    const result = await runFirstCopy(options, context);
    const bars = firstCopyBars(result);
    return { options, result: { ...result, bars }, report: renderFirstCopy(result, bars) };
  }
  const options = parseBenchOptions(args);
  if (options === undefined) return BENCH_USAGE;
  const result = await runBench(options, context);
  const bars = barsOf(result);
  return { options, result: { ...result, bars }, report: renderReport(result, bars) };
}

type Measured = {
  readonly options: { readonly json: string | undefined; readonly name: string };
  readonly result: object;
  readonly report: string;
};

try {
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  // Passwords in addresses are nobody's business.
  const shown = args.map((arg) => arg.replace(/(:\/\/[^@/]*?:)[^@/]*@/u, '$1…@'));
  const command = ['npm run bench', ...(args.length === 0 ? [] : ['--', ...shown])].join(' ');
  const done = await measured({ clock: new SystemClock(), command, say, signal });
  if (typeof done === 'string') {
    process.stdout.write(done);
  } else {
    const { json, name } = done.options;
    const file = json === undefined ? resolve(RESULTS, `${name}.json`) : resolve(json);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(done.result, undefined, 2)}\n`);
    process.stdout.write(`${done.report}\n\nwritten to ${file}\n`);
  }
} catch (error) {
  if (!signal.aborted) {
    const { code, message, nextStep } = asChangeoverError(error);
    process.stderr.write(`\n${message}\n${code === 'INTERNAL' ? '' : `${nextStep}\n`}`);
  }
  process.exitCode = signal.aborted ? 130 : 1;
}
