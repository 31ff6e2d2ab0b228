// Writes docs/reference/errors.md from the code (after a build); with --check says whether the file is as the code has it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ERROR_PAGES } from '../libs/core/dist/index.js';
import { ROOT } from './prepare.mjs';

const POLICIES = {
  retry: 'Changeover tries again by itself, with growing pauses, for as long as it takes.',
  stop: 'The process ends with exit code 1.',
};

function renderErrors(pages) {
  const sections = Object.entries(pages).flatMap(([code, { meaning, nextStep, policy }]) => [
    `## ${code}`,
    '',
    meaning,
    '',
    `**What to do.** ${nextStep}`,
    '',
    `**What Changeover does.** ${POLICIES[policy]}`,
    '',
  ]);
  return [
    '# Errors',
    '',
    'Rendered from `libs/core/src/error-pages.ts`; change it there. Codes are stable: scripts may rely on them.',
    '',
    ...sections,
  ].join('\n');
}

const file = join(ROOT, 'docs/reference/errors.md');
const rendered = renderErrors(ERROR_PAGES);
if (!process.argv.includes('--check')) {
  await writeFile(file, rendered);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== rendered) {
  console.error('docs/reference/errors.md is not what the code says: run `node scripts/render-reference.mjs`');
  process.exitCode = 1;
}
