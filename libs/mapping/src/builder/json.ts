import { expressionOf, type AnyValue, type Converted, type Invalid, type RowOf, type Text, unchecked, type Value } from './value.js';

type Settings<I extends Invalid> = { readonly invalid?: I };

/**
 * An object for a column of type `json` or `jsonb`, its names in one order. A value is a text in it, unless it is made by one of these functions; null is
 * null.
 */
export function jsonObject<const Members extends Readonly<Record<string, AnyValue>>>(
  members: Members,
): Value<Text<'jsonb'>, RowOf<Members[keyof Members]>> {
  return unchecked({ object: Object.fromEntries(Object.entries(members).map(([name, value]) => [name, expressionOf(value)])) });
}

/** An array for a column of type `json` or `jsonb`, of values as {@link jsonObject} takes them; those that are null are left out. */
export function jsonArray<const Values extends readonly [AnyValue, ...AnyValue[]]>(
  ...values: Values
): Value<Text<'jsonb'>, RowOf<Values[number]>> {
  return unchecked({ array: values.map(expressionOf), as: 'json' });
}

/** For a column of PostgreSQL's array type `type` (`text[]`); values that are null are left out. */
export function array<const Type extends `${string}[]`, const Values extends readonly [AnyValue, ...AnyValue[]]>(
  _type: Type,
  ...values: Values
): Value<Text<Type>, RowOf<Values[number]>> {
  return unchecked({ array: values.map(expressionOf), as: 'postgres' });
}

/** A number in JSON, with the digits that it has; JSON has no NaN. */
export function jsonNumber<Type extends `${number}` | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  { invalid }: Settings<I> = {},
): Converted<Text<'jsonb'> | Extract<Type, null>, Row, I> {
  return inJson('number', value, invalid);
}

/** True or false in JSON. */
export function jsonBoolean<Type extends 't' | 'f' | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  { invalid }: Settings<I> = {},
): Converted<Text<'jsonb'> | Extract<Type, null>, Row, I> {
  return inJson('boolean', value, invalid);
}

/** The text of JSON in JSON, as what it says. */
export function json<Type extends string | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  { invalid }: Settings<I> = {},
): Converted<Text<'jsonb'> | Extract<Type, null>, Row, I> {
  return inJson('any', value, invalid);
}

/**
 * What a JSON text holds at a path of names and places (from 0): a text as it is, all else as it is written. Null where nothing is, or null.
 */
export function field<Row, const I extends Invalid = 'held'>(
  value: Value<string | null, Row>,
  path: readonly [string | number, ...(string | number)[]],
  { invalid }: Settings<I> = {},
): Converted<string | null, Row, I> {
  return unchecked({ field: path, input: expressionOf(value), invalid: invalid ?? 'held' });
}

function inJson(type: 'number' | 'boolean' | 'any', value: AnyValue, invalid: Invalid = 'held'): Value<never, never> {
  return unchecked({ json: type, input: expressionOf(value), invalid });
}
