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

test.each([
  ['mapping.json', (to: string) => JSON.stringify({ tables: { 'crm.kunde': { to } } }), []],
  ['mapping.mjs', (to: string) => `export default { tables: { 'crm.kunde': { to: '${to}' } } };`, []],
  ['mapping.cjs', (to: string) => `module.exports = { tables: { 'crm.kunde': { to: '${to}' } } };`, []],
  ['mapping.ts', (to: string) => `const to: string = '${to}'; export default { tables: { 'crm.kunde': { to } } };`, []],
  [
    'name.mjs',
    (to: string) => `export const to = '${to}';`,
    ['mapping.ts', `import { to } from './name.mjs'; export default { tables: { 'crm.kunde': { to } } };`],
  ],
])('%s is read as it is now, also by a process that has read it before', async (name, content, importer) => {
  const [file = name, importing] = importer;
  if (importing !== undefined) await writeFile(join(folder, file), importing);
  for (const to of ['crm.a', 'crm.b', 'crm.c']) {
    await writeFile(join(folder, name), content(to));
    expect(await loadMapping(join(folder, file))).toEqual({ tables: { 'crm.kunde': { to } }, rules: [] });
  }
  await writeFile(join(folder, name), 'nothing {');
  await expect(loadMapping(join(folder, file))).rejects.toMatchObject({
    code: 'MAPPING_INVALID',
    message: expect.stringContaining(file) as string,
  });
});

