import { CORRECTION_TABLE, HELD_TABLE, OWN_TABLES, parseRows, REFERENCE_TABLE, type TableSchema } from '@changeover/events';

import { keyText } from '../naive-derivation.js';
import { valuesText, type NamedRow } from './definition.js';
import { expectSame } from './same.js';
import { nameOf } from './told-rows.js';
import type { WrittenFrame, WrittenRecord } from './written-records.js';

type TargetTable = {
  form: TableSchema;
  /** By key; where there is none, by number. */
  readonly rows: Map<string, NamedRow>;
};

/** A row that one record changed. */
export type TargetChange = {
  readonly table: string;
  readonly key: string;
  readonly before: NamedRow | null;
  readonly after: NamedRow | null;
};

/** Takes what `writes` says, row by row, and checks that each row before is exactly what stands here. */
export class FollowedTarget {
  readonly #isDerived: (table: string) => boolean;
  readonly #tables = new Map<string, TargetTable>();
  #numbers = 0;
  /** The record in hand brings another mapping: of rows before only columns that both write are told. */
  #isGoingOver = false;

  /** `isDerived`: a row that is derived never moves to another key, it goes and another comes. */
  constructor(isDerived: (table: string) => boolean) {
    this.#isDerived = isDerived;
  }

  /** What became of each row that it touches. */
  take({ frames }: WrittenRecord, isGoingOver = false): readonly TargetChange[] {
    const changed = new Map<string, TargetChange>();
    for (const frame of frames) {
      this.#isGoingOver = isGoingOver;
      for (const change of this.#frame(frame)) {
        const id = `${change.table} ${change.key}`;
        changed.set(id, { ...change, before: changed.has(id) ? (changed.get(id)?.before ?? null) : change.before });
      }
    }
    return [...changed.values()];
  }

  /** Of columns that are not written any more nothing is said. */
  leave(columnsOf: (table: string) => ReadonlySet<string>): void {
    for (const name of this.tables) {
      const columns = columnsOf(name);
      const { rows } = this.#tables.get(name) as TargetTable;
      for (const [key, row] of rows) rows.set(key, Object.fromEntries(Object.entries(row).filter(([column]) => columns.has(column))));
    }
  }

  /** By key, the texts of the rows of a table. */
  rows(table: string): ReadonlyMap<string, string> {
    return new Map([...(this.#tables.get(table)?.rows ?? [])].map(([key, row]) => [key, valuesText(row)]));
  }

  row(table: string, key: string): NamedRow | undefined {
    return this.#tables.get(table)?.rows.get(key);
  }

  /** Also where nothing is known of the table yet. */
  isKeyed(table: string): boolean {
    const form = this.#tables.get(table)?.form;
    return form === undefined || isKeyed(form);
  }

  get tables(): readonly string[] {
    return [...this.#tables.keys()].filter((name) => !OWN_TABLES.some((own) => nameOf(own) === name));
  }

  get held(): readonly NamedRow[] {
    return [...(this.#tables.get(nameOf(HELD_TABLE))?.rows.values() ?? [])];
  }

  get corrections(): readonly NamedRow[] {
    return [...(this.#tables.get(nameOf(CORRECTION_TABLE))?.rows.values() ?? [])];
  }

  get references(): readonly NamedRow[] {
    return [...(this.#tables.get(nameOf(REFERENCE_TABLE))?.rows.values() ?? [])];
  }

  *#frame({ form, op, before, rowCount, rows }: WrittenFrame): Generator<TargetChange> {
    const table = this.#table(form);
    if (op === 't') {
      expectSame({ keyed: isKeyed(form), rowCount }, { keyed: false, rowCount: 0 });
      table.rows.clear();
      return;
    }
    expectSame({ op, before }, { op, before: op === 'c' ? 'none' : 'full' });
    const lines = parseRows(rows);
    const perRow = op === 'u' ? 2 : 1;
    expectSame(
      { lines: lines.length, fields: lines.every((line) => line.length === form.columns.length) },
      {
        lines: rowCount * perRow,
        fields: true,
      },
    );
    for (let at = 0; at < lines.length; at += perRow) {
      const old = op === 'c' ? null : this.#takeAway(table, form, lines[at] as NonNullable<(typeof lines)[number]>);
      const now =
        op === 'd' ? null : this.#put(table, form, lines[at + perRow - 1] as NonNullable<(typeof lines)[number]>, old?.row ?? null);
      const name = nameOf(form);
      if (op === 'u' && this.#isDerived(name)) expectSame(now?.key, old?.key);
      if (old !== null && now?.key !== old.key) yield { table: name, key: old.key, before: old.row, after: null };
      if (now !== null) yield { table: name, key: now.key, before: now.key === old?.key ? old.row : null, after: now.row };
    }
  }

  #takeAway(
    table: TargetTable,
    form: TableSchema,
    line: readonly (string | null | undefined)[],
  ): { readonly key: string; readonly row: NamedRow } {
    const told = valuesText(named(form, line, null));
    // What was not written before cannot be told.
    const isTold = (name: string): boolean => line[form.columns.findIndex((column) => column.name === name)] !== undefined;
    const key = isKeyed(form) ? keyOf(form, line) : [...table.rows].find(([, row]) => valuesText(row) === told)?.[0];
    const row = key === undefined ? undefined : table.rows.get(key);
    expectSame(
      {
        table: nameOf(form),
        key: key ?? null,
        stands: row === undefined ? null : valuesText(this.#isGoingOver ? toldOf(row, isTold) : row),
      },
      { table: nameOf(form), key: key ?? null, stands: told },
    );
    table.rows.delete(key as string);
    return { key: key as string, row: row as NamedRow };
  }

  #put(
    table: TargetTable,
    form: TableSchema,
    line: readonly (string | null | undefined)[],
    old: NamedRow | null,
  ): { readonly key: string; readonly row: NamedRow } {
    if (isKeyed(form)) expectSame(line.includes(undefined), false);
    const key = isKeyed(form) ? keyOf(form, line) : String(this.#numbers++);
    const row = named(form, line, old);
    expectSame({ table: nameOf(form), key, stands: table.rows.get(key) ?? null }, { table: nameOf(form), key, stands: null });
    table.rows.set(key, row);
    return { key, row };
  }

  #table(form: TableSchema): TargetTable {
    const name = nameOf(form);
    const table = this.#tables.get(name) ?? { form, rows: new Map<string, NamedRow>() };
    this.#tables.set(name, table);
    return table;
  }
}

/** What a line does not tell stays as it was: only rows without a key may say so little. */
function named(form: TableSchema, line: readonly (string | null | undefined)[], old: NamedRow | null): NamedRow {
  return Object.fromEntries(form.columns.map(({ name }, place) => [name, line[place] === undefined ? (old?.[name] ?? null) : line[place]]));
}

function isKeyed({ columns }: TableSchema): boolean {
  return columns.some(({ key }) => key);
}

function keyOf({ columns }: TableSchema, line: readonly (string | null | undefined)[]): string {
  return keyText(columns.flatMap(({ key }, place) => (key ? [line[place] as string] : [])));
}

function toldOf(row: NamedRow, isTold: (name: string) => boolean): NamedRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => isTold(name)));
}
