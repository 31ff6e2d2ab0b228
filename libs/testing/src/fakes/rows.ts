import type { Position } from '@changeover/core';
import { formatRows, tableSchemaHash, type ColumnSchema, type SourceEvent, type TableSchema } from '@changeover/events';

/** A table of text columns, of which the first is the key. */
export function textTable(name: string, columns: readonly string[], over: Partial<ColumnSchema> = {}): TableSchema {
  const [schema = 'public', table = name] = name.includes('.') ? name.split('.') : ['public', name];
  const form = {
    schema,
    table,
    identity: 'key' as const,
    columns: columns.map((column, index): ColumnSchema => ({
      name: column,
      type: 'text',
      typeOid: 25,
      typmod: -1,
      notNull: index === 0,
      key: index === 0,
      fill: 'none',
      ...(index === 0 ? {} : over),
    })),
  };
  return { ...form, hash: tableSchemaHash(form) };
}

export type RowsEvent = Extract<SourceEvent, { readonly type: 'rows' }>;

/** New rows, as a source sends them. */
export function inserted(table: TableSchema, ...rows: readonly (readonly (string | null)[])[]): RowsEvent {
  return { type: 'rows', table, op: 'c', before: 'none', partial: false, rowCount: rows.length, rows: formatRows(rows) };
}

/** Changed rows whose key stayed. */
export function updated(table: TableSchema, ...rows: readonly (readonly (string | null)[])[]): RowsEvent {
  return { ...inserted(table, ...rows), op: 'u' };
}

/** A row that moved to another key; `row` tells what of it was told (undefined: unchanged and too large to be told). */
export function moved(table: TableSchema, from: string, row: readonly (string | null | undefined)[]): RowsEvent {
  const key = table.columns.map((column) => (column.key ? from : undefined));
  return { type: 'rows', table, op: 'u', before: 'key', partial: row.includes(undefined), rowCount: 1, rows: formatRows([key, row]) };
}

export function truncated(table: TableSchema): RowsEvent {
  return { type: 'rows', table, op: 't', before: 'none', partial: false, rowCount: 0, rows: formatRows([]) };
}

export function deleted(table: TableSchema, ...keys: readonly string[]): RowsEvent {
  const lines = keys.map((key) => table.columns.map((column) => (column.key ? key : undefined)));
  return { type: 'rows', table, op: 'd', before: 'key', partial: false, rowCount: keys.length, rows: formatRows(lines) };
}

/** The n-th place of a scripted source. */
export function positionAt(n: number): Position {
  return String(n).padStart(8, '0') as Position;
}
