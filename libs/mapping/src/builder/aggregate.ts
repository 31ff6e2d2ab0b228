import type { Aggregate } from '../rule.js';
import { expressionOf, type Text, type Value } from './value.js';

declare const TYPE: unique symbol;

/** A value made of all rows of a join as TypeScript sees it; when the file runs it is plain data. `Type`: as of a {@link Value}. */
export interface Aggregated<out Type> {
  readonly [TYPE]: Type;
}

/** What it is made of: values of the joined rows alone. */
type Joined<Type> = Value<Type, 'joined row'>;

export function aggregateOf(aggregated: Aggregated<unknown>): Aggregate {
  return aggregated as unknown as Aggregate;
}

function aggregated<Type>(aggregate: Aggregate): Aggregated<Type> {
  return aggregate as unknown as Aggregated<Type>;
}

/** How many there are, `0` of none: of rows, or of values that are not null. */
export function count(value?: Joined<string | null>): Aggregated<`${number}`> {
  return aggregated({ count: value === undefined ? 'rows' : expressionOf(value) });
}

/** The exact sum of those that are not null; null of none. A text that is no number holds the driving row. */
export function sum(value: Joined<`${number}` | null>): Aggregated<`${number}` | null> {
  return aggregated({ sum: expressionOf(value) });
}

/** The least that is not null: columns that hold numbers by value, all else by its text. Null of none. */
export function min<Type extends string | null>(value: Joined<Type>): Aggregated<Type | null> {
  return aggregated({ min: expressionOf(value) });
}

/** The greatest that is not null, compared as {@link min} does. Null of none. */
export function max<Type extends string | null>(value: Joined<Type>): Aggregated<Type | null> {
  return aggregated({ max: expressionOf(value) });
}

/** The value of the row where `by` is greatest, compared as {@link min} does; of equals the first in the join's order. Null where `by` always is. */
export function latest<Type extends string | null>(value: Joined<Type>, by: Joined<string | null>): Aggregated<Type | null> {
  return aggregated({ latest: expressionOf(value), by: expressionOf(by) });
}

/** Those that are not null in the join's order, with the separator between them; null of none. */
export function textOf(separator: string, value: Joined<string | null>): Aggregated<string | null> {
  return aggregated({ text: expressionOf(value), separator });
}

/** Those that are not null in the join's order, for a column of PostgreSQL's type `Type` (`text[]`); an empty array of none. */
export function arrayOf<Type extends `${string}[]` = 'text[]'>(value: Joined<string | null>): Aggregated<Text<Type>> {
  return aggregated({ array: expressionOf(value), as: 'postgres' });
}

/** Those that are not null in the join's order, as a JSON array; an empty one of none. */
export function jsonArrayOf(value: Joined<string | null>): Aggregated<Text<'jsonb'>> {
  return aggregated({ array: expressionOf(value), as: 'json' });
}
