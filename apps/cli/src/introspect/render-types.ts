import type { DescribedColumn, DescribedTable } from '@changeover/events';

import { columnType } from './column-type.js';
import { commented, propertyName, quotedText } from './quoted-text.js';

/** By which a file is known to be ours, and may be written over. */
export const FIRST_LINE = '// Written by `changeover introspect`. Do not edit: run it again when a table has changed.';

type Ends = { readonly source: readonly DescribedTable[]; readonly target: readonly DescribedTable[] };

/** Types of the tables for `mapping<Source, Target>()`. The same tables give the same text. */
export function renderTypes({ source, target }: Ends): string {
  const tables = [
    '/** Tables of the old database: what their columns hold. */',
    ...tablesType('Source', source, sourceColumn),
    '',
    '/** Tables of the new database: what their columns take. A column with a question mark may be left out. */',
    ...tablesType('Target', target, targetColumn),
  ];
  const imports = tables.some((line) => line.includes('Text<')) ? [`import type { Text } from '@changeover/mapping';`, ''] : [];
  return `${[FIRST_LINE, ...imports, ...tables].join('\n')}\n`;
}

function tablesType(
  name: string,
  tables: readonly DescribedTable[],
  column: (column: DescribedColumn) => readonly string[],
): readonly string[] {
  if (tables.length === 0) return [`export type ${name} = {};`];
  return [
    `export type ${name} = {`,
    ...tables.flatMap((table) => [
      `  /** ${table.key.length === 0 ? 'No key.' : commented(`Key: ${table.key.join(', ')}.`)} */`,
      `  ${quotedText(`${table.schema}.${table.table}`)}: {`,
      '    row: {',
      ...table.columns.flatMap((one) => column(one).map((line) => `      ${line}`)),
      '    };',
      '  };',
    ]),
    '};',
  ];
}

function sourceColumn(column: DescribedColumn): readonly string[] {
  return [`/** ${commented(column.type)} */`, `${propertyName(column.name)}: ${orNull(columnType(column, 'source'), column)};`];
}

/** None for a column that nobody can write. */
function targetColumn(column: DescribedColumn): readonly string[] {
  if (column.generated) return [];
  const optional = column.fills || !column.notNull ? '?' : '';
  return [`/** ${commented(column.type)} */`, `${propertyName(column.name)}${optional}: ${orNull(columnType(column, 'target'), column)};`];
}

function orNull(type: string, { notNull }: DescribedColumn): string {
  return notNull ? type : `${type} | null`;
}
