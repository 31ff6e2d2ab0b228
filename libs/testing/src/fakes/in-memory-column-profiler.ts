import {
  BLANKS,
  ColumnProfiler,
  LEGAL_FORMS,
  type ColumnCondition,
  type ColumnCounts,
  type ColumnPlace,
  type ColumnsPlace,
  type NormalColumn,
  type NormalForm,
  type Orphans,
  type Repeats,
} from '@changeover/analysis';
import { parseRows } from '@changeover/events';

const LOOKED_UP = 1_000;
const LONGEST_VALUE = 2_000;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu;
const SPACES = new RegExp(`[${BLANKS}]`, 'gu');
const OUTER_SPACES = new RegExp(`^[${BLANKS}]+|[${BLANKS}]+$`, 'gu');
const FORMS_IN_LAW = new RegExp(`\\b(?:${LEGAL_FORMS.join('|')})(?:\\W|$)`, 'gu');

type Row = Readonly<Record<string, string | null>>;

/** Counts in memory, of tables that are small. */
export class InMemoryColumnProfiler extends ColumnProfiler {
  readonly #tables = new Map<string, readonly Row[]>();

  async add(table: string, columns: readonly string[], lines: AsyncIterable<Buffer>): Promise<void> {
    const rows: Row[] = [];
    for await (const piece of lines)
      for (const row of parseRows(piece)) rows.push(Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
    this.#tables.set(table, rows);
  }

  count(place: ColumnPlace, most: number): Promise<ColumnCounts> {
    const all = this.#rows(place.table).map((row) => row[place.column] ?? null);
    const texts = all.filter((value) => value !== null);
    const counts = new Map<string, number>();
    for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
    const different = [...counts.keys()];
    const isNumber = different.length > 0 && different.every((text) => NUMBER.test(text));
    const sorted = different.toSorted(isNumber ? (one, other) => Number(one) - Number(other) : byBytes);
    const values = [...counts].map(([value, rows]) => ({ value: beginning(value), rows })).sort((one, other) => other.rows - one.rows);
    const half = Math.ceil(most / 2);
    const others = values.slice(half);
    const step = Math.ceil(others.length / half);
    const lengths = different.map((text) => Array.from(text).length);
    return Promise.resolve({
      rows: all.length,
      nulls: all.length - texts.length,
      blank: texts.filter((text) => trimmed(text) === '').length,
      distinct: counts.size,
      minLength: lengths.length === 0 ? null : Math.min(...lengths),
      maxLength: lengths.length === 0 ? null : Math.max(...lengths),
      min: sorted.length === 0 ? null : beginning(sorted[0] ?? ''),
      max: sorted.length === 0 ? null : beginning(sorted.at(-1) ?? ''),
      values: values.length <= most ? values : [...values.slice(0, half), ...others.filter((_, index) => index % step === 0)],
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

  /** Of each row that has something in all of the columns, what that is. */
  #keysOf({ table, columns }: ColumnsPlace, when?: ColumnCondition): readonly string[] {
    return this.#rows(table, when)
      .map((row) => columns.map((column) => row[column] ?? ''))
      .filter((values) => values.every((value) => trimmed(value) !== ''))
      .map((values) => JSON.stringify(values));
  }

  #rows(table: string, when?: ColumnCondition): readonly Row[] {
    const rows = this.#tables.get(table) ?? [];
    return when === undefined ? rows : rows.filter((row) => when.values.includes(row[when.column] ?? null));
  }
}

const trimmed = (text: string): string => text.replace(OUTER_SPACES, '');
const beginning = (text: string): string => Array.from(text).slice(0, LONGEST_VALUE).join('');
const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Null where a value has no such form. */
function normal(value: string | null, form: NormalForm): string | null {
  if (value === null || form === 'exact') return value;
  switch (form) {
    case 'trimmed':
      return trimmed(value) || null;
    case 'caseless':
      return trimmed(value).toLowerCase() || null;
    case 'email':
      return value.replace(SPACES, '').toLowerCase() || null;
    case 'phone': {
      const digits = value.replace(/\D/gu, '');
      return digits.length < 7 ? null : digits.slice(-9);
    }
    case 'company': {
      const plain = value.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
      return plain.replace(FORMS_IN_LAW, ' ').replace(/[^\p{L}\p{N}]/gu, '') || null;
    }
  }
}
