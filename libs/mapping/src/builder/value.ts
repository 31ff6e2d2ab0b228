import type { Expression, Json } from '../rule.js';

declare const TEXT: unique symbol;
declare const TYPE: unique symbol;
declare const ROW: unique symbol;

/** A value of a type that TypeScript has no word for, as the database prints it: `Text<'date'>`. */
export type Text<Type extends string> = string & { readonly [TEXT]: Type };

/** Marks a value that can hold its row back: it may stand in a column only. */
export type Holds = { readonly holdsRow: true };

/**
 * An expression as TypeScript sees it: `Type` is what its text can be, `Row` the driving table whose rows it is read from. When the file
 * runs it is the plain expression.
 */
export interface Value<out Type, out Row> {
  readonly [TYPE]: Type;
  readonly [ROW]: Row;
}

/** Any value: of what type, and of which rows, does not matter. */
export type AnyValue = Value<unknown, unknown>;

export type TypeOf<V> = V extends Value<infer Type, unknown> ? Type : never;
export type RowOf<V> = V extends Value<unknown, infer Row> ? Row : never;
/** Null if all of them can be. */
type NullOf<Values extends readonly AnyValue[]> = false extends {
  [V in keyof Values]: null extends TypeOf<Values[V]> ? true : false;
}[number]
  ? never
  : null;

/** An expression that TypeScript cannot check; `Type` says what it gives, without it fits everywhere. */
export function unchecked<Type = never>(expression: Expression): Value<Type, never> {
  return expression as unknown as Value<Type, never>;
}

/** The plain expression that a value is. */
export function expressionOf(value: AnyValue): Expression {
  return value as unknown as Expression;
}

/** The same text in every row, or null. */
export function constant<const Type extends string | null>(text: Type): Value<Type, never> {
  return unchecked({ constant: text });
}

/** The first that is not null. */
export function first<const Values extends readonly [AnyValue, ...AnyValue[]]>(
  ...values: Values
): Value<NonNullable<TypeOf<Values[number]>> | NullOf<Values>, RowOf<Values[number]>> {
  return unchecked({ first: values.map(expressionOf) });
}

/** Those that are not null, with the separator between them; null if all are. */
export function concat<const Values extends readonly [AnyValue, ...AnyValue[]]>(
  separator: string,
  ...values: Values
): Value<string | NullOf<Values>, RowOf<Values[number]>> {
  return unchecked({ concat: values.map(expressionOf), separator });
}

/** The text of a UUID, as far as TypeScript can tell one. */
export type Uuid = `${string}-${string}-${string}-${string}-${string}`;

/**
 * A key as a UUID: itself where it is one; else its UUIDv5 in `namespace`, a UUID of your own for the source table. The same everywhere that
 * the key is named, so references are translated like what they refer to.
 */
export function uuid<Type extends string | null, Row>(
  namespace: Uuid,
  value: Value<Type, Row>,
): Value<Text<'uuid'> | Extract<Type, null>, Row> {
  return unchecked({ uuid: namespace, input: expressionOf(value) });
}

/** What happens to a row with a value that a converter cannot take: it is held, or only this value is left empty. */
export type Invalid = 'held' | 'empty';

/** What a converter gives whose problems are treated so. */
export type Converted<Type, Row, I extends Invalid> = I extends 'empty' ? Value<Type | null, Row> : Value<Type, Row | Holds>;

/** `input` by the converter of this name; what is no option of ours is one of its own. */
export function convert<Type = string | null, Row = never, const I extends Invalid = 'held'>(
  name: string,
  input: Value<string | null, Row>,
  { invalid, ...options }: { readonly invalid?: I | undefined; readonly [option: string]: Json | undefined } = {},
): Converted<Type, Row, I> {
  const given = Object.keys(options).length > 0 && { options: options as Json };
  return unchecked({ convert: name, ...given, input: expressionOf(input), invalid: invalid ?? 'held' }) as Converted<Type, Row, I>;
}

/** An integer key times `stride` plus `offset`, so that the keys of several tables do not meet; `bigint` must hold it. */
export function stride<Type extends `${number}` | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  { stride: by, offset, invalid }: { readonly stride: number; readonly offset: number; readonly invalid?: I },
): Converted<`${number}` | Extract<Type, null>, Row, I> {
  type Key = Converted<`${number}` | Extract<Type, null>, Row, I>;
  return unchecked({ stride: by, offset, input: expressionOf(value), invalid: invalid ?? 'held' }) as Key;
}

/**
 * A key as a number of `sequence`: each different text is given the next one when it is mentioned first (`start`, then each `step` above the one before: 1 and 1), and keeps it, whatever becomes of
 * its row. Name the same sequence wherever the key is referred to. Which key has which number stands in `changeover.allocated` of the target.
 */
export function allocated<Type extends string | null, Row>(
  sequence: string,
  value: Value<Type, Row>,
  { start = 1, step = 1 }: { readonly start?: number; readonly step?: number } = {},
): Value<`${number}` | Extract<Type, null>, Row | Holds> {
  return unchecked({ allocated: sequence, start, step, input: expressionOf(value) });
}

/** The part with this number of what the separator divides: from 1, or from -1 at the end. Null where there are fewer. */
export function split<Row>(value: Value<string | null, Row>, separator: string, part: number): Value<string | null, Row> {
  return unchecked({ split: separator, part, input: expressionOf(value) });
}
