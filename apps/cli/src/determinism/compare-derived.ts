import { parseRows, tableName } from '@changeover/events';

import type { Derived, TableRows } from './derive-in.js';

type Field = string | null;

/** Rows that came out differently in two processes, by what differs in them. */
export type Disagreement = {
  /** Table of the target; null: the mapping itself. */
  readonly table: string | null;
  /** Null: whether there is such a row at all. */
  readonly column: string | null;
  readonly rows: number;
  /** Of the first of them: its key, and what the column was in the one process and in the other. */
  readonly key: readonly Field[];
  readonly values: readonly [Field, Field];
};

/** What two processes made of the same sample, row by row. */
export function compareDerived(one: Derived, other: Derived): readonly Disagreement[] {
  const found = new Map<string, Disagreement>();
  const add = ({ table, column }: Pick<Disagreement, 'table' | 'column'>, { key, values }: Pick<Disagreement, 'key' | 'values'>): void => {
    const id = placeOf({ table, column });
    const before = found.get(id);
    found.set(id, before === undefined ? { table, column, rows: 1, key, values } : { ...before, rows: before.rows + 1 });
  };
  if (one.mapping !== other.mapping) add({ table: null, column: null }, { key: [], values: [one.mapping, other.mapping] });
  const [ours, theirs] = [byName(one), byName(other)];
  for (const table of new Set([...ours.keys(), ...theirs.keys()])) {
    const [these, those] = [rowsOf(ours.get(table)), rowsOf(theirs.get(table))];
    for (const id of new Set([...these.keys(), ...those.keys()])) {
      const [row, twin] = [these.get(id), those.get(id)];
      const key = (row ?? twin)?.key ?? [];
      if (row === undefined || twin === undefined) {
        add({ table, column: null }, { key, values: row === undefined ? ['no row', 'a row'] : ['a row', 'no row'] });
        continue;
      }
      for (const column of new Set([...row.fields.keys(), ...twin.fields.keys()])) {
        const [value, its] = [row.fields.get(column), twin.fields.get(column)];
        if (value !== its) add({ table, column }, { key, values: [value ?? null, its ?? null] });
      }
    }
  }
  return [...found.values()];
}

/** Says of two disagreements whether they are about the same. */
export function placeOf({ table, column }: Pick<Disagreement, 'table' | 'column'>): string {
  return JSON.stringify([table, column]);
}

type Row = { readonly key: readonly Field[]; readonly fields: ReadonlyMap<string, Field> };

function byName({ tables }: Derived): ReadonlyMap<string, TableRows> {
  return new Map(tables.map((rows) => [tableName(rows.table), rows]));
}

function rowsOf(given: TableRows | undefined): ReadonlyMap<string, Row> {
  if (given === undefined) return new Map();
  const { columns } = given.table;
  const rows = parseRows(Buffer.from(given.rows.buffer, given.rows.byteOffset, given.rows.byteLength));
  return new Map(
    rows.map((values) => {
      const key = values.filter((_, place) => columns[place]?.key === true).map((value) => value ?? null);
      const fields = new Map(columns.map(({ name }, place) => [name, values[place] ?? null] as const));
      return [JSON.stringify(key), { key, fields }];
    }),
  );
}
