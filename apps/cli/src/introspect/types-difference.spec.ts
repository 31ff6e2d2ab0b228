import type { DescribedColumn, DescribedTable } from '@changeover/events';

import { renderTypes } from './render-types.js';
import { renderDifference, typesDifference, type TypesDifference } from './types-difference.js';

const column = (name: string, base = 'text', notNull = false): DescribedColumn => {
  return { name, type: base, base, labels: null, notNull, fills: false, identity: null, generated: false, default: null, comment: null };
};
const table = (name: string, columns: readonly DescribedColumn[], change: Partial<DescribedTable> = {}): DescribedTable => {
  return { schema: 'crm', table: name, columns, key: ['id'], uniques: [], foreignKeys: [], comment: null, ...change };
};
const types = (...tables: readonly DescribedTable[]): string =>
  renderTypes({ source: [table('old', [column('id')])], target: tables }, { comments: false });
const none: TypesDifference = { missing: [], extra: [], changed: [] };

const PERSON = table('person', [column('id', 'bigint', true), column(`it's "a\\b"`)]);

test('equal texts do not differ', () => {
  expect(typesDifference(types(PERSON), types(PERSON))).toEqual(none);
});

test('a table that is new, or gone, is named without its columns', () => {
  const other = table('deal', [column('id')]);
  expect(typesDifference(types(PERSON), types(PERSON, other))).toEqual({ ...none, missing: ['target crm.deal'] });
  expect(typesDifference(types(PERSON, other), types(PERSON))).toEqual({ ...none, extra: ['target crm.deal'] });
});

test('columns and what stands beside them are named by what they are', () => {
  const now = table('person', [column('id', 'uuid', true), column('name')], {
    key: ['id', 'name'],
    uniques: [{ name: 'u', columns: ['name'], expressions: ['name'], predicate: null }],
    foreignKeys: [{ columns: ['id'], toSchema: 'crm', toTable: 'old', toColumns: ['id'] }],
  });
  const difference = typesDifference(types(PERSON), types(now));
  expect(difference).toEqual({
    missing: ['target crm.person.name', 'target crm.person: references crm.old'],
    extra: [`target crm.person.it's "a\\b"`],
    changed: ['target crm.person.id', 'target crm.person: key', 'target crm.person: unique'],
  });
  expect(renderDifference(difference).split('\n')).toEqual([
    '+ target crm.person.name',
    '+ target crm.person: references crm.old',
    `- target crm.person.it's "a\\b"`,
    '~ target crm.person.id',
    '~ target crm.person: key',
    '~ target crm.person: unique',
    '',
  ]);
});

test('a column that may be left out, or be null, is another one', () => {
  const now = table('person', [column('id', 'bigint'), column(`it's "a\\b"`)]);
  expect(typesDifference(types(PERSON), types(now))).toEqual({ ...none, changed: ['target crm.person.id'] });
});

test('where a text names nothing, all is missing; where only comments differ, that is said', () => {
  expect(typesDifference('', types(PERSON))).toEqual({ ...none, missing: ['source', 'target'] });
  expect(renderDifference(none)).toContain('no name and no type differs');
});
