import type { DescribedColumn, DescribedTable } from '@changeover/events';

import { columnType } from './column-type.js';
import { renderTypes } from './render-types.js';

const column = (name: string, change: Partial<DescribedColumn> = {}): DescribedColumn => {
  const base = change.base ?? change.type ?? 'text';
  return { name, type: base, base, labels: null, notNull: false, fills: false, generated: false, ...change };
};
const table = (name: string, key: readonly string[], ...columns: readonly DescribedColumn[]): DescribedTable => {
  return { schema: 'public', table: name, columns, key, foreignKeys: [] };
};

test('types of tables, as a mapping needs them', () => {
  const source = [
    table(
      'contacts',
      ['id'],
      column('id', { base: 'bigint', notNull: true }),
      column('e-mail', { type: 'character varying(80)', base: 'character varying' }),
      column('stage', { base: 'stage', labels: ['NEW', "it's"], notNull: true, fills: true }),
      column('seen', { base: 'timestamp without time zone' }),
    ),
  ];
  const target = [
    table(
      "o'dd",
      [],
      column('id', { base: 'uuid', notNull: true }),
      column('made', { base: 'timestamp without time zone', notNull: true, fills: true }),
      column('shown', { generated: true, notNull: true }),
      column('note', { type: 'crm."*/\n x"', base: 'text' }),
    ),
  ];
  expect(renderTypes({ source, target })).toBe(`// Written by \`changeover introspect\`. Do not edit: run it again when a table has changed.
import type { Text } from '@changeover/mapping';

/** Tables of the old database: what their columns hold. */
export type Source = {
  /** Key: id. */
  'public.contacts': {
    row: {
      /** bigint */
      id: \`\${number}\`;
      /** character varying(80) */
      'e-mail': string | null;
      /** stage */
      stage: 'NEW' | 'it\\'s';
      /** timestamp without time zone */
      seen: Text<'timestamp without time zone'> | null;
    };
  };
};

/** Tables of the new database: what their columns take. A column with a question mark may be left out. */
export type Target = {
  /** No key. */
  'public.o\\'dd': {
    row: {
      /** uuid */
      id: Text<'uuid'>;
      /** timestamp without time zone */
      made?: Text<'timestamp without time zone'> | Text<'date'>;
      /** crm."* / x" */
      note?: string | null;
    };
  };
};
`);
});

test('nothing is imported that is not used', () => {
  expect(renderTypes({ source: [table('a', ['id'], column('id', { base: 'integer' }))], target: [] })).not.toContain('import');
});

test.each([
  ['smallint', null, '`${number}`'],
  ['numeric', null, '`${number}`'],
  ['boolean', null, "'t' | 'f'"],
  ['character', null, 'string'],
  ['public.citext', null, 'string'],
  ['timestamp with time zone', null, "Text<'timestamp with time zone'>"],
  ['jsonb', null, "Text<'jsonb'> | Text<'json'>"],
  ['text[]', null, "Text<'text[]'>"],
  ['crm.status', ['a', 'b\\"'], "'a' | 'b\\\\\"'"],
  ['crm.none', [], 'never'],
])('%s (%j) takes %s', (base, labels, type) => {
  expect(columnType({ base, labels }, 'target')).toBe(type);
});

test('what is read at the source has one type', () => {
  expect(columnType({ base: 'jsonb', labels: null }, 'source')).toBe("Text<'jsonb'>");
});
