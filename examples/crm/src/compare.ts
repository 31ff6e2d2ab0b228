import { invariant } from '@changeover/core';
import { escapeIdentifier, type ClientBase } from 'pg';

import { checkTableList } from './compare-catalogue.js';
import { compareSides, openSnapshot, type TableComparison } from './compare-sides.js';
import { TABLE_PAIRS, type ColumnPair, type TablePair } from './crm-tables.js';

export type Comparison = {
  readonly equal: boolean;
  readonly rows: number;
  readonly tables: readonly TableComparison[];
};

/**
 * Compares every row and every column of both CRMs, in both directions, as text. It shares no code with Changeover and
 * knows the tables from its own list. Each side is one snapshot; nobody should be writing meanwhile.
 */
export async function compareCrms(legacy: ClientBase, modern: ClientBase): Promise<Comparison> {
  await openSnapshot(legacy);
  await openSnapshot(modern);
  try {
    await checkTableList(legacy, modern);
    const tables: TableComparison[] = [];
    for (const pair of TABLE_PAIRS) tables.push(await compareTable(legacy, modern, pair));
    return {
      equal: tables.every((table) => table.missing + table.extra + table.different === 0),
      rows: tables.reduce((sum, table) => sum + table.legacyRows, 0),
      tables,
    };
  } finally {
    await legacy.query('ROLLBACK');
    await modern.query('ROLLBACK');
  }
}

function compareTable(legacy: ClientBase, modern: ClientBase, pair: TablePair): Promise<TableComparison> {
  const key = pair.key.map(([name]) => pair.columns.findIndex(([column]) => column === name));
  invariant(!key.includes(-1), `the key of ${pair.modern.join('.')} is not among its columns`);
  return compareSides({
    table: pair.modern.join('.'),
    columns: pair.columns.map(([, name]) => name),
    key,
    legacy: { client: legacy, query: selectText(pair.legacy, pair, 0) },
    modern: { client: modern, query: selectText(pair.modern, pair, 1) },
  });
}

/** Rows as texts, ordered by the bytes of their key: the same order on every server, whatever its collation. */
function selectText([schema, table]: readonly [string, string], pair: TablePair, side: 0 | 1): string {
  const text = (column: ColumnPair): string => `${escapeIdentifier(column[side])}::text`;
  return (
    `SELECT ${pair.columns.map(text).join(', ')} FROM ${escapeIdentifier(schema)}.${escapeIdentifier(table)} ` +
    `ORDER BY ${pair.key.map((column) => `${text(column)} COLLATE "C"`).join(', ')}`
  );
}
