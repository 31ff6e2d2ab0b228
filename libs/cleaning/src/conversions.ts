import { convert, type Converted, type Invalid, type Text, type Value } from '@changeover/mapping';
import { type z } from 'zod';

import { boolean as booleanCleaner } from './boolean.js';
import { type TypedCleaner } from './cleaner.js';
import { country as countryCleaner } from './country.js';
import { date as dateCleaner } from './date.js';
import { email as emailCleaner } from './email.js';
import { enumeration as enumCleaner } from './enumeration.js';
import { htmlEntities as htmlEntitiesCleaner } from './html-entities.js';
import { phone as phoneCleaner } from './phone.js';
import { timestamp as timestampCleaner } from './timestamp.js';
import { trim as trimCleaner } from './trim.js';

/** A cleaner's options as a mapping file writes them: lists may be readonly. */
type OptionsOf<C> =
  C extends TypedCleaner<infer Schema> ? { readonly [Option in keyof z.input<Schema>]: ReadonlyList<z.input<Schema>[Option]> } : never;
type ReadonlyList<T> = T extends readonly (infer Item)[] ? readonly Item[] : T;
type Settings<C, I extends Invalid> = OptionsOf<C> & { readonly invalid?: I };

/** What the functions below take: text, or null, which stays null. */
type Input<Row> = Value<string | null, Row>;

/** Without white space at both ends; null where nothing is left. There is no text that it does not take. */
export function trim<Row>(value: Input<Row>, options: OptionsOf<typeof trimCleaner> = {}): Value<string | null, Row> {
  return converted<string | null, Row, 'empty'>(trimCleaner, value, { ...options, invalid: 'empty' });
}

/** With characters in the place of HTML's names and numbers of them. */
export function htmlEntities<Type extends string | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  settings?: Settings<typeof htmlEntitiesCleaner, I>,
): Converted<string | Extract<Type, null>, Row, I> {
  return converted(htmlEntitiesCleaner, value, settings);
}

/** A value for each spelling; where the source's type has labels, for each of them. */
export function enumeration<Type extends string | null, Row, const Values extends Spellings<Type>, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  values: Values,
  settings?: Omit<Settings<typeof enumCleaner, I>, 'values'>,
): Converted<Values[keyof Values] | Extract<Type, null>, Row, I> {
  return converted(enumCleaner, value, { ...settings, values });
}

type Spellings<Type> = string extends Type ? Readonly<Record<string, string | null>> : { readonly [Label in Type & string]: string | null };

/** `t` or `f`; null for blank text. */
export function boolean<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof booleanCleaner, I>,
): Converted<'t' | 'f' | null, Row, I> {
  return converted(booleanCleaner, value, settings);
}

/** A day; null for blank text. */
export function date<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings: Settings<typeof dateCleaner, I>,
): Converted<Text<'date'> | null, Row, I> {
  return converted(dateCleaner, value, settings);
}

/** A day and a time of day: in UTC where a zone is declared or the formats have an offset, else as written. Null for blank text. */
export function timestamp<
  Row,
  const Format extends string,
  const Zone extends string | undefined = undefined,
  const I extends Invalid = 'held',
>(
  value: Input<Row>,
  settings: Omit<Settings<typeof timestampCleaner, I>, 'formats' | 'zone'> & { readonly formats: readonly Format[]; readonly zone?: Zone },
): Converted<Text<TimestampType<Format, Zone>> | null, Row, I> {
  return converted(timestampCleaner, value, settings);
}

type TimestampType<Format, Zone> = [Zone, HasOffset<Format>] extends [undefined, false]
  ? 'timestamp without time zone'
  : 'timestamp with time zone';
/** In brackets it is a letter. */
type HasOffset<Format> = Format extends `${infer Head}[${string}]${infer Tail}`
  ? HasOffset<`${Head}${Tail}`>
  : Format extends `${string}Z${string}`
    ? true
    : false;

/** An e-mail address; null for blank text. */
export function email<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof emailCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(emailCleaner, value, settings);
}

/** A phone number as E.164; null for blank text. */
export function phone<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof phoneCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(phoneCleaner, value, settings);
}

/** A country's code; null for blank text. */
export function country<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof countryCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(countryCleaner, value, settings);
}

function converted<Type, Row, I extends Invalid>(
  { name }: { readonly name: string },
  value: Input<Row>,
  settings: object = {},
): Converted<Type, Row, I> {
  return convert<Type, Row, I>(name, value, settings as { readonly invalid?: I });
}
