import { ChangeoverError } from '@changeover/core';

import { arrayText, itemWriter, jsonWriter } from './array-text.js';
import {
  ConversionProblem,
  UNNUMBERED,
  type Converter,
  type Converters,
  type Numbering,
  type Problem,
  type Row,
  type SourceTable,
} from './compiled-rule.js';
import { customFunction } from './custom/custom-function.js';
import { jsonField } from './json-field.js';
import type { OrderedBy } from './row-order.js';
import { keyOfText } from './key-of.js';
import type { Condition, Expression, Order } from './rule.js';
import { integerKey, jsonValue, splitPart } from './text-functions.js';
import { uuidKey } from './uuid-key.js';

export type Rows = readonly (Row | null)[];
export type Evaluate = (rows: Rows) => string | null;
export type Test = (rows: Rows) => boolean;

/** Where the problems of the row in hand go. */
export type Problems = { found: Problem[] };

/** The rows that an expression can name, by alias; the driving row's is the empty one. */
export class Scope {
  readonly #tables: ReadonlyMap<string, SourceTable>;
  readonly #converters: Converters;
  readonly #numbering: Numbering;
  readonly #places: { readonly alias: string; readonly table: SourceTable }[] = [];

  /** `numbering`: of the rows whose columns are made; nothing else has numbers. */
  constructor(tables: ReadonlyMap<string, SourceTable>, converters: Converters, numbering = UNNUMBERED) {
    this.#tables = tables;
    this.#converters = converters;
    this.#numbering = numbering;
  }

  enter(alias: string, name: string): void {
    const table = this.#tables.get(name);
    if (table === undefined) return wrong(`the table ${name} is not known`);
    this.#places.push({ alias, table });
  }

  /** A row that is made of others, with these columns. */
  enterMade(alias: string, columns: readonly string[]): void {
    this.#places.push({ alias, table: { columns, key: [] } });
  }

  column(name: string, alias: string): { readonly place: number; readonly index: number } {
    const place = this.#places.findIndex((one) => one.alias === alias);
    const index = this.#places[place]?.table.columns.indexOf(name) ?? -1;
    return index === -1 ? wrong(`there is no column ${alias === '' ? name : `${alias}.${name}`}`) : { place, index };
  }

  order(order: Order, alias: string): OrderedBy {
    return order.map(({ column, descending }) => {
      const { index } = this.column(column, alias);
      return { index, descending: descending === true, isNumber: this.isNumber({ column }, alias) };
    });
  }

  /** Whether it is a column that holds numbers. */
  isNumber(expression: Expression, home: string): boolean {
    if (!('column' in expression)) return false;
    const { place } = this.column(expression.column, expression.of ?? home);
    return this.#places[place]?.table.numbers?.includes(expression.column) === true;
  }

