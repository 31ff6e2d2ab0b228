import { ChangeoverError } from '@changeover/core';

import type { Condition, Expression, Json, Order, TableRule, UniqueRule } from './rule.js';

/** A row's values in the order of the table's columns; text as the source writes it. */
export type Row = readonly (string | null)[];

/** The driving row, then for each join the row that was found, or null. */
export type JoinedRows = readonly [Row, ...(Row | null)[]];

/** Why a row cannot be written: a stable word, and the target column that it is about. Never a value. */
export type Problem = { readonly reason: string; readonly column: string };

/** A pure function of one text; a {@link ConversionProblem} where it has no answer. */
export type Converter = (text: string) => string | null | ConversionProblem;

export class ConversionProblem {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Makes a converter from its options; throws MAPPING_INVALID where they mean nothing to it. */
export type Converters = Readonly<Record<string, (options: Json | undefined) => Converter>>;

/** What is known of a source table: its columns, and which of them are its key. */
export type SourceTable = { readonly columns: readonly string[]; readonly key: readonly string[] };

export type CompiledJoin = {
  readonly table: string;
  /** Columns of the joined table by which its rows are looked up. */
  readonly columns: readonly number[];
  /** The values to look up, from the rows so far; null: nothing is joined. */
  readonly lookup: (rows: readonly (Row | null)[]) => readonly string[] | null;
  readonly accepts: (row: Row) => boolean;
  /** Below 0: `a` comes first. 0: by key. */
  readonly compare: (a: Row, b: Row) => number;
};

export type CompiledUnique = {
  /** Places in the target row. */
  readonly columns: readonly number[];
  readonly otherwise: 'empty' | 'held';
  /** Compares as the declared order does, byte by byte, over the first 64 characters of each column; the key comes behind it. */
  readonly orderOf: (driving: Row) => string;
};

export type CompiledRule = {
  readonly source: string;
  readonly target: string;
  readonly columns: readonly string[];
  /** Places of the key in the target row. */
  readonly key: readonly number[];
  readonly joins: readonly CompiledJoin[];
  readonly accepts: (rows: JoinedRows) => boolean;
  readonly derive: (rows: JoinedRows) => { readonly values: Row } | { readonly problems: readonly Problem[] };
  readonly requires: readonly {
    readonly parent: string;
    readonly keyOf: (rows: JoinedRows) => readonly string[] | null;
  }[];
  readonly uniques: readonly CompiledUnique[];
  readonly keepsLast: boolean;
};

type Evaluate = (rows: readonly (Row | null)[], problems: Problem[], column: string) => string | null;
type Test = (rows: readonly (Row | null)[]) => boolean;

/**
 * Turns a rule into functions over rows of these tables. It is done once; the same functions serve the first derivation of
 * all rows and each change.
 */
export function compileRule(rule: TableRule, tables: ReadonlyMap<string, SourceTable>, converters: Converters): CompiledRule {
  const scope = new Scope(tables, converters);
  scope.enter('', rule.source);
  const joins = (rule.joins ?? []).map((join) => {
    const on = Object.entries(join.on);
    const values = on.map(([, value]) => scope.evaluate(value));
    const place = scope.enter(join.as, join.table);
    const columns = on.map(([column]) => scope.column(column, join.as).index);
    const accepts = join.where === undefined ? null : scope.test(join.where, join.as);
    const compare = scope.compare(join.order ?? [], join.as);
    const around: (Row | null)[] = [];
    return {
      table: join.table,
      columns,
      lookup: (rows) => texts(values, rows),
      accepts: (row) => {
        if (accepts === null) return true;
        around[place] = row;
        return accepts(around);
      },
      compare,
    } satisfies CompiledJoin;
  });
  const columns = Object.keys(rule.columns);
  const place = (column: string): number => {
    const index = columns.indexOf(column);
    return index === -1 ? wrong(`the rule for ${rule.target} makes no column ${column}`) : index;
  };
  const evaluators = Object.values(rule.columns).map((value) => scope.evaluate(value));
  const required = (rule.required ?? []).map(place);
  const where = rule.where === undefined ? null : scope.test(rule.where, '');
  return {
    source: rule.source,
    target: rule.target,
    columns,
    key: rule.key.map(place),
    joins,
    accepts: (rows) => where === null || where(rows),
    derive: (rows) => {
      const problems: Problem[] = [];
      const values = evaluators.map((evaluate, index) => evaluate(rows, problems, columns[index] as string));
      for (const index of required) {
        const column = columns[index] as string;
        if (values[index] === null && !problems.some((problem) => problem.column === column)) problems.push({ reason: 'empty', column });
      }
      return problems.length === 0 ? { values } : { problems };
    },
    requires: (rule.requires ?? []).map(({ parent, key }) => {
      const values = key.map((value) => scope.evaluate(value));
      return { parent, keyOf: (rows) => texts(values, rows) };
    }),
    uniques: uniqueRules(rule, tables.get(rule.source)?.key ?? []).map(({ columns: names, order, otherwise }) => ({
      columns: names.map(place),
      otherwise,
      orderOf: scope.orderText(order ?? []),
    })),
    keepsLast: rule.whileHeld !== 'none',
  };
}

/** With one for the target's key, unless different source rows cannot but have different ones. */
function uniqueRules({ key, columns, unique = [] }: TableRule, sourceKey: readonly string[]): readonly UniqueRule[] {
  const copied = key.flatMap((column) => {
    const value = columns[column];
    return value !== undefined && 'column' in value && value.of === undefined ? [value.column] : [];
  });
  const distinct = sourceKey.length > 0 && sourceKey.every((column) => copied.includes(column));
  return distinct ? unique : [{ columns: key, otherwise: 'held' }, ...unique];
}

/** Null if any of them is. */
function texts(values: readonly Evaluate[], rows: readonly (Row | null)[]): readonly string[] | null {
  const result: string[] = [];
  for (const value of values) {
    const text = value(rows, [], '');
    if (text === null) return null;
    result.push(text);
  }
  return result;
}

/** The rows that an expression can name, by alias; the driving row's is the empty one. */
class Scope {
  readonly #tables: ReadonlyMap<string, SourceTable>;
  readonly #converters: Converters;
  readonly #places: { readonly alias: string; readonly table: SourceTable }[] = [];

