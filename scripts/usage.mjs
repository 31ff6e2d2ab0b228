// What `--help` of each command says, also in a fresh clone: nothing is installed or built for it. Imports nothing that has to be installed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ROOT } from './prepare.mjs';

/** Programs say their own usage; before they are built it stands in their sources alone. */
const SOURCES = {
  demo: ['examples/crm/src/demo/demo-options.ts', 'DEMO_USAGE'],
  bench: ['bench/src/bench-options.ts', 'BENCH_USAGE'],
  'first-copy': ['bench/src/first-copy/first-copy-options.ts', 'FIRST_COPY_USAGE'],
  soak: ['bench/src/soak/soak-options.ts', 'SOAK_USAGE'],
};

export function asksForHelp(args) {
  return args.some((arg) => ['--help', '-h'].includes(arg));
}

export async function usageOf(command, args) {
  const [path, name] = SOURCES[command === 'bench' && args.includes('--first-copy') ? 'first-copy' : command];
  const text = new RegExp(`^export const ${name} = \`((?:\\\\.|[^\\\\\`])*)\`;$`, 'mu').exec(await readFile(join(ROOT, path), 'utf8'));
  return text[1].replace(/\\(.)/gu, '$1');
}
