import type { DescribedColumn } from '@changeover/events';

import type { ColumnCounts, ValueCount } from '../column-profiler.port.js';
import { dateFormats, fewestFormats, isBoolean, isCountry, isEmail, likeliestCountry, type FormatCount } from './formats.js';
import { languagesOf, type Languages } from './languages.js';
import {
  DAMAGES,
  isDecimal,
  isFile,
  isIban,
  isInteger,
  isIp,
  isJson,
  isMultiEnum,
  isPhone,
  isPhp,
  isUrl,
  isUuid,
  isWrittenNumber,
  scriptsOf,
  shapeOf,
  type Damage,
  type Script,
} from './value-facts.js';

/** What the values of a column are, whatever its declared type says. */
type UsedType =
  | 'nothing'
  | 'boolean'
  | 'integer'
  | 'decimal'
  | 'written number'
  | 'uuid'
  | 'date'
  | 'timestamp'
  | 'json'
  | 'php serialised'
  | 'multi-enum'
  | 'text'
  | 'other';

/** What a value is about. */
type Matter = 'email' | 'phone' | 'country' | 'iban' | 'url' | 'file' | 'ip';

/** What a column's values look like; counts are of rows. */
export type ColumnProfile = {
  readonly name: string;
  readonly declared: string;
  readonly base: string;
  readonly labels: readonly string[] | null;
  readonly notNull: boolean;
  readonly key: boolean;
  readonly rows: number;
  readonly nulls: number;
  readonly blank: number;
  /** Rows that have a value and not only white space. */
  readonly filled: number;
  readonly distinct: number;
  readonly minLength: number | null;
  readonly maxLength: number | null;
  /** The type in use, and the share of the filled rows looked at that are of it. */
  readonly used: UsedType;
  readonly usedShare: number;
  /** Filled rows that were looked at one by one, and whether those are all. */
  readonly looked: number;
  readonly whole: boolean;
  /** Formats of a date or timestamp; `ambiguous`: rows in which day and month could change places. */
  readonly formats: readonly string[];
  readonly ambiguous: number;
  readonly matter: Matter | null;
  readonly matterShare: number;
  /** Where most telephone numbers are that are written without a country, as ISO 3166-1 alpha-2; null: nobody can say. */
  readonly phoneCountry: string | null;
  /** The five most frequent shapes, see {@link shapeOf}. */
  readonly shapes: readonly { readonly shape: string; readonly rows: number }[];
  readonly damage: Readonly<Partial<Record<Damage, number>>>;
  readonly scripts: Readonly<Partial<Record<Script, number>>>;
  /** Of free text; null: it is none, or nobody can say. */
  readonly languages: Languages | null;
  /** Values themselves: personal data. */
  readonly values: {
    readonly min: string | null;
    readonly max: string | null;
    /** All of them, where they are few and short; the most frequent ones else. */
    readonly frequent: readonly ValueCount[];
    readonly areAll: boolean;
  };
};

/** What so many of a hundred rows are, the column is: of the rest somebody will have to decide. */
const MOST = 0.9;
/** Of a few of the values already one can say that it is none of these: a question that is asked of each would cost the most of all. */
const TRIED = 200;
const FEW_VALUES = 60;
const SHORT_VALUE = 60;
const SHAPES = 5;
const NUMBERS = /^(?:smallint|integer|bigint|numeric|real|double precision|oid)$/u;
const TEXTS = /^(?:text|character varying|character|name|.*\bcitext)$/u;

export const isNumberType = (base: string): boolean => NUMBERS.test(base);
export const isTextType = (base: string): boolean => TEXTS.test(base);

