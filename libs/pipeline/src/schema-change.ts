import { ChangeoverError, type ErrorCode } from '@changeover/core';
import { tableName, type ColumnSchema, type TableSchema } from '@changeover/events';

type Verdict = { readonly code: ErrorCode; readonly what: string } | null;

/**
 * What a change of a source table means for rows that are at the target already. Nothing: a new column that starts as null in
 * every row, a constraint, an order of columns. SCHEMA_NEEDS_COPY: rows may have changed without a row event.
 * SCHEMA_NEEDS_MAPPING: a column that was mapped is gone.
 */
export function judgeSchemaChange(before: TableSchema, after: TableSchema): Verdict {
  const now = new Map(after.columns.map((column) => [column.name, column]));
  const gone = before.columns.filter((column) => !now.has(column.name));
  if (gone.length > 0) return { code: 'SCHEMA_NEEDS_MAPPING', what: `${list(gone)} dropped or renamed` };
  const what = changeWithoutRowEvents(before, after);
  return what === null ? null : { code: 'SCHEMA_NEEDS_COPY', what };
}

/** What may have changed rows without a row event; null: nothing, and a key of the one form is a key of the other. */
export function changeWithoutRowEvents(before: TableSchema, after: TableSchema): string | null {
  const old = new Map(before.columns.map((column) => [column.name, column]));
  const filled = after.columns.filter((column) => !old.has(column.name) && column.fill !== 'none');
  if (filled.length > 0)
    return `${list(filled)} added with a value for rows that were there (${filled.map((column) => column.fill).join(', ')})`;
  const retyped = after.columns.filter((column) => {
    const earlier = old.get(column.name);
    return earlier !== undefined && (earlier.type !== column.type || earlier.typmod !== column.typmod);
  });
  if (retyped.length > 0) return `type of ${list(retyped)} changed`;
  const replaced = after.columns.filter(({ name, id }) => id !== undefined && old.get(name) !== undefined && old.get(name)?.id !== id);
  if (replaced.length > 0) return `${list(replaced)} dropped or renamed, and another of the same name made`;
  const key = (table: TableSchema): string =>
    JSON.stringify(
      table.columns
        .filter((column) => column.key)
        .map((column) => column.name)
        .sort(),
    );
  if (key(before) !== key(after)) return 'key changed';
  if (before.generation !== after.generation)
    return 'its rows were written anew, read otherwise (a type or a generated column was altered), came or went (with a partition), without row events';
  return null;
}

/** Throws what {@link judgeSchemaChange} found. Nothing has to be done about a table that was empty, or `copied` again with the change. */
export function requireHarmless(before: TableSchema, after: TableSchema, copied: boolean): void {
  const verdict = judgeSchemaChange(before, after);
  if (verdict === null || (copied && verdict.code === 'SCHEMA_NEEDS_COPY')) return;
  throw new ChangeoverError(verdict.code, `${tableName(after)}: ${verdict.what}`, {
    facts: { table: tableName(after), change: verdict.what },
  });
}

function list(columns: readonly ColumnSchema[]): string {
  return columns.map((column) => column.name).join(', ');
}
