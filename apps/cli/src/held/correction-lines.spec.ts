import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { correctionsIn } from './correction-lines.js';

async function read(text: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-corrections-'));
  try {
    const file = join(folder, 'c.jsonl');
    await writeFile(file, text);
    const found: unknown[] = [];
    for await (const one of correctionsIn(file)) found.push(one);
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const LINE = { table: 'old.kontakt', key: ['7', 'a b'], column: 'phone', to: '+49' };

test('a document a line, with what it leaves out', async () => {
  const lines = [LINE, { ...LINE, table: 'kontakt', to: null, from: null, why: 'he called' }];
  expect(await read(`${lines.map((line) => JSON.stringify(line)).join('\r\n\n')}\n`)).toEqual([
    { line: 1, wanted: { ...LINE, from: undefined, why: null } },
    { line: 3, wanted: { ...LINE, table: 'public.kontakt', to: null, from: null, why: 'he called' } },
  ]);
  expect(await read('')).toEqual([]);
});

test.each<[string, object | string]>([
  ['no JSON document', '{"table"'],
  ['no JSON object', '["secret"]'],
  ['no JSON object', 'null'],
  ['which is none of', { ...LINE, too: 'secret' }],
  ['table and column are texts', { ...LINE, column: 7 }],
  ['key is a list of texts', { ...LINE, key: 7 }],
  ['key is a list of texts', { ...LINE, key: [] }],
  ['key is a list of texts', { ...LINE, key: [7] }],
  ['to is a text, or null', { table: 't', key: ['1'], column: 'c' }],
  ['from is a text, null, or left out', { ...LINE, from: 7 }],
  ['why is a text, or left out', { ...LINE, why: {} }],
])('%s: names the line, and no value', async (message, line) => {
  const told = read(`${JSON.stringify(LINE)}\n${typeof line === 'string' ? line : JSON.stringify(line)}`);
  await expect(told).rejects.toMatchObject({
    code: 'BAD_SETTINGS',
    message: expect.stringMatching(/^line 2 of .*\.jsonl: (?!.*secret)/) as string,
  });
  await expect(told).rejects.toMatchObject({ message: expect.stringContaining(message) as string });
});

test('a file that cannot be read', async () => {
  await expect(correctionsIn('/nowhere/c.jsonl').next()).rejects.toMatchObject({ code: 'BAD_SETTINGS' });
});