  /** A column without `of` is that of `home`. `held` says which column's row a problem holds; without it what cannot be converted is null. */
  evaluate(expression: Expression, home = '', held?: { readonly column: string; readonly problems: Problems }): Evaluate {
    if ('column' in expression) {
      const { place, index } = this.column(expression.column, expression.of ?? home);
      return (rows) => rows[place]?.[index] ?? null;
    }
    if ('constant' in expression) return () => expression.constant;
    if ('input' in expression) {
      const convert = this.converter(expression);
      const input = this.evaluate(expression.input, home, held);
      // Without a number a row would lose its parent, and nobody would see it.
      const isHeld = 'allocated' in expression || ('invalid' in expression && expression.invalid === 'held');
      const holds = isHeld ? held : undefined;
      return (rows) => {
        const text = input(rows);
        if (text === null) return null;
        const converted = convert(text);
        if (typeof converted === 'string' || !(converted instanceof ConversionProblem)) return converted;
        holds?.problems.found.push({ reason: converted.reason, column: holds.column });
        return null;
      };
    }
    if ('first' in expression) {
      const inputs = expression.first.map((input) => this.evaluate(input, home, held));
      return (rows) => {
        for (const input of inputs) {
          const text = input(rows);
          if (text !== null) return text;
        }
        return null;
      };
    }
    if ('when' in expression) {
      const cases = expression.when.map((one) => ({ holds: this.test(one.if, home), value: this.evaluate(one.then, home, held) }));
      const otherwise = this.evaluate(expression.otherwise ?? { constant: null }, home, held);
      return (rows) => (cases.find(({ holds }) => holds(rows))?.value ?? otherwise)(rows);
    }
    if ('object' in expression) {
      const members = Object.entries(expression.object).map(([name, value]) => {
        return { name: JSON.stringify(name), value: this.evaluate(value, home, held), write: jsonWriter(value) };
      });
      return (rows) => {
        const texts = members.map(({ name, value, write }) => {
          const text = value(rows);
          return `${name}: ${text === null ? 'null' : write(text)}`;
        });
        return `{${texts.join(', ')}}`;
      };
    }
    if ('array' in expression) {
      const items = expression.array.map((value) => ({ value: this.evaluate(value, home, held), write: itemWriter(value, expression.as) }));
      return (rows) => {
        const texts: string[] = [];
        for (const { value, write } of items) {
          const text = value(rows);
          if (text !== null) texts.push(write(text));
        }
        return arrayText(texts, expression.as);
      };
    }
    if ('custom' in expression) {
      const made = customFunction(expression);
      const inputs = expression.inputs.map((input) => this.evaluate(input, home, held));
      const holds = expression.invalid === 'held' ? held : undefined;
      return (rows) => {
        const problems = held?.problems.found.length;
        const values = inputs.map((input) => input(rows));
        // Of what holds the row there is no value to give.
        if (held?.problems.found.length !== problems) return null;
        const value = made(values);
        if (!(value instanceof ConversionProblem)) return value;
        holds?.problems.found.push({ reason: value.reason, column: holds.column });
        return null;
      };
    }
    if ('keyOf' in expression) {
      const { keyOf: parent, rule = null, keyColumn: column } = expression;
      const key = keyText(expression.key.map((value) => this.evaluate(value, home)));
      return (rows) => {
        const values = key(rows);
        return values === null ? null : keyOfText({ parent, rule, column }, values);
      };
    }
    const { separator } = expression;
    const inputs = expression.concat.map((input) => this.evaluate(input, home, held));
    return (rows) => {
      let joined: string | null = null;
      for (const input of inputs) {
        const text = input(rows);
        if (text !== null) joined = joined === null ? text : joined + separator + text;
      }
      return joined;
    };
  }

  test(condition: Condition, home = ''): Test {
    if ('is' in condition) {
      const value = this.evaluate(condition.is, home);
      const accepted = new Set(condition.in);
      return (rows) => accepted.has(value(rows));
    }
    if ('not' in condition) {
      const inner = this.test(condition.not, home);
      return (rows) => !inner(rows);
    }
    const all = 'all' in condition;
    const inner = (all ? condition.all : condition.any).map((one) => this.test(one, home));
    return (rows) => {
      for (const test of inner) if (test(rows) !== all) return !all;
      return all;
    };
  }

  /** Of one text; a problem where it has no answer. */
  converter(expression: Extract<Expression, { readonly input: Expression }>): Converter {
    if ('uuid' in expression) return uuidKey(expression.uuid);
    if ('stride' in expression) return integerKey(expression.stride, expression.offset);
    if ('allocated' in expression) return this.#numbering({ name: expression.allocated, start: expression.start, step: expression.step });
    if ('split' in expression) return splitPart(expression.split, expression.part);
    if ('field' in expression) return jsonField(expression.field);
    if ('json' in expression) return jsonValue(expression.json);
    const { convert, options } = expression;
    const make = Object.hasOwn(this.#converters, convert) ? this.#converters[convert] : undefined;
    return make === undefined ? wrong(`there is no converter ${convert}`) : make(options);
  }
}

/** Null if any of them is. */
export function keyText(values: readonly Evaluate[]): (rows: Rows) => readonly string[] | null {
  return (rows) => {
    const result: string[] = [];
    for (const value of values) {
      const text = value(rows);
      if (text === null) return null;
      result.push(text);
    }
    return result;
  };
}

export function wrong(message: string): never {
  throw new ChangeoverError('MAPPING_INVALID', message);
}
