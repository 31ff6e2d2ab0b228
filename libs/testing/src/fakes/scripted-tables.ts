import { parseRows, type ChunkRequest, type TableSchema } from '@changeover/events';

import type { RowsEvent } from './rows.js';

export type Row = readonly (string | null | undefined)[];

/** The rows of a source's tables, by key (the key columns of their form). */
export class ScriptedTables {
  readonly #tables = new Map<string, { form: TableSchema; readonly rows: Map<string, Row> }>();

  apply({ table, op, before, rows }: RowsEvent): void {
    const { rows: held } = this.#table(table);
    if (op === 't') held.clear();
    const lines = parseRows(rows);
    const stride = op === 'u' && before !== 'none' ? 2 : 1;
    for (let at = 0; at < lines.length; at += stride) {
      const old = lines[at] as Row;
      const now = lines[at + stride - 1] as Row;
      const was = held.get(keyOf(table, old));
      held.delete(keyOf(table, old));
      if (op !== 'd')
        held.set(
          keyOf(table, now),
          now.map((value, index) => (value === undefined ? was?.[index] : value)),
        );
    }
  }

  /** Changes rows without telling of it, as ALTER TABLE does. */
  rewrite(form: TableSchema, change: (row: Row) => Row | null): void {
    const table = this.#table(form);
    for (const [key, row] of table.rows) {
      const now = change(row);
      if (now === null) table.rows.delete(key);
      else table.rows.set(key, now);
    }
  }

  of(table: string): readonly Row[] {
    return [...(this.#tables.get(table)?.rows ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  read({ schema, table, after, again, onlyAgain, form, maxBytes }: ChunkRequest): {
    readonly form: TableSchema;
    readonly rows: readonly Row[];
    readonly last: string | null;
  } {
    const found = this.#tables.get(`${schema}.${table}`);
    if (found === undefined) throw new TypeError(`there is no table ${table}`);
    if (form !== undefined && form !== found.form.hash) return { form: found.form, rows: [], last: after };
    const named = again.map((key) => found.rows.get(key)).filter((row) => row !== undefined);
    const rows: Row[] = [];
    let bytes = 0;
    let last: string | null = null;
    const behind = [...found.rows].filter(([key]) => after === null || key > after).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [index, [key, row]] of (onlyAgain === true ? [] : behind).entries()) {
      rows.push(row);
      bytes += row.reduce((sum, value) => sum + (value ?? '').length, 0);
      if (bytes < maxBytes || index === behind.length - 1) continue;
      last = key;
      break;
    }
    return { form: found.form, rows: [...rows, ...named], last };
  }

  #table(form: TableSchema): { form: TableSchema; readonly rows: Map<string, Row> } {
    const name = `${form.schema}.${form.table}`;
    const table = this.#tables.get(name) ?? { form, rows: new Map<string, Row>() };
    table.form = form;
    this.#tables.set(name, table);
    return table;
  }
}

export function keyOf(table: TableSchema, row: Row): string {
  return table.columns.flatMap(({ key }, index) => (key ? [String(row[index])] : [])).join('\t');
}
