import { tableSchemaHash, type ColumnSchema, type TableSchema } from '@changeover/events';

import { changeWithoutRowEvents, judgeSchemaChange, requireHarmless } from './schema-change.js';

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

describe('a table that was written anew', () => {
  const before = form(column('id', { key: true, id: 1 }), column('v', { id: 2 }));

  it('needs a copy though it looks the same, unless it was empty', () => {
    const table = { ...before, generation: 'another' };
    const after = { ...table, hash: tableSchemaHash(table) };
    expect(after.hash).not.toBe(before.hash);
    expect(judgeSchemaChange(before, after)).toMatchObject({ code: 'SCHEMA_NEEDS_COPY' });
    expect(() => {
      requireHarmless(before, after, false);
    }).toThrow(expect.objectContaining({ code: 'SCHEMA_NEEDS_COPY' }));
    expect(() => {
      requireHarmless(before, after, true);
    }).not.toThrow();
  });

  it('is no excuse for a mapped column that is gone', () => {
    expect(() => {
      requireHarmless(before, form(column('id', { key: true, id: 1 })), true);
    }).toThrow(expect.objectContaining({ code: 'SCHEMA_NEEDS_MAPPING' }));
  });
});

describe('what changes rows without row events', () => {
  const before = form(column('id', { key: true, id: 1 }), column('v', { id: 2 }));

  it('is found beside a column that is gone too', () => {
    const after = form(column('id', { key: true, id: 1 }), column('w', { id: 3, fill: 'default' }));
    expect(judgeSchemaChange(before, after)).toMatchObject({ code: 'SCHEMA_NEEDS_MAPPING' });
    expect(changeWithoutRowEvents(before, after)).toContain('w added');
    expect(changeWithoutRowEvents(before, form(column('id', { key: true, id: 1 }), column('v', { id: 2 }), column('x')))).toBeNull();
  });
});

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
