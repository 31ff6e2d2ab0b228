import type { Before, TableSchema } from '@changeover/events';

import { keyText } from '../naive-derivation.js';

/** By column; undefined: it was not told. */
type ToldRow = Readonly<Record<string, string | null | undefined>>;
type WholeRow = Readonly<Record<string, string | null>>;

/** One row of a frame, before it becomes bytes. */
export type RowTold = {
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly before: Before;
  /** In the order of the form's columns. */
  readonly old: readonly (string | null | undefined)[] | null;
  readonly now: readonly (string | null | undefined)[] | null;
};

export type TableView = {
  /** Told last. */
  readonly form: TableSchema;
  /** Those that are whole, by key; where there is none, by number. */
  readonly rows: ReadonlyMap<string, WholeRow>;
};

/** What a log says, up to one of its records, that the source's tables hold. */
export type View = ReadonlyMap<string, TableView>;

/**
 * What the log alone says that the source's tables hold, told row by row as it is written: the definition of a mirror, computed without bytes.
 */
export class ToldRows {
  readonly #tables = new Map<string, ToldTable>();
  #copies: Readonly<Record<string, number | null>> = {};

  get view(): View {
    return new Map([...this.#tables].map(([name, table]) => [name, table.view]));
  }

  /** `progress` names copies. */
  get copying(): boolean {
    return Object.keys(this.#copies).length > 0;
  }

  /** Not even rows of which little was told. */
  isEmpty(table: string): boolean {
    return this.#tables.get(table)?.isEmpty !== false;
  }

  tell(form: TableSchema): void {
    const name = nameOf(form);
    const table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, new ToldTable(form));
    else table.become(form);
  }

  /** True: the row was there, but not whole, and is now. */
  row(form: TableSchema, row: RowTold, seq: number): boolean {
    return this.#table(form).row(form, row, seq);
  }

  truncate(form: TableSchema): void {
    this.#table(form).clear();
  }

  /** What no record behind its `since` has touched is gone when a copy is not named any more. Null: it goes no further, and ends nothing. */
  progress(copies: Readonly<Record<string, number | null>>): void {
    for (const [name, since] of Object.entries(this.#copies)) if (since !== null && !(name in copies)) this.#tables.get(name)?.sweep(since);
    this.#copies = copies;
  }

  #table(form: TableSchema): ToldTable {
    return this.#tables.get(nameOf(form)) as ToldTable;
  }
}

class ToldTable {
  #form: TableSchema;
  readonly #rows = new Map<string, { readonly row: ToldRow; readonly seq: number }>();
  readonly #keyed: boolean;
  #numbers = 0;
  #view: TableView | null = null;

  constructor(form: TableSchema) {
    this.#form = form;
    this.#keyed = form.columns.some(({ key }) => key);
  }

  get view(): TableView {
    const whole = (row: ToldRow): row is WholeRow => !Object.values(row).includes(undefined);
    this.#view ??= {
      form: this.#form,
      rows: new Map([...this.#rows].flatMap(([key, { row }]) => (whole(row) ? [[key, row] as const] : []))),
    };
    return this.#view;
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  become(form: TableSchema): void {
    this.#form = form;
    this.#view = null;
  }

  row(form: TableSchema, { before, old, now }: RowTold, seq: number): boolean {
    this.#view = null;
    const was = old === null ? null : named(form, old);
    const is = now === null ? null : named(form, now);
    const from = this.#find(form, was ?? (is as ToldRow), was !== null);
    const known = from === null ? undefined : this.#rows.get(from)?.row;
    if (from !== null && (was !== null || is === null)) this.#rows.delete(from);
    if (is === null) return false;
    const told = before === 'full' ? was : null;
    const partial = known !== undefined && Object.values(known).includes(undefined);
    const base = known === undefined || (partial && told !== null) ? told : known;
    // What an older form did not have yet is null.
    const stays = (name: string): string | null | undefined => (base == null ? undefined : name in base ? base[name] : null);
    const row = Object.fromEntries(Object.entries(is).map(([name, value]) => [name, value === undefined ? stays(name) : value]));
    this.#rows.set(this.#find(form, is, false) ?? String(this.#numbers++), { row, seq });
    return partial && !Object.values(row).includes(undefined);
  }

  clear(): void {
    this.#view = null;
    this.#rows.clear();
  }

  sweep(since: number): void {
    this.#view = null;
    for (const [key, { seq }] of this.#rows) if (seq <= since) this.#rows.delete(key);
  }

  /** Where there is no key, a row is found by all that it holds; null: it is not there. */
  #find(form: TableSchema, row: ToldRow, isOld: boolean): string | null {
    if (this.#keyed) return keyText(form.columns.flatMap(({ key, name }) => (key ? [row[name] as string] : [])));
    if (!isOld) return null;
    const equal = [...this.#rows].find(([, other]) => form.columns.every(({ name }) => (other.row[name] ?? null) === row[name]));
    return equal?.[0] ?? null;
  }
}

function named(form: TableSchema, values: readonly (string | null | undefined)[]): ToldRow {
  return Object.fromEntries(form.columns.map(({ name }, place) => [name, values[place]]));
}

export function nameOf({ schema, table }: Pick<TableSchema, 'schema' | 'table'>): string {
  return `${schema}.${table}`;
}
