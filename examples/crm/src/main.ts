import { asChangeoverError, SystemClock } from '@changeover/core';

import { DEMO_USAGE, parseDemoOptions } from './demo/demo-options.js';
import { Narrator } from './demo/narrator.js';
import { runDemo } from './demo/run-demo.js';

const EXIT_CODES = { equal: 0, different: 1, unshown: 1, blind: 2 } as const;

const clock = new SystemClock();
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second time people mean it; what we started ends with us, by its guards.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
    process.stderr.write('\nEnding everything …\n');
  });
}

try {
  const options = parseDemoOptions(process.argv.slice(2), clock);
  if (options === undefined) {
    process.stdout.write(DEMO_USAGE);
  } else {
    const narrator = new Narrator(options.json ? process.stderr : process.stdout);
    const result = await runDemo(options, { narrator, clock, signal: interrupt.signal });
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    process.exitCode = EXIT_CODES[result.verdict];
  }
} catch (error) {
  if (interrupt.signal.aborted) {
    process.exitCode = 130;
  } else {
    const { code, message, nextStep } = asChangeoverError(error);
    process.stderr.write(`\n${message}\n${code === 'INTERNAL' ? '' : `${nextStep}\n`}`);
    process.exitCode = code === 'BAD_SETTINGS' ? 2 : 1;
  }
}