test('what a mapping does behind its back, or to the process, ends nobody who has loaded one before', async () => {
  const own = JSON.stringify(EXPECTED);
  expect(await load('first.mjs', `export default ${own};`)).toEqual(EXPECTED);
  const late = `setTimeout(() => { throw new Error('late'); }, 1); export default ${own};`;
  // Before it is read, or behind that.
  for (let turn = 0; turn < 3; turn++) {
    const loaded = await load('late.mjs', late).catch((error: unknown) => error);
    expect([EXPECTED, expect.objectContaining({ code: 'MAPPING_INVALID' })]).toContainEqual(loaded);
  }
  await expect(load('exit.mjs', `process.exit(0); export default ${own};`)).rejects.toMatchObject({
    code: 'MAPPING_INVALID',
    message: expect.stringMatching(/exit\.mjs: it ends the process that loads it/u) as string,
  });
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

test('a file that is not there is MAPPING_INVALID, without the files of ours that looked for it', async () => {
  const file = join(folder, 'none.ts');
  const message = `the mapping ${file} cannot be loaded: Cannot find module '${file}'`;
  await expect(loadMapping(file)).rejects.toMatchObject({ code: 'MAPPING_INVALID', message });
});

test.each([
  ['mapping.ts', `export const rules: object[] = [];`],
  ['mapping.mjs', `export const rules = [];`],
  ['nothing.ts', `const rules: object[] = [];`],
  ['nothing.mjs', ``],
])('%s that holds %s is no mapping without rules, as its default export was forgotten', async (name, content) => {
  await expect(load(name, content)).rejects.toMatchObject({
    code: 'MAPPING_INVALID',
    message: `${join(folder, name)}: it has no default export: end it with \`export default defineMapping({ … });\``,
  });
});

test.each([
  ['mapping.ts', 'export let mapping: object;'],
  ['mapping.mjs', 'export let mapping;'],
])('%s whose default export is undefined is no mapping without rules', async (name, line) => {
  const said = {
    code: 'MAPPING_INVALID',
    message: `${join(folder, name)}: its default export is undefined: what it names may be spelled otherwise where it is imported from`,
  };
  await expect(load(name, `${line} export default mapping;`)).rejects.toMatchObject(said);
  await writeFile(join(folder, 'base.ts'), 'export const maping = { rules: [] };');
  await expect(load(name, `import { mapping } from './base.ts';\nexport default mapping;`)).rejects.toMatchObject(said);
});

test.each(['mapping.ts', 'mapping.mjs'])('%s that throws says where', async (name) => {
  await writeFile(join(folder, `rule-${name}`), `export const rule = (of) => {\n  throw new Error('boom');\n};`);
  const content = `import { rule } from './rule-${name}';\n\nexport default { rules: [rule({})] };`;
  await expect(load(name, content)).rejects.toMatchObject({
    code: 'MAPPING_INVALID',
    message: `the mapping ${join(folder, name)} cannot be loaded: rule-${name}:2:9: boom`,
  });
});

const OWN = `
import { custom, defineMapping, mapping } from '@changeover/mapping';
import { upper } from './upper.js';

interface Unused {
  readonly nothing: string;
}
const row = mapping().from('crm.kunde');
const greeting = custom({
  name: 'greeting',
  // Lines and types that are gone when it runs.
  fn: (title: string | null, name: string): string => {
    const told: string = title ?? '';
    return 'process ' + told + name;
  },
});
const columns = { ...row.same('id'), greeting: greeting(row('title'), row('name')) };
export default defineMapping({ rules: [mapping().table('crm.customer', { from: row, columns, key: ['id'] })] });
`;

describe('a function of its own', () => {
  beforeEach(() => writeFile(join(folder, 'upper.ts'), 'export const upper = (text: string): string => text.toUpperCase();'));

  test('comes along as its text', async () => {
    const { rules } = await load('mapping.ts', OWN);
    const { greeting } = rules[0]?.columns ?? {};
    expect(greeting).toMatchObject({
      custom: 'greeting',
      fn: expect.stringMatching(/^\(title, name\) => \{[^]*'process ' \+ told \+ name;\s*\}$/u),
    });
  });

  test.each<[string, string, string]>([
    ["'process ' + told", "'process ' + process.pid + told", 'mapping.ts:14:25 (greeting): process is nothing of its own.'],
    ["'process ' + told", 'Date.now() + told', 'mapping.ts:14:17 (greeting): Date.now depends on the clock.'],
    ["'process ' + told", 'upper(told)', 'mapping.ts:14:12 (greeting): upper is nothing of its own.'],
    [
      'fn: (title',
      'inverse: () => [this, ""] as never,\n  fn: (title',
      'mapping.ts:12:19 (the inverse of greeting): this is nothing of its own.',
    ],
  ])(
    'with %s as %s is MAPPING_INVALID, with its place in the file',
    async (from, to, words) => {
      await expect(load('mapping.ts', OWN.replace(from, to))).rejects.toMatchObject({
        code: 'MAPPING_INVALID',
        message: expect.stringContaining(`mapping.ts: its own functions have 1 problem(s): ${words}`),
      });
    },
    60_000,
  );

  test('is found in the file where it is written, and all of them are told', async () => {
    const before = `import { custom } from '@changeover/mapping';\nexport const later = custom({ name: 'later', fn(text: string) {\n  return text + Math.random();\n} });\n`;
    await writeFile(join(folder, 'later.ts'), before);
    const text = OWN.replace("'process '", 'fetch').replace(
      'const columns = {',
      "import { later } from './later.js';\nconst columns = { b: later(row('b')),",
    );
    const error = (await load('mapping.ts', text).catch((caught: unknown) => caught)) as Error;
    expect(error.message).toContain('2 problem(s)');
    expect(error.message).toContain('later.ts:3:22 (later): Math.random');
    expect(error.message).toContain('mapping.ts:14:12 (greeting): fetch');
    // Where it is not written out, its place in its text.
    const built = OWN.replace(/fn: [^]*?\n {2}\},/u, "...{ fn: new Function('title', 'return performance.now()') as never },");
    await expect(load('mapping.ts', built)).rejects.toMatchObject({
      message: expect.stringMatching(/: line 3, column 8 of it \(greeting\): performance is/u),
    });
  }, 60_000);

  test('whose example is wrong is MAPPING_INVALID', async () => {
    const text = OWN.replace('  // Lines', "  examples: [[['Dr.', 'Ada'], 'Dr. Ada']],\n  // Lines");
    await expect(load('mapping.ts', text)).rejects.toMatchObject({
      code: 'MAPPING_INVALID',
      message: expect.stringContaining('mapping.ts: the custom function greeting, example 1: it gives "process Dr.Ada", not "Dr. Ada"'),
    });
  });
});
