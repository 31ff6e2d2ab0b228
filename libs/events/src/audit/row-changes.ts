import { parseRows } from '../frame/copy-text.js';
import type { Frame, Operation } from '../frame/frame.js';
import type { TableSchema } from '../frame/table-schema.js';

/** Values by column, as the source's text; a column that the line does not tell is undefined. */
export type RowValues = Readonly<Record<string, string | null | undefined>>;

/** One row of a frame. Of a truncation: one without rows. */
export type RowChange = {
  readonly table: TableSchema;
  readonly op: Operation;
  readonly before: RowValues | null;
  readonly after: RowValues | null;
};

/** For tools: the whole frame as objects, one row at a time. */
export function* rowChanges({ op, before, rows }: Frame, table: TableSchema): Generator<RowChange> {
  if (op === 't') {
    yield { table, op, before: null, after: null };
    return;
  }
  const lines = parseRows(rows);
  const pair = op === 'u' && before !== 'none';
  for (let at = 0; at < lines.length; at += pair ? 2 : 1) {
    const first = named(table, lines[at] ?? []);
    if (op === 'd') yield { table, op, before: first, after: null };
    else if (pair) yield { table, op, before: first, after: named(table, lines[at + 1] ?? []) };
    else yield { table, op, before: null, after: first };
  }
}

function named({ columns }: TableSchema, values: readonly (string | null | undefined)[]): RowValues {
  return Object.fromEntries(columns.map(({ name }, index) => [name, values[index]]));
}
