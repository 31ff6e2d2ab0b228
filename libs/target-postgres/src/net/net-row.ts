import type { Frame, Line, TableSchema } from '@changeover/events';

/** What a whole batch does to one row of the target. */
export type NetRow = {
  readonly kind: 'insert' | 'update' | 'delete';
  /** The last record of `writes` that touched it. */
  readonly seq: number;
  /** A line whose key columns name the row as the target holds it before the batch; null for an insert, and for an update of a row that has gone. */
  readonly origin: Line | null;
  /** Those key columns as {@link keyText}; null for an insert, and in a table without a key. */
  readonly originKey: string | null;
  /** The row afterwards; fields may be left out as unchanged. null for a delete. */
  readonly line: Line | null;
  /** Its key afterwards; null for a delete, and in a table without a key. */
  readonly key: string | null;
};

/** By what a table's rows are found: their key, all their columns, or never (it only grows). */
export type Addressing = 'key' | 'whole-row' | 'insert-only';

/** A frame, with the record of `writes` that it stands in and the form of its rows. */
export type PlacedFrame = { readonly seq: number; readonly schema: TableSchema; readonly frame: Frame };

type TableChanges = {
  readonly schema: TableSchema;
  readonly addressing: Addressing;
  readonly rows: readonly NetRow[];
  /** All that happens to the table, `rows` being empty: rows come, and netting would not find anything else ({@link segmentsOf}). */
  readonly created?: readonly PlacedFrame[];
};

/** A part of a batch that can be netted: `truncated` is emptied first, then the rows' order no longer matters. */
export type Segment = {
  readonly truncated: readonly TableSchema[];
  readonly changes: readonly TableChanges[];
};

export function tableId(schema: { readonly schema: string; readonly table: string }): string {
  return `${schema.schema}.${schema.table}`;
}

export function addressingOf(schema: TableSchema): Addressing {
  if (schema.columns.some((column) => column.key)) return 'key';
  return schema.identity === 'full' ? 'whole-row' : 'insert-only';
}

export function keyColumns(schema: TableSchema): number[] {
  return schema.columns.flatMap((column, index) => (column.key ? [index] : []));
}
