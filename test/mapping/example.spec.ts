import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { loadMapping, mappingTypeErrors } from '@changeover/shell';

import { compileFiles } from './compile-files.js';
import { EXAMPLE, SOURCE_TABLES, TARGET_TABLES } from './real-crms.js';

/** What is written instead in one of its files, and what the compiler says of it. */
const MISTAKES = [
  ['people.ts', "key: ['id']", "key: ['emailsPrimaryEmail']", '"emailsPrimaryEmail"'],
  ['people.ts', "columns: ['emailsPrimaryEmail']", "columns: ['phonesPrimaryPhoneNumber']", '"phonesPrimaryPhoneNumber"'],
  ['people.ts', "parent: 'workspace_new.company'", "parent: 'workspace_new.note'", '"workspace_new.note"'],
  ['people.ts', "row('first_name')", "row('firstname')", '"firstname"'],
  ['people.ts', "uuid(KEYS.contacts, contact('id'))", "contact('id')", 'Text<"uuid">'],
  ['opportunities.ts', "'CUSTOMER'", "'WON'", '"WON"'],
  ['opportunities.ts', "required: ['name', ", 'required: [', "'null' is not assignable"],
  ['companies.ts', "createdBySource: constant('IMPORT'),", "searchVector: row('name'),", "'undefined'"],
  ['members.ts', "userId: uuid(KEYS.users, row('id')),", '', "'userId' is missing"],
] as const;

describe('examples/suitecrm-to-twenty', () => {
  it('loads, and reads and makes the tables that its tests are about', async () => {
    const file = join(EXAMPLE, 'src/mapping.ts');
    const { rules } = await loadMapping(file);
    expect([...new Set(rules.map(({ target }) => target))].sort()).toEqual([...TARGET_TABLES].sort());
    const joined = rules.flatMap(({ joins = [] }) =>
      joins.flatMap(({ table, all }) => [table, ...(all?.joins ?? []).map((one) => one.table)]),
    );
    expect([...new Set([...rules.map(({ source }) => source), ...joined])].sort()).toEqual(SOURCE_TABLES);
    expect(await mappingTypeErrors(file)).toEqual([]);
  }, 60_000);

  it('has types that find mistakes', async () => {
    const wrong = await Promise.all(
      MISTAKES.map(async ([file, before, after], index) => {
        const text = await readFile(join(EXAMPLE, 'src', file), 'utf8');
        expect(text).toContain(before);
        return [`examples/suitecrm-to-twenty/src/wrong-${String(index)}.ts`, text.replace(before, after)] as const;
      }),
    );
    const errors = compileFiles(Object.fromEntries(wrong), { noUnusedLocals: false });
    for (const [index, [, , , problem]] of MISTAKES.entries()) {
      expect(errors.filter((error) => error.includes(`wrong-${String(index)}.`)).join('\n')).toContain(problem);
    }
  }, 180_000);
});
