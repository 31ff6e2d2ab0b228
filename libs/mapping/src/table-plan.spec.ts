import { tableSchemaHash, type TableSchema } from '@changeover/events';

import { parseMapping } from './mapping.js';
import { targetSchema } from './table-plan.js';

const table = (name: string): TableSchema => {
  const form = { schema: 'public', table: name, columns: [], identity: 'key' } as const;
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
    expect(() => parseMapping({ tables: { 'public.a': { to: 'public.b' }, 'public.b': {} } })).toThrow(expect.objectContaining(both));
    const swapped = parseMapping({ tables: { 'public.a': { to: 'public.b' }, 'public.b': { to: 'public.a' } } });
    expect(targetSchema(swapped, table('b'))).toMatchObject({ table: 'a' });
  });
});
