import { ChangeoverError } from '@changeover/core';
import { connectTo } from '@changeover/example-crm';
import { escapeIdentifier } from 'pg';

import { bytesOf, quoted, sampleKeys } from './arrival.js';
import type { CopyScene } from './copy-scene.js';
import type { GivenTable } from './first-copy-options.js';

type Column = {
  readonly name: string;
  readonly type: string;
  /** The type is one that every PostgreSQL has. */
  readonly builtIn: boolean;
  readonly required: boolean;
  /** Place in the primary key, from 1; 0: it is not in it. */
  readonly inKey: number;
};

const COLUMNS = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
         coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1 AS "inKey",
         coalesce(element.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace AS "builtIn"
    FROM pg_attribute AS a
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_type AS element ON t.typcategory = 'A' AND element.oid = t.typelem
    LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
   WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY a.attnum`;

/** A table that somebody has: it is read, and nothing of it is changed. */
export async function givenTable({ sourceUrl, targetServerUrl, table }: GivenTable): Promise<CopyScene> {
  await using source = await connectTo(sourceUrl);
  const { rows: columns } = await source.query<Column>(COLUMNS, [quoted(table)]);
  const key = columns.filter(({ inKey }) => inKey > 0).sort((a, b) => a.inKey - b.inKey);
  if (key.length === 0) throw new ChangeoverError('BAD_SETTINGS', `there is no table ${table} with a primary key`);
  const keyNames = key.map(({ name }) => name);
  const counted = await source.query<[string]>({ text: `SELECT count(*) FROM ${quoted(table)}`, rowMode: 'array' });
  const rows = Number(counted.rows[0]?.[0]);
  if (rows === 0) throw new ChangeoverError('BAD_SETTINGS', `${table} holds no rows`);
  const side = {
    ddl: tableDdl(table, columns, keyNames),
    arrivals: [{ table, key: keyNames, rows, samples: await sampleKeys(source, { table, key: keyNames }) }],
  };
  return {
    sourceUrl,
    targetServerUrl,
    tables: [table],
    rows,
    tableBytes: await bytesOf(source, [table]),
    asTheyAre: side,
    changeover: { ...side, mapping: undefined, held: 0 },
  };
}

/** The same columns under the same key; types that the other database would have to be taught are text there. */
function tableDdl(table: string, columns: readonly Omit<Column, 'inKey'>[], key: readonly string[]): string {
  const lines = columns.map(({ name, type, builtIn, required }) => {
    const shown = builtIn ? type : type.endsWith('[]') ? 'text[]' : 'text';
    return `${escapeIdentifier(name)} ${shown}${required ? ' NOT NULL' : ''}`;
  });
  const schema = escapeIdentifier(table.slice(0, table.indexOf('.')));
  const primary = `PRIMARY KEY (${key.map((column) => escapeIdentifier(column)).join()})`;
  return `CREATE SCHEMA IF NOT EXISTS ${schema}; CREATE TABLE ${quoted(table)} (${[...lines, primary].join()})`;
}
