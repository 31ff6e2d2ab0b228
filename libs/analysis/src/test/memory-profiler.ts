import { parseRows, type DescribedColumn, type DescribedTable } from '@changeover/events';

import {
  ColumnProfiler,
  type ColumnCondition,
  type ColumnCounts,
  type ColumnPlace,
  type ColumnsPlace,
  type NormalColumn,
  type NormalForm,
  type Orphans,
  type Repeats,
} from '../column-profiler.port.js';

const LOOKED_UP = 1_000;

type Row = Readonly<Record<string, string | null>>;

/** Counts in memory, of tables that are small. */
export class MemoryProfiler extends ColumnProfiler {
  readonly #tables = new Map<string, readonly Row[]>();

  async add(table: string, columns: readonly string[], lines: AsyncIterable<Buffer>): Promise<void> {
    const rows: Row[] = [];
    for await (const piece of lines)
      for (const row of parseRows(piece)) rows.push(Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
    this.#tables.set(table, rows);
  }

  count(place: ColumnPlace, most: number): Promise<ColumnCounts> {
    const all = this.#values(place);
    const texts = all.filter((value) => value !== null);
    const counts = new Map<string, number>();
    for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
    const values = [...counts].map(([value, rows]) => ({ value, rows })).sort((one, other) => other.rows - one.rows);
    const lengths = texts.map((text) => text.length);
    const sorted = [...counts.keys()].sort();
    return Promise.resolve({
      rows: all.length,
      nulls: all.length - texts.length,
      blank: texts.filter((text) => text.trim() === '').length,
      distinct: counts.size,
      minLength: lengths.length === 0 ? null : Math.min(...lengths),
      maxLength: lengths.length === 0 ? null : Math.max(...lengths),
      min: sorted[0] ?? null,
      max: sorted.at(-1) ?? null,
      values: values.slice(0, most),
    });
  }

  lookUp(from: ColumnsPlace, keys: readonly ColumnsPlace[]): Promise<{ readonly values: number; readonly found: readonly number[] }> {
    const wanted = [...new Set(this.#keysOf(from))].slice(0, LOOKED_UP);
    const found = keys.map((key) => {
      const known = new Set(this.#keysOf(key));
      return wanted.filter((value) => known.has(value)).length;
    });
    return Promise.resolve({ values: wanted.length, found });
  }

  orphans(from: ColumnsPlace, key: ColumnsPlace, when?: ColumnCondition): Promise<Orphans> {
    const known = new Set(this.#keysOf(key));
    const referring = this.#keysOf(from, when);
    return Promise.resolve({ rows: referring.length, orphans: referring.filter((value) => !known.has(value)).length });
  }

  repeats(table: string, columns: readonly NormalColumn[], when?: ColumnCondition): Promise<Repeats> {
    const counts = new Map<string, number>();
    for (const row of this.#rows(table, when)) {
      const forms = columns.map(({ column, form }) => normal(row[column] ?? null, form));
      if (forms.includes(null)) continue;
      const all = JSON.stringify(forms);
      counts.set(all, (counts.get(all) ?? 0) + 1);
    }
    const several = [...counts.values()].filter((count) => count > 1);
    return Promise.resolve({ groups: several.length, surplus: several.reduce((sum, count) => sum + count - 1, 0) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #values({ table, column }: ColumnPlace): readonly (string | null)[] {
    return (this.#tables.get(table) ?? []).map((row) => row[column] ?? null);
  }

  /** Of each row that has something in all of the columns, what that is. */
  #keysOf({ table, columns }: ColumnsPlace, when?: ColumnCondition): readonly string[] {
    return this.#rows(table, when)
      .map((row) => columns.map((column) => row[column] ?? ''))
      .filter((values) => values.every((value) => value.trim() !== ''))
      .map((values) => JSON.stringify(values));
  }

  #rows(table: string, when?: ColumnCondition): readonly Row[] {
    const rows = this.#tables.get(table) ?? [];
    return when === undefined ? rows : rows.filter((row) => when.values.includes(row[when.column] ?? null));
  }
}

const LEGAL_FORMS = /\b(?:gmbh|ltd|inc|sa|ag)(?=\W|$)|s\.a\./gu;

/** Null where a value has no such form. */
function normal(value: string | null, form: NormalForm): string | null {
  if (value === null || form === 'exact') return value;
  switch (form) {
    case 'trimmed':
      return value.trim() || null;
    case 'caseless':
      return value.trim().toLowerCase() || null;
    case 'email':
      return value.replace(/\s/gu, '').toLowerCase() || null;
    case 'phone': {
      const digits = value.replace(/\D/gu, '');
      return digits.length < 7 ? null : digits.slice(-9);
    }
    case 'company': {
      const plain = value.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
      return plain.replace(LEGAL_FORMS, ' ').replace(/[^\p{L}\p{N}]/gu, '') || null;
    }
  }
}

const UNTOLD = { identity: null, default: null, comment: null } as const;

/** `id bigint key`, `name text`: columns, each with its type; those of the key say so. */
export function describeTable(name: string, columns: readonly string[], change: Partial<DescribedTable> = {}): DescribedTable {
  const [schema = '', table = ''] = name.split('.');
  const parsed = columns.map((column) => {
    const [, own = '', type = '', key] = /^(\S+) (.+?)( key| required)?$/u.exec(column) ?? [];
    return { name: own, type, key };
  });
  return {
    schema,
    table,
    columns: parsed.map(({ name: own, type, key }): DescribedColumn => {
      return { name: own, type, base: type, labels: null, notNull: key !== undefined, fills: false, generated: false, ...UNTOLD };
    }),
    key: parsed.filter(({ key }) => key === ' key').map(({ name: own }) => own),
    uniques: [],
    foreignKeys: [],
    comment: null,
    ...change,
  };
}
