import { tableSchemaHash, textColumn, type TableSchema } from './table-schema.js';

/** The form of a table of ours at the target: all text. Its columns, each with whether it is of the key. */
export function ownTable(table: string, columns: readonly (readonly [name: string, key: boolean])[]): TableSchema {
  const form = { schema: 'changeover', table, columns: columns.map(([name, key]) => textColumn(name, key)), identity: 'full' as const };
  return { ...form, hash: tableSchemaHash(form) };
}
