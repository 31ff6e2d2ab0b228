import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SystemClock } from '@changeover/core';

import { loadMapping } from './load-mapping.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'changeover-mapping-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function load(name: string, content: string) {
  const file = join(folder, name);
  await writeFile(file, content);
  return loadMapping(file);
}

const EXPECTED = { tables: { 'crm.kunde': { to: 'crm.customer' } }, rules: [] };

test('no file: every table keeps its names', async () => {
  expect(await loadMapping(undefined)).toEqual({ tables: {}, rules: [] });
});

test.each([
  ['mapping.json', JSON.stringify(EXPECTED)],
  ['mapping.mjs', `export default ${JSON.stringify(EXPECTED)};`],
  ['mapping.ts', `const to: string = 'crm.customer'; export default { tables: { 'crm.kunde': { to } } };`],
])('%s is read', async (name, content) => {
  expect(await load(name, content)).toEqual(EXPECTED);
});

const RULES = `
import { defineMapping, mapping, type Tables } from '@changeover/mapping';
import { email } from '@changeover/cleaning';

const map = mapping();
const kunde = map.from('crm.kunde');
export default defineMapping({
  rules: [map.table('crm.customer', { from: kunde, columns: { ...kunde.same('id'), email: email(kunde('mail')) }, key: ['id'] })],
});
`;

test.each(['mapping.ts', 'mapping.mjs'])('%s makes rules with our own functions, wherever it stands', async (name) => {
  expect(await load(name, name.endsWith('.ts') ? RULES : RULES.replace(', type Tables', ''))).toEqual({
    tables: {},
    rules: [
      {
        source: 'crm.kunde',
        target: 'crm.customer',
        columns: { id: { column: 'id' }, email: { convert: 'email', input: { column: 'mail' }, invalid: 'held' } },
        key: ['id'],
      },
    ],
  });
});

test('a mapping may be put together from several files', async () => {
  await writeFile(
    join(folder, 'customer.ts'),
    RULES.replace('export default defineMapping({', 'export const customer = {').replace(/\}\);\n$/u, '};'),
  );
  const file = `import { customer } from './customer.js'; export default { tables: { 'crm.a': {} }, ...customer };`;
  expect((await load('mapping.ts', file)).rules).toMatchObject([{ target: 'crm.customer' }]);
});

test('an option that a converter does not have is MAPPING_INVALID, with its place', async () => {
  const wrong = RULES.replace("kunde('mail')", "kunde('mail'), { lowercase: 'all' } as object");
  await expect(load('mapping.ts', wrong)).rejects.toMatchObject({
    code: 'MAPPING_INVALID',
    message: expect.stringContaining('rules[0] (crm.customer).columns.email.options: converter email: there is no option lowercase'),
  });
});

test('a name that JavaScript gives a meaning is no name', async () => {
  await expect(load('mapping.json', '{"tables":{"__proto__":{"to":"crm.other"}}}')).rejects.toMatchObject({ code: 'MAPPING_INVALID' });
  expect(Object.prototype).not.toHaveProperty('to');
});

test.each([
  ['mapping.json', '{', 'cannot be loaded'],
  ['mapping.ts', 'export default {', 'cannot be loaded'],
  ['mapping.mjs', 'export default { tabels: {} }', 'problem'],
])('%s that holds %s is MAPPING_INVALID and names the file', async (name, content, words) => {
  const error: unknown = await load(name, content).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'MAPPING_INVALID', message: expect.stringContaining(name) });
  expect((error as Error).message).toContain(words);
});

test('a file that never comes to its end is MAPPING_INVALID, with what to do', async () => {
  const slept: number[] = [];
  class HastyClock extends SystemClock {
    override sleep(ms: number): Promise<void> {
      slept.push(ms);
      return Promise.resolve();
    }
  }
  const file = join(folder, 'mapping.mjs');
  await writeFile(file, 'await new Promise(() => undefined); export default {};');
  await expect(loadMapping(file, new HastyClock())).rejects.toMatchObject({
    code: 'MAPPING_INVALID',
    message: expect.stringMatching(/mapping\.mjs: it has not come to its end after 20 s\. Take out what it waits for/),
  });
  expect(slept).toEqual([20_000]);
});

test('a file that is not there is MAPPING_INVALID', async () => {
  await expect(loadMapping(join(folder, 'none.ts'))).rejects.toMatchObject({ code: 'MAPPING_INVALID' });
});
