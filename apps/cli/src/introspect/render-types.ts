import type { DescribedColumn, DescribedTable, DescribedUnique } from '@changeover/events';

import { columnType } from './column-type.js';
import { commented, propertyName, quotedText } from './quoted-text.js';

/** By which a file is known to be ours, and may be written over. */
export const FIRST_LINE = '// Written by `changeover introspect`. Do not edit: run it again when a table has changed.';

/** An end that is left out was not asked for. */
export type Ends = { readonly source?: readonly DescribedTable[]; readonly target?: readonly DescribedTable[] };

type RenderOptions = {
  /** With what the databases say in words of their own: comments, defaults, conditions. */
  readonly comments: boolean;
};

/** Types of the tables for `mapping<Source, Target>()`. The same tables give the same text. */
export function renderTypes({ source, target }: Ends, options: RenderOptions): string {
  const ends = [
    ...(source === undefined
      ? []
      : [
          [
            '/** Tables of the old database: what their columns hold. */',
            ...tablesType('Source', source, { ...options, column: sourceColumn }),
          ],
        ]),
    ...(target === undefined
      ? []
      : [
          [
            '/** Tables of the new database: what their columns take. A column with a question mark may be left out. */',
            ...tablesType('Target', target, { ...options, column: targetColumn }),
          ],
        ]),
  ];
  const lines = ends.flatMap((end, index) => (index === 0 ? end : ['', ...end]));
  const imports = lines.some((line) => line.includes('Text<')) ? [`import type { Text } from '@changeover/mapping';`, ''] : [];
  return `${[FIRST_LINE, ...imports, ...lines].join('\n')}\n`;
}

type TableOptions = RenderOptions & { readonly column: (column: DescribedColumn) => string };

function tablesType(name: string, tables: readonly DescribedTable[], options: TableOptions): readonly string[] {
  if (tables.length === 0) return [`export type ${name} = {};`];
  const referring = referringTables(tables);
  return [`export type ${name} = {`, ...tables.flatMap((table) => tableType(table, referring.get(nameOf(table)) ?? [], options)), '};'];
}

function tableType(table: DescribedTable, referring: readonly string[], { comments, column }: TableOptions): readonly string[] {
  const { columns, uniques, foreignKeys } = table;
  const words = [
    ...(comments && table.comment !== null ? [table.comment] : []),
    ...(referring.length === 0 ? [] : [`Referred to by ${referring.join(', ')}.`]),
  ];
  return [
    ...(words.length === 0 ? [] : [`  /** ${commented(words.join(' '))} */`]),
    `  ${quotedText(nameOf(table))}: {`,
    '    row: {',
    ...columns.flatMap((one) => [`      /** ${commented(columnWords(one, comments))} */`, `      ${column(one)}`]),
    '    };',
    `    key: ${orNever(keysOf(table).map(tuple))};`,
    ...uniques
      .filter((unique) => unique.predicate !== null || unique.columns === null)
      .map((unique) => `    /** ${commented(uniqueWords(unique, comments))} */`),
    `    unique: ${orNever(uniques.map(({ columns: names }) => (names === null ? 'string[]' : tuple(names))))};`,
    ...(foreignKeys.length === 0 ? [] : ['    references: {', ...references(table), '    };']),
    '  };',
  ];
}

/** By which a row can be found: the key, and each unique index over columns alone and for all rows. */
function keysOf({ key, uniques }: DescribedTable): readonly (readonly string[])[] {
  const others = uniques.flatMap(({ columns, predicate }) => (columns === null || predicate !== null ? [] : [columns]));
  return key.length === 0 ? others : [key, ...others];
}

/** By the tables that they lead to. */
function references({ foreignKeys }: DescribedTable): readonly string[] {
  const byParent = new Map<string, string[]>();
  for (const { columns, toSchema, toTable } of foreignKeys) {
    const parent = `${toSchema}.${toTable}`;
    byParent.set(parent, [...(byParent.get(parent) ?? []), tuple(columns)]);
  }
  return [...byParent].map(([parent, columns]) => `      ${quotedText(parent)}: ${orNever(columns)};`);
}

/** What refers to each table, of the tables that are told. */
function referringTables(tables: readonly DescribedTable[]): ReadonlyMap<string, readonly string[]> {
  const referring = new Map<string, string[]>();
  for (const table of tables) {
    for (const { columns, toSchema, toTable } of table.foreignKeys) {
      const parent = `${toSchema}.${toTable}`;
      referring.set(parent, [...(referring.get(parent) ?? []), `${nameOf(table)} (${columns.join(', ')})`]);
    }
  }
  return referring;
}

function columnWords({ type, generated, identity, default: fill, comment }: DescribedColumn, comments: boolean): string {
  const words = [type, ...(generated ? ['generated'] : []), ...(identity === null ? [] : [`identity (${identity})`])];
  if (!comments) return words.join(', ');
  if (fill !== null) words.push(`${generated ? 'as' : 'default'} ${fill}`);
  return words.join(', ') + (comment === null ? '' : `. ${comment}`);
}

function uniqueWords({ columns, expressions, predicate }: DescribedUnique, comments: boolean): string {
  const over = columns === null ? (comments ? expressions.join(', ') : 'an expression, so any columns may be named') : columns.join(', ');
  if (predicate === null) return `Over ${over}.`;
  return `Over ${over}; only rows ${comments ? `where ${predicate}` : 'that meet a condition'}.`;
}

function sourceColumn(column: DescribedColumn): string {
  return `${propertyName(column.name)}: ${orNull(columnType(column, 'source'), column)};`;
}

function targetColumn(column: DescribedColumn): string {
  if (column.generated) return `${propertyName(column.name)}?: never;`;
  const optional = column.fills || !column.notNull ? '?' : '';
  return `${propertyName(column.name)}${optional}: ${orNull(columnType(column, 'target'), column)};`;
}

function orNull(type: string, { notNull }: DescribedColumn): string {
  return notNull ? type : `${type} | null`;
}

function orNever(types: readonly string[]): string {
  return types.length === 0 ? 'never' : [...new Set(types)].join(' | ');
}

function tuple(columns: readonly string[]): string {
  return `[${columns.map(quotedText).join(', ')}]`;
}

function nameOf({ schema, table }: Pick<DescribedTable, 'schema' | 'table'>): string {
  return `${schema}.${table}`;
}
