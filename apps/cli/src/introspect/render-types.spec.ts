import type { DescribedColumn, DescribedTable } from '@changeover/events';

import { columnType } from './column-type.js';
import { renderTypes } from './render-types.js';

const column = (name: string, change: Partial<DescribedColumn> = {}): DescribedColumn => {
  const base = change.base ?? change.type ?? 'text';
  const none = { labels: null, notNull: false, fills: false, identity: null, generated: false, default: null, comment: null };
  return { name, type: base, base, ...none, ...change };
};
const table = (name: string, change: Partial<DescribedTable>): DescribedTable => {
  return { schema: 'public', table: name, columns: [], key: [], uniques: [], foreignKeys: [], comment: null, ...change };
};
const unique = (columns: readonly string[] | null, predicate: string | null = null): DescribedTable['uniques'][number] => {
  return { name: 'u', columns, expressions: columns ?? ['lower(note)'], predicate };
};

const SOURCE = [
  table('contacts', {
    key: ['id'],
    columns: [
      column('id', { base: 'bigint', notNull: true, fills: true, identity: 'by default' }),
      column('e-mail', { type: 'character varying(80)', base: 'character varying', comment: 'of\nwork' }),
      column('stage', { base: 'stage', labels: ['NEW', "it's"], notNull: true, fills: true, default: "'NEW'::stage" }),
      column('seen', { base: 'timestamp without time zone' }),
    ],
    uniques: [unique(['e-mail'], "(stage <> 'NEW'::stage)")],
    comment: 'people */',
  }),
];
const TARGET = [
  table("o'dd", {
    columns: [
      column('id', { base: 'uuid', notNull: true }),
      column('made', { base: 'timestamp without time zone', notNull: true, fills: true, default: 'now()' }),
      column('shown', { generated: true, notNull: true, default: 'upper(note)' }),
      column('note', { type: 'crm."*/\n x"', base: 'text' }),
    ],
    uniques: [unique(['id']), unique(['id', 'note']), unique(null)],
    foreignKeys: [
      { columns: ['id'], toSchema: 'public', toTable: "o'dd", toColumns: ['id'] },
      { columns: ['note'], toSchema: 'public', toTable: "o'dd", toColumns: ['id'] },
      { columns: ['id', 'note'], toSchema: 'crm', toTable: 'x', toColumns: ['a', 'b'] },
    ],
  }),
];

test('types of tables, as a mapping needs them', () => {
  expect(renderTypes({ source: SOURCE, target: TARGET }, { comments: false }))
    .toBe(`// Written by \`changeover introspect\`. Do not edit: run it again when a table has changed.
import type { Text } from '@changeover/mapping';

/** Tables of the old database: what their columns hold. */
export type Source = {
  'public.contacts': {
    row: {
      /** bigint, identity (by default) */
      id: \`\${number}\`;
      /** character varying(80) */
      'e-mail': string | null;
      /** stage */
      stage: 'NEW' | 'it\\'s';
      /** timestamp without time zone */
      seen: Text<'timestamp without time zone'> | null;
    };
    key: ['id'];
    /** Over e-mail; only rows that meet a condition. */
    unique: ['e-mail'];
  };
};

/** Tables of the new database: what their columns take. A column with a question mark may be left out. */
export type Target = {
  /** Referred to by public.o'dd (id), public.o'dd (note). */
  'public.o\\'dd': {
    row: {
      /** uuid */
      id: Text<'uuid'>;
      /** timestamp without time zone */
      made?: Text<'timestamp without time zone'> | Text<'date'>;
      /** text, generated */
      shown?: never;
      /** crm."* / x" */
      note?: string | null;
    };
    key: ['id'] | ['id', 'note'];
    /** Over an expression, so any columns may be named. */
    unique: ['id'] | ['id', 'note'] | string[];
    references: {
      'public.o\\'dd': ['id'] | ['note'];
      'crm.x': ['id', 'note'];
    };
  };
};
`);
});

test('what the databases say in words of their own is there when it is asked for', () => {
  const text = renderTypes({ source: SOURCE, target: TARGET }, { comments: true });
  const words = [
    '/** people * / */',
    '/** character varying(80). of work */',
    "/** stage, default 'NEW'::stage */",
    "/** Over e-mail; only rows where (stage <> 'NEW'::stage). */",
    '/** text, generated, as upper(note) */',
    '/** Over lower(note). */',
  ];
  for (const word of words) expect(text).toContain(word);
  // And nothing else differs.
  const code = (types: string): string => types.replaceAll(/^ *\/\*\*.*\n/gmu, '');
  expect(code(text)).toBe(code(renderTypes({ source: SOURCE, target: TARGET }, { comments: false })));
});

test('an end that was not asked for is not there', () => {
  expect(renderTypes({ source: SOURCE }, { comments: false })).not.toContain('Target');
  expect(renderTypes({ target: TARGET }, { comments: false })).not.toContain('Source');
});

test('nothing is imported that is not used', () => {
  const numbers = table('a', { key: ['id'], columns: [column('id', { base: 'integer' })] });
  expect(renderTypes({ source: [numbers], target: [] }, { comments: false })).not.toContain('import');
});

test('a table without a key has none', () => {
  expect(renderTypes({ target: [table('a', {})] }, { comments: false })).toContain('    key: never;\n    unique: never;\n  };');
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
