import { invariant } from '@changeover/core';
import { parseRows, type TableSchema } from '@changeover/events';
import pg from 'pg';

import { quoted } from '../captured-tables.js';
import type { Query } from '../sql-session.js';

type TableName = Pick<TableSchema, 'schema' | 'table'>;

/** What a query of the table's rows needs to know of it. `typical` bytes of a row, by what the last ANALYZE saw; 0: nothing. */
export type Layout = {
  readonly oid: number;
  readonly partitioned: boolean;
  readonly typical: number;
  readonly keys: readonly KeyColumn[];
};

export type KeyColumn = { readonly name: string; readonly type: string };

/** Columns of the key in the order of its index, which is the one that can be read piece by piece. */
const LAYOUT = `
  SELECT c.oid, c.relkind = 'p' AS partitioned,
         CASE WHEN c.reltuples > 0 THEN (c.relpages::float8 * current_setting('block_size')::int / c.reltuples)::int ELSE 0 END AS typical,
         coalesce((
           SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY k.place)
             FROM (SELECT i.indrelid, i.indkey, i.indnkeyatts FROM pg_index i
                    WHERE i.indrelid = c.oid AND i.indisvalid AND (i.indisprimary OR (c.relreplident = 'i' AND i.indisreplident))
                    ORDER BY c.relreplident = 'i' AND i.indisreplident DESC LIMIT 1) i,
                  unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, place),
                  pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attnum = k.attnum), '[]') AS keys
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`;

/** Of a table that is locked, so that it is there. */
export async function layoutOf({ schema, table }: TableName, query: Query): Promise<Layout> {
  const [layout] = (await query<Layout>(LAYOUT, [schema, table])) as [Layout];
  return layout;
}

/** The columns of the form in their order, of the rows that `which` (the clauses behind FROM) says. */
export function selectRows(table: TableName, { partitioned }: Layout, form: TableSchema, which: string): string {
  const columns = form.columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ');
  // ONLY: a table that inherits is copied for itself. Of a partitioned table all rows are in others.
  return `SELECT ${columns} FROM ${partitioned ? '' : 'ONLY '}${quoted(table)} ${which}`;
}

export function keyList(keys: readonly KeyColumn[]): string {
  return keys.map(({ name }) => pg.escapeIdentifier(name)).join(', ');
}

/** The setting of the transaction that holds the keys which are asked for: a JSON list of lists of texts, as {@link keysJson} gives it. */
export const KEYS = 'changeover.keys';

export function keysJson(keys: Buffer): string {
  return JSON.stringify(parseRows(keys));
}

/**
 * Whether the row's key is one of those in {@link KEYS}. Of the column's type with its modifier, because a bare `character` would cut the value to one.
 */
export function isOneOfKeys(keys: readonly KeyColumn[], form: TableSchema): string {
  const names = form.columns.flatMap((column) => (column.key ? [column.name] : []));
  invariant(keys.length > 0 && names.length === keys.length, 'rows are found by a key');
  const values = keys.map(({ name, type }) => `(k.value ->> ${String(names.indexOf(name))})::${type}`);
  return `(${keyList(keys)}) IN (SELECT ${values.join(', ')} FROM json_array_elements(current_setting('${KEYS}')::json) AS k)`;
}
