import { bytesWords, countWords } from '@changeover/core';
import type { PreflightFinding } from '@changeover/events';

import { hasKey, keyLines, type CapturedTable } from './captured-tables.js';
import { isPublished, type Published } from './kept-at-source.js';
import { filledTables } from './slot-creation.js';
import type { SqlSession } from './sql-session.js';
import { tableSizes } from './table-sizes.js';

/** Rows that no change will tell of: those from before the slot, and those of tables that came later. `published`: null before the start. */
export async function rowFindings(
  sql: SqlSession,
  tables: readonly CapturedTable[],
  published: Published | null,
): Promise<PreflightFinding[]> {
  const concerned = tables.filter(
    (table) => table.readable && !table.rowSecurity && !(published !== null && isPublished(published, table)),
  );
  const names = await filledTables((text) => sql.query<{ index: number }>(text), concerned);
  const filled = concerned.filter(({ schema, table }) => names.includes(`${schema}.${table}`));
  const sizes = await tableSizes(sql, filled);
  return filled.map((table, index) => {
    const begun = published !== null;
    return hasKey(table) ? copiedRows(table, sizes[index] ?? { rows: null, bytes: 0 }, begun) : lostRows(table, begun);
  });
}

function copiedRows(
  { schema, table }: CapturedTable,
  size: { readonly rows: number | null; readonly bytes: number },
  begun: boolean,
): PreflightFinding {
  const name = `${schema}.${table}`;
  const stored = bytesWords(size.bytes);
  const amount = size.rows === null ? `rows that no ANALYZE has counted (${stored})` : `about ${countWords(size.rows)} rows (${stored})`;
  return {
    severity: begun ? 'warning' : 'ok',
    check: 'rows',
    message: begun
      ? `${name} came after the start: it is not captured before the next one, which copies its rows: ${amount}`
      : `${name} is copied at the start: ${amount}`,
    copy: { table: name, ...size },
  };
}

function lostRows(table: CapturedTable, begun: boolean): PreflightFinding {
  const name = `${table.schema}.${table.table}`;
  return {
    severity: begun ? 'warning' : 'error',
    check: 'rows',
    message: begun
      ? `${name} came after the start, holds rows and has no key by which they could be copied: it is not captured. It joins at a start at which it is empty`
      : `${name} holds rows, and has no key by which they could be copied. Or leave the table out`,
    fix: keyLines(table),
  };
}
