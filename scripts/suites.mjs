// Which suites there are, and what each needs. Pure, but for the look at the spec files.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ROOT, TSC } from './prepare.mjs';

const bin = (path) => join(ROOT, 'node_modules', path);

/** Checks of the source itself; each counts as one test. The build comes first: all others read its declarations. */
export const STATIC_CHECKS = [
  { name: 'types of the specs', args: [TSC, '-p', 'tsconfig.spec.json'] },
  {
    name: 'eslint',
    args: [bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0'],
  },
  { name: 'prettier', args: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
  {
    name: 'import rules',
    args: [
      bin('dependency-cruiser/bin/dependency-cruise.mjs'),
      'apps',
      'libs',
      'examples',
      'bench',
      'test',
      '--config',
      '.dependency-cruiser.cjs',
    ],
  },
  { name: 'unused code', args: [bin('knip/bin/knip.js')] },
  { name: 'container files', args: ['scripts/check-containers.mjs'] },
];

/** In the order in which they run: what fails fast comes first. */
export const JEST_SUITES = [
  {
    name: 'unit',
    servers: false,
    workers: 2,
    minutes: 15,
    owns: (path) => !path.startsWith('test/') && !/\.(int|e2e)\.spec\.ts$/.test(path),
  },
  {
    name: 'integration',
    servers: true,
    workers: 2,
    minutes: 20,
    owns: (path) => !path.startsWith('test/') && path.endsWith('.int.spec.ts'),
  },
  // One at a time: these start whole systems, and some measure time.
  { name: 'end to end', servers: true, workers: 1, minutes: 70, owns: (path) => path.startsWith('test/') || path.endsWith('.e2e.spec.ts') },
];

/** All spec files, relative to the root, with `/`. */
export function findSpecs() {
  return ['libs', 'apps', 'examples', 'bench', 'test'].flatMap((folder) => walk(folder)).sort();
}

function walk(folder) {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : walk(path);
    return entry.name.endsWith('.spec.ts') ? [path] : [];
  });
}

/** Dumps of a real pair of CRMs, which others wrote and are no part of the clone: in the folder that CHANGEOVER_CRM_DUMPS names, else beside the clone. */
export const CRM_DUMPS = process.env.CHANGEOVER_CRM_DUMPS ?? join(dirname(ROOT), 'shared/crm');

/** A spec that needs them says so by the name of what it calls. */
export function needsCrmDumps(path) {
  return /\bdescribeRealCrms\(/.test(readFileSync(join(ROOT, path), 'utf8'));
}

/** A spec that asks for a broker says so by the name of what it calls. */
export function needsKafka(path) {
  return /\b(testKafka|startKafka)\b/.test(readFileSync(join(ROOT, path), 'utf8'));
}
