import { parseRows, type TableSchema } from '@changeover/events';

/** What names a row of these lines for people: its key by column, or all of it where the table has none. */
export function keyOfLine({ columns }: TableSchema, lines: Buffer, line: number): Readonly<Record<string, string | null>> {
  const row = parseRows(lines)[line] ?? [];
  const isKeyed = columns.some(({ key }) => key);
  return Object.fromEntries(columns.flatMap(({ name, key }, at) => (key || !isKeyed ? [[name, row[at] ?? null]] : [])));
}
