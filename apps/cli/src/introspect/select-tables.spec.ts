import type { DescribedTable } from '@changeover/events';

import { selectTables } from './select-tables.js';

const table = (schema: string, name: string): DescribedTable => {
  return { schema, table: name, columns: [], key: [], uniques: [], foreignKeys: [], comment: null };
};
const ENDS = {
  source: [table('public', 'accounts'), table('public', 'contacts'), table('public', 'a.b+c')],
  target: [table('crm', 'account'), table('crm', 'person')],
};
const selected = (...patterns: readonly string[]): readonly string[] => {
  const { source = [], target = [] } = selectTables(ENDS, patterns);
  return [...source, ...target].map((one) => `${one.schema}.${one.table}`);
};

test.each([
  [['public.contacts'], ['public.contacts']],
  [['public.*'], ['public.accounts', 'public.contacts', 'public.a.b+c']],
  [['*.account*'], ['public.accounts', 'crm.account']],
  [
    ['public.a.b+c', 'crm.p*n'],
    ['public.a.b+c', 'crm.person'],
  ],
  [
    ['public.contacts', 'public.*s'],
    ['public.accounts', 'public.contacts'],
  ],
])('%j names %j', (patterns, tables) => {
  expect(selected(...patterns)).toEqual(tables);
});

test('a pattern that names no table is told', () => {
  expect(() => selected('crm.person', 'crm.people', 'publicxcontacts', 'contacts')).toThrow(
    expect.objectContaining({ code: 'BAD_SETTINGS', message: '--table: there is no such table: crm.people, publicxcontacts, contacts' }),
  );
});

test('an end that was not read stays away', () => {
  expect(selectTables({ target: ENDS.target }, ['crm.*'])).toEqual({ target: ENDS.target });
});
