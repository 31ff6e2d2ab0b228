import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { mappingTypeErrors } from './mapping-types.js';

const TYPES = `export type Source = { 'a.b': { row: { id: string; mail: string | null } } }; export type Target = { 'c.d': { row: { id: string } } };`;
const MAPPING = `
import { defineMapping, mapping } from '@changeover/mapping';
import { email } from '@changeover/cleaning';
import type { Source, Target } from './types.ts';

const map = mapping<Source, Target>();
const row = map.from('a.b');
export default defineMapping({ rules: [map.table('c.d', { from: row, columns: { id: row('id') }, key: ['id'] })] });
export const other = [email(row('mail')), process.env.HOME];
`;

test('the compiler reads a mapping and what it imports, wherever it stands', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-types-'));
  try {
    const file = join(folder, 'mapping.ts');
    await writeFile(join(folder, 'types.ts'), TYPES);
    await writeFile(file, MAPPING);
    expect(await mappingTypeErrors(file)).toEqual([]);
    await writeFile(file, MAPPING.replace("row('id')", "row('nr')").replace("row('mail')", "row('mial')"));
    await writeFile(join(folder, 'types.ts'), `${TYPES}\nexport const x: string = 1;`);
    expect((await mappingTypeErrors(file))?.toSorted()).toEqual([
      expect.stringMatching(/^mapping\.ts:8: .*"nr"/),
      expect.stringMatching(/^mapping\.ts:9: .*"mial"/),
      expect.stringMatching(/^types\.ts:2: .*'number'/),
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 180_000);

test.each([undefined, 'mapping.json', 'mapping.mjs'])('nothing is said of %s', async (file) => {
  expect(await mappingTypeErrors(file)).toBeNull();
});
