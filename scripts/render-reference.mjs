// Writes docs/reference/errors.md and cleaners.md from the code (after a build); with --check says whether they are as the code has it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CLEANERS } from '../libs/cleaning/dist/index.js';
import { ERROR_PAGES } from '../libs/core/dist/index.js';
import { ROOT } from './prepare.mjs';

const POLICIES = {
  retry: 'Changeover tries again by itself, with growing pauses, for as long as it takes.',
  stop: 'The process ends with exit code 1.',
};

function renderErrors(pages) {
  const sections = Object.entries(pages).flatMap(([code, { meaning, nextStep, policy, does = POLICIES[policy] }]) => [
    `## ${code}`,
    '',
    meaning,
    '',
    `**What to do.** ${nextStep}`,
    '',
    `**What Changeover does.** ${does}`,
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

function renderCleaners(cleaners) {
  const sections = cleaners.flatMap(({ name, version, doc, problems, options, examples, inverse }) => [
    `## ${name}`,
    '',
    doc,
    '',
    ...(options.length === 0 ? ['It has no options.', ''] : ['| option | type | default | meaning |', '|---|---|---|---|']),
    ...options.map(
      ({ name: option, type, defaultValue, required, description }) =>
        `| \`${option}\` | ${type} | ${required ? 'required' : defaultValue === null ? '' : code(defaultValue)} | ${description} |`,
    ),
    ...(options.length === 0 ? [] : ['']),
    '| text | options | becomes |',
    '|---|---|---|',
    ...examples.map(
      (example) =>
        `| ${code(literal(example.from))} | ${example.options === undefined ? '' : code(literal(example.options))} | ${
          'to' in example ? code(literal(example.to)) : `problem: ${example.problem}`
        } |`,
    ),
    '',
    wayBack(inverse, examples),
    '',
    `${problems.length === 0 ? 'It takes every text.' : `Problems: ${problems.join(', ')}.`} Version ${version}.`,
    '',
  ]);
  return [
    '# Cleaners',
    '',
    'Rendered from `libs/cleaning/src/cleaners.ts`; change it there. Every example is a test.',
    '',
    'A cleaner is a pure function of one text, named by `convert` in a mapping. What it gives depends on the text and its options alone: on no',
    'clock, no chance and no locale. Where it has no answer it gives a problem: a stable word, never the value.',
    '',
    'The way back says whether the old text can be had from the new value. _Exact_: it can. _Kept_: several texts become the same value, and differ in what is',
    'named, so the old text has to be kept beside the value; where the value changes, a text is written that becomes the new one. _Lossy_: there is no way.',
    '',
    ...sections,
  ].join('\n');
}

/** With which options of the examples it is what. */
function wayBack(inverse, examples) {
  const ways = new Map();
  for (const { options } of examples) {
    const { kind, reason } = inverse(options);
    const words = reason === undefined ? kind : `${kind} (${reason})`;
    if (!ways.has(words)) ways.set(words, options === undefined ? '' : ` with ${code(literal(options))}`);
  }
  return ways.size === 1 ? `Way back: ${[...ways.keys()].join()}.` : `Way back: ${[...ways].map((way) => way.join('')).join('; ')}.`;
}

/** As JSON, with what cannot be seen as an escape. */
function literal(value) {
  return JSON.stringify(value).replace(
    /[\u0300-\u036f]|[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060\ufeff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function code(text) {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

const pages = { 'errors.md': renderErrors(ERROR_PAGES), 'cleaners.md': renderCleaners(CLEANERS) };
for (const [name, rendered] of Object.entries(pages)) {
  const file = join(ROOT, 'docs/reference', name);
  if (!process.argv.includes('--check')) {
    await writeFile(file, rendered);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== rendered) {
    console.error(`docs/reference/${name} is not what the code says: run \`node scripts/render-reference.mjs\``);
    process.exitCode = 1;
  }
}
