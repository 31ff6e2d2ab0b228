import { tableSchemaHash, type TableSchema } from '@changeover/events';

import { parseMapping } from './mapping.js';
import { ruleSchema, tablesRead, tableUse, targetSchema } from './table-plan.js';

const table = (name: string, columns: TableSchema['columns'] = []): TableSchema => {
  const form = { schema: 'public', table: name, columns, identity: 'key' } as const;
  return { ...form, hash: tableSchemaHash(form) };
};

describe('where a table goes', () => {
  it('is its own name without a rule, and what the rule says with one', () => {
    const mapping = parseMapping({ tables: { 'public.a': { to: 'crm.b' } } });
    expect(targetSchema(mapping, table('a'))).toMatchObject({ schema: 'crm', table: 'b' });
    expect(targetSchema(mapping, table('c'))).toMatchObject({ schema: 'public', table: 'c' });
  });

  it('is no name that the rule of another has taken: their rows would overwrite each other', () => {
    const both = { code: 'MAPPING_INVALID', message: 'public.a and public.b both go to public.b' };
    const mapping = parseMapping({ tables: { 'public.a': { to: 'public.b' } } });
    expect(() => targetSchema(mapping, table('b'))).toThrow(expect.objectContaining(both));
    const swapped = parseMapping({ tables: { 'public.a': { to: 'public.b' }, 'public.b': { to: 'public.a' } } });
    expect(targetSchema(swapped, table('b'))).toMatchObject({ table: 'a' });
  });
});

describe('what becomes of a table', () => {
  const rule = {
    source: 'public.a',
    target: 'crm.a',
    joins: [{ as: 'b', table: 'public.b', on: { id: { column: 'b' } } }],
    columns: { id: { column: 'id' } },
    key: ['id'],
  };

  it('is to pass through, where there are no rules', () => {
    expect(tableUse(parseMapping({}), table('a'))).toMatchObject({ passed: { schema: 'public', table: 'a' }, read: false });
  });

  it('is to be read, to pass through if it is named, or to be ignored, where there are', () => {
    const mapping = parseMapping({ tables: { 'public.b': { to: 'crm.b' }, 'public.c': {} }, rules: [rule] });
    expect(tableUse(mapping, table('a'))).toEqual({ passed: null, read: true });
    expect(tableUse(mapping, table('b'))).toMatchObject({ passed: { schema: 'crm', table: 'b' }, read: true });
    expect(tableUse(mapping, table('c'))).toMatchObject({ passed: { schema: 'public', table: 'c' }, read: false });
    expect(tableUse(mapping, table('d'))).toEqual({ passed: null, read: false });
    expect([...tablesRead(mapping)]).toEqual(['public.a', 'public.b']);
  });
});

test('the rows of a rule are text in the order of its columns, and its key is theirs', () => {
  const schema = ruleSchema({
    source: 'public.a',
    target: 'crm.b.c',
    columns: { x: { constant: null }, id: { column: 'id' } },
    key: ['id'],
  });
  expect(schema).toMatchObject({
    schema: 'crm',
    table: 'b.c',
    identity: 'full',
    columns: [
      { name: 'x', type: 'text', key: false },
      { name: 'id', type: 'text', key: true },
    ],
  });
  expect(schema.hash).toBe(tableSchemaHash(schema));
});

test('a column may be named as something that every object has', () => {
  const column = { name: 'constructor', type: 'text', typeOid: 25, typmod: -1, notNull: false, key: false, fill: 'none' } as const;
  const mapping = parseMapping({ tables: { 'public.a': { columns: { x: 'y' } } } });
  expect(targetSchema(mapping, table('a', [column, { ...column, name: 'x' }])).columns.map(({ name }) => name)).toEqual([
    'constructor',
    'y',
  ]);
});