  constructor(tables: ReadonlyMap<string, SourceTable>, converters: Converters) {
    this.#tables = tables;
    this.#converters = converters;
  }

  enter(alias: string, name: string): number {
    const table = this.#tables.get(name);
    if (table === undefined) return wrong(`the table ${name} is not known`);
    return this.#places.push({ alias, table }) - 1;
  }

  column(name: string, alias: string): { readonly place: number; readonly index: number } {
    const place = this.#places.findIndex((one) => one.alias === alias);
    const index = this.#places[place]?.table.columns.indexOf(name) ?? -1;
    return index === -1 ? wrong(`there is no column ${alias === '' ? name : `${alias}.${name}`}`) : { place, index };
  }

  evaluate(expression: Expression, home = ''): Evaluate {
    if ('column' in expression) {
      const { place, index } = this.column(expression.column, expression.of ?? home);
      return (rows) => rows[place]?.[index] ?? null;
    }
    if ('constant' in expression) return () => expression.constant;
    if ('first' in expression) {
      const inputs = expression.first.map((input) => this.evaluate(input, home));
      return (rows, problems, column) => {
        for (const input of inputs) {
          const text = input(rows, problems, column);
          if (text !== null) return text;
        }
        return null;
      };
    }
    if ('concat' in expression) {
      const inputs = expression.concat.map((input) => this.evaluate(input, home));
      return (rows, problems, column) => {
        const found = inputs.map((input) => input(rows, problems, column)).filter((text) => text !== null);
        return found.length === 0 ? null : found.join(expression.separator);
      };
    }
    const make = this.#converters[expression.convert];
    if (make === undefined) return wrong(`there is no converter ${expression.convert}`);
    const convert = make(expression.options);
    const input = this.evaluate(expression.input, home);
    return (rows, problems, column) => {
      const text = input(rows, problems, column);
      if (text === null) return null;
      const converted = convert(text);
      if (!(converted instanceof ConversionProblem)) return converted;
      if (expression.invalid === 'held') problems.push({ reason: converted.reason, column });
      return null;
    };
  }

  test(condition: Condition, home: string): Test {
    if ('is' in condition) {
      const value = this.evaluate(condition.is, home);
      const accepted = new Set(condition.in);
      return (rows) => accepted.has(value(rows, [], ''));
    }
    if ('not' in condition) {
      const inner = this.test(condition.not, home);
      return (rows) => !inner(rows);
    }
    const all = 'all' in condition;
    const inner = (all ? condition.all : condition.any).map((one) => this.test(one, home));
    return (rows) => (all ? inner.every((test) => test(rows)) : inner.some((test) => test(rows)));
  }

  compare(order: Order, alias: string): (a: Row, b: Row) => number {
    const by = order.map(({ column, descending }) => ({ index: this.column(column, alias).index, sign: descending === true ? -1 : 1 }));
    return (a, b) => {
      for (const { index, sign } of by) {
        const difference = compareText(a[index] ?? null, b[index] ?? null);
        if (difference !== 0) return sign * difference;
      }
      return 0;
    };
  }

  /** Text that sorts, byte by byte, as the driving row's columns do in this order. */
  orderText(order: Order): (row: Row) => string {
    const by = order.map(({ column, descending }) => ({ index: this.column(column, '').index, descending: descending === true }));
    return (row) => by.map(({ index, descending }) => sortable(row[index] ?? null, descending)).join('');
  }
}

function wrong(message: string): never {
  throw new ChangeoverError('MAPPING_INVALID', message);
}

function compareText(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The bytes of a text in hexadecimal, so that it ends before all that continue it; for the other direction each digit is
 * exchanged for what is missing to fifteen. Null comes last either way round `descending` turns it.
 */
function sortable(text: string | null, descending: boolean): string {
  const hex = text === null ? 'g' : `${Buffer.from(text.slice(0, COMPARED)).toString('hex')}/`;
  return descending ? hex.replace(/[0-9a-g/]/gu, (digit) => TURNED[digit] as string) : hex;
}

/** Characters of a column that an order of rivals looks at. */
const COMPARED = 64;

/** `/` sorts before the digits and `g` behind them; turned, `~` sorts behind them and `!` before. */
const TURNED: Readonly<Record<string, string>> = Object.fromEntries([
  ...Array.from({ length: 16 }, (_, digit) => [digit.toString(16), (15 - digit).toString(16)] as const),
  ['/', '~'] as const,
  ['g', '!'] as const,
]);
