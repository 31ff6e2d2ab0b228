import { lineOf, parseRows, REFERENCE_COLUMNS, tableName, type Line, type ReferenceColumn, type TableSchema } from '@changeover/events';
import { referredTable, type Row } from '@changeover/mapping';

import { heldKey } from './held-rows.js';
import { lineOfRow, rowOfLine } from './row-text.js';

/** A row of the target, in this form, as a row of `REFERENCE_TABLE`. `key`: as the state has it. */
export function referenceLine(migration: string, form: TableSchema, key: string, { bytes, start, end }: Line): Line {
  const row = rowOfLine(bytes.toString('utf8', start, end));
  const contents = JSON.stringify(Object.fromEntries(form.columns.map(({ name }, place) => [name, row[place] ?? null])));
  const values: Readonly<Record<ReferenceColumn, string>> = {
    migration,
    referred: referredTable(tableName(form)),
    row_key: heldKey(null, key),
    contents,
  };
  return lineOf(Buffer.from(`${lineOfRow(REFERENCE_COLUMNS.map((name) => values[name]))}\n`));
}

/** What such rows (COPY text) say: which table of the target a row is of, and its columns; what was not recorded then is left out. */
export function* referencesIn(
  rows: Buffer,
): Generator<{ readonly referred: string; readonly contents: Readonly<Record<string, string | null>> }> {
  for (const row of parseRows(rows) as Row[]) {
    const value = (name: ReferenceColumn): string => row[REFERENCE_COLUMNS.indexOf(name)] ?? '';
    yield { referred: value('referred'), contents: JSON.parse(value('contents')) as Readonly<Record<string, string | null>> };
  }
}