/** Says what a column's values are. */
export function profileColumn(column: DescribedColumn, key: boolean, counts: ColumnCounts): ColumnProfile {
  const { rows, nulls, blank, distinct, minLength, maxLength, min, max, values } = counts;
  const filled = values.filter(({ value }) => value.trim() !== '');
  const looked = sumOf(filled);
  const types = typesOf(column, filled, looked);
  const matter = matterOf(filled, looked);
  const isWords = isTextType(column.base) && column.labels === null && types.used === 'text' && matter.matter === null;
  const frequent = [...values].sort((one, other) => other.rows - one.rows).slice(0, FEW_VALUES);
  return {
    name: column.name,
    declared: column.type,
    base: column.base,
    labels: column.labels,
    notNull: column.notNull,
    key,
    rows,
    nulls,
    blank,
    filled: rows - nulls - blank,
    distinct,
    minLength,
    maxLength,
    ...types,
    looked,
    whole: distinct <= values.length,
    ...matter,
    shapes: top(filled, shapeOf),
    damage: isTextType(column.base) ? countEach(values, DAMAGES) : {},
    scripts: isTextType(column.base) ? countScripts(filled) : {},
    languages: isWords ? languagesOf(filled) : null,
    values: {
      min,
      max,
      frequent,
      areAll: distinct <= FEW_VALUES && frequent.every(({ value }) => value.length <= SHORT_VALUE),
    },
  };
}

type Types = Pick<ColumnProfile, 'used' | 'usedShare' | 'formats' | 'ambiguous'>;

function typesOf({ base, labels }: DescribedColumn, values: readonly ValueCount[], rows: number): Types {
  const is = (used: UsedType, usedShare = 1): Types => ({ used, usedShare, formats: [], ambiguous: 0 });
  if (rows === 0) return is('nothing', 0);
  const share = (test: (text: string) => boolean): number => sumOf(values.filter(({ value }) => test(value.trim()))) / rows;
  if (labels !== null) return is('text');
  if (base === 'boolean') return is('boolean');
  if (isNumberType(base)) {
    if (values.length <= 2 && values.every(({ value }) => value === '0' || value === '1')) return is('boolean');
    return is(share(isInteger) === 1 ? 'integer' : 'decimal');
  }
  if (base === 'date') return { ...is('date'), formats: ['YYYY-MM-DD'] };
  if (base === 'timestamp without time zone')
    return { ...is('timestamp'), formats: fewestFormats(formatCounts(values).timestamps).formats };
  if (base === 'timestamp with time zone') return is('timestamp');
  if (base === 'uuid') return is('uuid');
  if (base === 'json' || base === 'jsonb') return is('json');
  if (!isTextType(base)) return is('other');
  const tests: readonly (readonly [UsedType, (text: string) => boolean])[] = [
    ['boolean', isBoolean],
    ['integer', isInteger],
    ['decimal', isDecimal],
    ['written number', (text) => isDecimal(text) || isWrittenNumber(text)],
    ['uuid', isUuid],
    ['php serialised', isPhp],
    ['json', isJson],
    ['multi-enum', isMultiEnum],
  ];
  const few = someOf(values);
  for (const [used, test] of tests) {
    if (!couldBe(few, test)) continue;
    const found = share(test);
    // One spelling alone could be a number, or a letter of somebody's own.
    if (found >= MOST && (used !== 'boolean' || isTwofold(values))) return is(used, found);
  }
  const { dates, timestamps } = formatCounts(values);
  for (const [used, counts] of [
    ['date', dates],
    ['timestamp', timestamps],
  ] as const) {
    const found = sumOf(counts) / rows;
    if (found >= MOST) return { used, usedShare: found, ...fewestFormats(counts) };
  }
  return is('text');
}

/** Spellings of both answers, and few of them. */
function isTwofold(values: readonly ValueCount[]): boolean {
  return values.length >= 2 && values.length <= FEW_VALUES;
}

function formatCounts(values: readonly ValueCount[]): { dates: readonly FormatCount[]; timestamps: readonly FormatCount[] } {
  const dates: FormatCount[] = [];
  const timestamps: FormatCount[] = [];
  for (const { value, rows } of values) {
    const read = dateFormats(value);
    if (read.dates.length > 0) dates.push({ formats: read.dates, rows });
    if (read.timestamps.length > 0) timestamps.push({ formats: read.timestamps, rows });
  }
  return { dates, timestamps };
}

