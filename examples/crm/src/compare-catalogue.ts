import { ChangeoverError } from '@changeover/core';
import type { ClientBase } from 'pg';

import { TABLE_PAIRS } from './crm-tables.js';

/** Refuses to compare by a list that leaves out a table or a column of either CRM: what is not compared proves nothing. */
export async function checkTableList(legacy: ClientBase, modern: ClientBase): Promise<void> {
  for (const [client, side, name] of [
    [legacy, 'legacy', 'old'],
    [modern, 'modern', 'new'],
  ] as const) {
    const schemas = [...new Set(TABLE_PAIRS.map((pair) => pair[side][0]))];
    const { rows } = await client.query<{ column: string }>(
      `SELECT table_schema || '.' || table_name || '.' || column_name AS "column"
         FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = ANY ($1) AND table_type = 'BASE TABLE'`,
      [schemas],
    );
    const actual = new Set(rows.map((row) => row.column));
    const index = side === 'legacy' ? 0 : 1;
    const listed = new Set(TABLE_PAIRS.flatMap((pair) => pair.columns.map((column) => `${pair[side].join('.')}.${column[index]}`)));
    const unlisted = [...actual].filter((column) => !listed.has(column));
    const absent = [...listed].filter((column) => !actual.has(column));
    if (unlisted.length + absent.length > 0) {
      throw new ChangeoverError(
        'INTERNAL',
        `the comparison's list does not fit the ${name} CRM: not listed: ${unlisted.join(', ') || 'none'}; not there: ${absent.join(', ') || 'none'}`,
      );
    }
  }
}
