import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { ChangeoverError } from '@changeover/core';

import { writing } from '../writing.js';

/** JSON has no comments: what each option means is in docs/reference/settings.md. */
const SETTINGS = {
  migration: 'crm',
  source: { type: 'postgres', url: 'env:SOURCE_URL', schemas: ['public'] },
  target: { type: 'postgres', url: 'env:TARGET_URL' },
  mapping: './mapping.ts',
};

const MAPPING = `import { defineMapping } from '@changeover/mapping';

/**
 * What goes where. While there are no rules, a table or column that is not named keeps its name, so an empty mapping copies everything as it is.
 *
 *   tables: {
 *     'public.kunde': {
 *       to: 'crm.customer',
 *       columns: { kundennr: 'customer_no', geaendert: 'updated_at' },
 *     },
 *   },
 *
 * Rows that are made of others have rules. Write the types that they are checked against with
 *
 *   changeover introspect --out types.ts
 *
 * and see docs/mapping.md:
 *
 *   const map = mapping<Source, Target>();
 *   const kunde = map.from('public.kunde');
 *   …
 *   rules: [map.table('crm.customer', { from: kunde, columns: { id: kunde('kundennr') }, key: ['id'] })],
 */
export default defineMapping({
  tables: {},
});
`;

/** Writes a settings file and the mapping beside it, and gives their names. FILE_EXISTS if one of them is there: then nothing is written. */
export async function writeScaffold(settingsFile: string): Promise<readonly string[]> {
  const files = [
    { path: settingsFile, content: `${JSON.stringify(SETTINGS, undefined, 2)}\n` },
    { path: join(dirname(settingsFile), 'mapping.ts'), content: MAPPING },
  ];
  const taken = files.find(({ path }) => existsSync(path));
  if (taken !== undefined) throw new ChangeoverError('FILE_EXISTS', `${taken.path} exists`, { facts: { file: taken.path } });
  for (const { path, content } of files) await writing(path, () => writeFile(path, content, { flag: 'wx' }));
  return files.map(({ path }) => path);
}

/** Whether `file` is the mapping that {@link writeScaffold} wrote, and nobody has put anything into it: then nothing is lost with it. */
export async function isMappingOfScaffold(file: string): Promise<boolean> {
  return (await writing(file, () => readFile(file, 'utf8'))) === MAPPING;
}
