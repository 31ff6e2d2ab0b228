import { tableSchemaHash, type ColumnSchema, type TableSchema } from '@changeover/events';

import { judgeSchemaChange } from './schema-change.js';

const column = (name: string, facts: Partial<ColumnSchema> = {}): ColumnSchema => ({
  name,
  type: 'text',
  typeOid: 25,
  typmod: -1,
  notNull: false,
  key: false,
  fill: 'none',
  ...facts,
});

const form = (...columns: readonly ColumnSchema[]): TableSchema => {
  const table = { schema: 'public', table: 't', columns, identity: 'key' } as const;
  return { ...table, hash: tableSchemaHash(table) };
};

describe('a column that is another, though it looks the same', () => {
  const before = form(column('id', { key: true, id: 1 }), column('v', { id: 2 }), column('w', { id: 3 }));

  it.each([
    ['dropped and made again', form(column('id', { key: true, id: 1 }), column('v', { id: 4 }), column('w', { id: 3 }))],
    ['exchanged with another by name', form(column('id', { key: true, id: 1 }), column('w', { id: 2 }), column('v', { id: 3 }))],
  ])('is one whose rows changed without a row event: %s', (_, after) => {
    expect(after.hash).not.toBe(before.hash);
    expect(judgeSchemaChange(before, after)).toMatchObject({ code: 'SCHEMA_NEEDS_COPY' });
  });

  it('is the same where nobody knows', () => {
    expect(judgeSchemaChange(before, form(column('id', { key: true, id: 1 }), column('v'), column('w', { id: 3 })))).toBeNull();
  });
});
