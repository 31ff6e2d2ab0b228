import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadMapping } from '@changeover/shell';

import { compileFiles } from './compile-files.js';

const PAGE = await readFile(fileURLToPath(new URL('../../docs/mapping.md', import.meta.url)), 'utf8');

/** The page's files, by the name in their first line. */
const FILES = Object.fromEntries([...PAGE.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)].map(([, name = '', text = '']) => [name, text]));
const [, RULE = ''] = /```json\n(.*?)```/s.exec(PAGE) ?? [];

describe('docs/mapping.md', () => {
  it('shows files that compile, and mistakes in them that do not', () => {
    expect(Object.keys(FILES)).toEqual([
      'names.ts',
      'types.ts',
      'account.ts',
      'person.ts',
      'account-summary.ts',
      'phones.ts',
      'subscriber.ts',
      'reply.ts',
      'note.ts',
      'deal.ts',
      'owner.ts',
      'first-line.ts',
      'mapping.ts',
    ]);
    const wrong = FILES['person.ts']?.replace(", LEFT: 'former'", '').replace("required: ['account_id', 'name']", "required: ['name']");
    const unindexed = FILES['account.ts']?.replace("columns: ['number']", "columns: ['name']");
    const called = FILES['note.ts']?.replace("firstLine(row('body'))", "firstLine(row('file1'))");
    const merged = FILES['subscriber.ts']?.replace("name: 'longest'", "nmae: 'longest'").replace('changed', 'chnaged');
    const wrongFiles = {
      'wrong.ts': wrong ?? '',
      'wrong-index.ts': unindexed ?? '',
      'wrong-call.ts': called ?? '',
      'wrong-merge.ts': merged ?? '',
    };
    const errors = compileFiles({ ...FILES, ...wrongFiles });
    expect(errors.filter((error) => !error.startsWith('wrong'))).toEqual([]);
    const mergeErrors = errors.filter((error) => error.startsWith('wrong-merge.ts')).join('\n');
    expect([mergeErrors.includes("'nmae'"), mergeErrors.includes('"chnaged"')]).toEqual([true, true]);
    expect(errors.filter((error) => error.startsWith('wrong-index.ts')).join('\n')).toContain('"name"');
    expect(errors.filter((error) => error.startsWith('wrong-call.ts')).join('\n')).toContain('string | null');
    expect(errors.join('\n')).toContain("Property 'LEFT' is missing");
    expect(errors.join('\n')).toContain("Type 'Value<`${number}` | null,");
  }, 180_000);

  it('shows mappings that load, and a rule as the data that it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'changeover-docs-'));
    try {
      for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
      expect(await loadMapping(join(folder, 'names.ts'))).toMatchObject({ tables: { 'public.users': { to: 'crm.app_user' } } });
      const { rules } = await loadMapping(join(folder, 'mapping.ts'));
      expect(rules.map(({ target }) => target)).toEqual([
        'crm.account',
        'crm.account_summary',
        'crm.phone',
        'crm.phone',
        'crm.person',
        'crm.note',
        'crm.subscriber',
        'crm.reply',
      ]);
      expect(rules[0]).toEqual(JSON.parse(RULE));
      expect((await loadMapping(join(folder, 'deal.ts'))).rules).toHaveLength(1);
      const [looking] = (await loadMapping(join(folder, 'owner.ts'))).rules;
      expect(looking?.joins).toMatchObject([{ as: 'owner', table: 'target:crm.member', all: { atMost: 1 } }]);
      expect(rules.find(({ target }) => target === 'crm.note')?.columns['title']).toMatchObject({
        custom: 'firstLine',
        inputs: [{ column: 'body' }],
        invalid: 'held',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