const MATTERS: readonly (readonly [Matter, (text: string) => boolean])[] = [
  ['email', (text) => text.includes('@') && isEmail(text)],
  ['iban', isIban],
  ['url', isUrl],
  ['ip', isIp],
  ['file', isFile],
  ['phone', (text) => !/^\d{4}-\d\d-\d\d/u.test(text) && dateFormats(text).dates.length === 0 && isPhone(text)],
];
/** Below it the column has it in it, and is about something else. */
const MATTER = 0.7;

function matterOf(values: readonly ValueCount[], rows: number): Pick<ColumnProfile, 'matter' | 'matterShare' | 'phoneCountry'> {
  const few = someOf(values);
  for (const [matter, test] of MATTERS) {
    if (!couldBe(few, test)) continue;
    const share = shareOf(values, test, rows);
    if (share < MATTER) continue;
    return {
      matter,
      matterShare: share,
      phoneCountry: matter === 'phone' ? likeliestCountry(few.map(({ value }) => value).filter(isPhone)) : null,
    };
  }
  // Codes of two letters are much else too: only a column with several whole names of countries, or with nothing but codes of them, is about countries.
  const share = shareOf(few, isCountry, sumOf(few));
  if (share >= MATTER && few.filter(({ value }) => value.trim().length > 3 && isCountry(value)).length >= 2)
    return { matter: 'country', matterShare: shareOf(values, isCountry, rows), phoneCountry: null };
  return { matter: null, matterShare: 0, phoneCountry: null };
}

/** Evenly spread: they come sorted. */
function someOf(values: readonly ValueCount[]): readonly ValueCount[] {
  const step = Math.ceil(values.length / TRIED);
  return values.filter((_, index) => index % step === 0);
}

/** Half of the values, or of their rows: one that many rows have must not hide the others, nor they it. */
function couldBe(few: readonly ValueCount[], test: (text: string) => boolean): boolean {
  const fitting = few.filter(({ value }) => test(value.trim()));
  return fitting.length * 2 >= few.length || sumOf(fitting) * 2 >= sumOf(few);
}

function shareOf(values: readonly ValueCount[], test: (text: string) => boolean, rows: number): number {
  return rows === 0 ? 0 : sumOf(values.filter(({ value }) => test(value.trim()))) / rows;
}

function countEach<Name extends string>(
  values: readonly ValueCount[],
  tests: Readonly<Record<Name, (text: string) => boolean>>,
): Partial<Record<Name, number>> {
  const counts: Partial<Record<Name, number>> = {};
  for (const name of Object.keys(tests) as Name[]) {
    const rows = sumOf(values.filter(({ value }) => value !== '' && tests[name](value)));
    if (rows > 0) counts[name] = rows;
  }
  return counts;
}

function countScripts(values: readonly ValueCount[]): Partial<Record<Script, number>> {
  const counts: Partial<Record<Script, number>> = {};
  for (const { value, rows } of values) for (const script of scriptsOf(value)) counts[script] = (counts[script] ?? 0) + rows;
  return counts;
}

function top(values: readonly ValueCount[], of: (value: string) => string): readonly { readonly shape: string; readonly rows: number }[] {
  const counts = new Map<string, number>();
  for (const { value, rows } of values) {
    const shape = of(value);
    counts.set(shape, (counts.get(shape) ?? 0) + rows);
  }
  return [...counts]
    .map(([shape, rows]) => ({ shape, rows }))
    .sort((one, other) => other.rows - one.rows || (one.shape < other.shape ? -1 : 1))
    .slice(0, SHAPES);
}

export function sumOf(counts: readonly { readonly rows: number }[]): number {
  return counts.reduce((sum, { rows }) => sum + rows, 0);
}
