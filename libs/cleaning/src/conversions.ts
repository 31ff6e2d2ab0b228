import { concat, constant, convert, type Converted, type Invalid, type Text, type Value } from '@changeover/mapping';
import { type z } from 'zod';

import { base64Decode as base64DecodeCleaner, base64Encode as base64EncodeCleaner } from './base64.js';
import { BESIDE } from './beside.js';
import { boolean as booleanCleaner } from './boolean.js';
import { type TypedCleaner } from './cleaner.js';
import { country as countryCleaner } from './country.js';
import { currency as currencyCleaner } from './currency.js';
import { date as dateCleaner } from './date.js';
import { domain as domainCleaner } from './domain.js';
import { email as emailCleaner } from './email.js';
import { enumeration as enumCleaner } from './enumeration.js';
import { htmlEntities as htmlEntitiesCleaner } from './html-entities.js';
import { json as jsonCleaner } from './json.js';
import { mojibake as mojibakeCleaner } from './mojibake.js';
import { money as moneyCleaner } from './money.js';
import { multiEnum as multiEnumCleaner } from './multi-enum.js';
import { nameCase as nameCaseCleaner } from './name-case.js';
import { number as numberCleaner } from './number.js';
import { personName as personNameCleaner } from './person-name.js';
import { phone as phoneCleaner } from './phone.js';
import { phpSerialized as phpSerializedCleaner } from './php-serialized.js';
import { region as regionCleaner } from './region.js';
import { timestamp as timestampCleaner } from './timestamp.js';
import { trim as trimCleaner } from './trim.js';
import { truncate as truncateCleaner } from './truncate.js';
import { unicode as unicodeCleaner } from './unicode.js';
import { url as urlCleaner } from './url.js';

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

/** A phone number as E.164, or a part of it; null for blank text. `countryFrom` says the country of each row's numbers that are written without one. */
export function phone<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings: Omit<Settings<typeof phoneCleaner, I>, 'countryFollows'> & { readonly countryFrom?: Input<Row> } = {},
): Converted<string | null, Row, I> {
  const { countryFrom, ...rest } = settings;
  return converted(phoneCleaner, ...beside(value, rest, { countryFollows: countryFrom }));
}

/** A country's code; null for blank text. */
export function country<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof countryCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(countryCleaner, value, settings);
}

/** Text in one form of Unicode, without what nobody sees. */
export function unicode<Type extends string | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  settings?: Settings<typeof unicodeCleaner, I>,
): Converted<string | Extract<Type, null>, Row, I> {
  return converted(unicodeCleaner, value, settings);
}

/** Text whose UTF-8 was once read as something else, as it was. */
export function mojibake<Type extends string | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  settings?: Settings<typeof mojibakeCleaner, I>,
): Converted<string | Extract<Type, null>, Row, I> {
  return converted(mojibakeCleaner, value, settings);
}

/** At most so many characters or bytes. */
export function truncate<Type extends string | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  settings: Settings<typeof truncateCleaner, I>,
): Converted<string | Extract<Type, null>, Row, I> {
  return converted(truncateCleaner, value, settings);
}

/** A field of several values as an array of whatever type the column has, or as JSON; null where it has none, unless asked otherwise. */
export function multiEnum<Row, const I extends Invalid = 'held', const Give extends 'array' | 'json' = 'array'>(
  value: Input<Row>,
  settings?: Omit<Settings<typeof multiEnumCleaner, I>, 'give'> & { readonly give?: Give },
): Converted<(Give extends 'json' ? Text<'json'> : Text<never>) | null, Row, I> {
  return converted(multiEnumCleaner, value, settings);
}

/** A number, digit by digit; null for blank text. */
export function number<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof numberCleaner, I>,
): Converted<`${number}` | null, Row, I> {
  return converted(numberCleaner, value, settings);
}

/** An amount in minor units, micros or as decimal number, or its currency; null for blank text. `currencyFrom` says the currency of each row. */
export function money<Row, const I extends Invalid = 'held', const Give extends 'minor' | 'micros' | 'decimal' | 'currency' = 'minor'>(
  value: Input<Row>,
  settings: Omit<Settings<typeof moneyCleaner, I>, 'currencyFollows' | 'give'> & {
    readonly give?: Give;
    readonly currencyFrom?: Input<Row>;
  } = {},
): Converted<(Give extends 'currency' ? string : `${number}`) | null, Row, I> {
  const { currencyFrom, ...rest } = settings;
  return converted(moneyCleaner, ...beside(value, rest, { currencyFollows: currencyFrom }));
}

/** A currency's code; null for blank text. */
export function currency<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof currencyCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(currencyCleaner, value, settings);
}

/** A name with capital letters where they belong. There is no text that it does not take. */
export function nameCase<Type extends string | null, Row>(
  value: Value<Type, Row>,
  options: OptionsOf<typeof nameCaseCleaner> = {},
): Value<string | Extract<Type, null>, Row> {
  return convert<string | Extract<Type, null>, Row, 'empty'>(nameCaseCleaner.name, value, { ...options, invalid: 'empty' }) as Value<
    string | Extract<Type, null>,
    Row
  >;
}

/** One part of a person's name; null where there is none. */
export function personName<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings: Settings<typeof personNameCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(personNameCleaner, value, settings);
}

/** A web address; null for blank text and for `http://` alone. */
export function url<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof urlCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(urlCleaner, value, settings);
}

/** The domain of a web address; null for blank text and for `http://` alone. */
export function domain<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof domainCleaner, I>,
): Converted<string | null, Row, I> {
  return converted(domainCleaner, value, settings);
}

/** A region's code; null for blank text. `countryFrom` says the country of each row's region. */
export function region<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings: Omit<Settings<typeof regionCleaner, I>, 'countryFollows'> & { readonly countryFrom?: Input<Row> } = {},
): Converted<string | null, Row, I> {
  const { countryFrom, ...rest } = settings;
  return converted(regionCleaner, ...beside(value, rest, { countryFollows: countryFrom }));
}

/** JSON in a normal form; null for blank text. */
export function json<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof jsonCleaner, I>,
): Converted<Text<'json'> | null, Row, I> {
  return converted(jsonCleaner, value, settings);
}

/** What PHP serialised, as JSON; null for blank text. */
export function phpSerialized<Row, const I extends Invalid = 'held'>(
  value: Input<Row>,
  settings?: Settings<typeof phpSerializedCleaner, I>,
): Converted<Text<'json'> | null, Row, I> {
  return converted(phpSerializedCleaner, value, settings);
}

/** What base64 says, as text or as bytes. */
export function base64Decode<
  Type extends string | null,
  Row,
  const I extends Invalid = 'held',
  const Give extends 'text' | 'bytea' = 'text',
>(
  value: Value<Type, Row>,
  settings?: Omit<Settings<typeof base64DecodeCleaner, I>, 'give'> & { readonly give?: Give },
): Converted<(Give extends 'bytea' ? Text<'bytea'> : string) | Extract<Type, null>, Row, I> {
  return converted(base64DecodeCleaner, value, settings);
}

/** A text in base64. */
export function base64Encode<Type extends string | null, Row, const I extends Invalid = 'held'>(
  value: Value<Type, Row>,
  settings?: Settings<typeof base64EncodeCleaner, I>,
): Converted<string | Extract<Type, null>, Row, I> {
  return converted(base64EncodeCleaner, value, settings);
}

/** The value with what the row says about it behind it, if the mapping has that, and the option that says so. */
function beside<Row>(value: Input<Row>, settings: object, follows: Readonly<Record<string, Input<Row> | undefined>>): [Input<Row>, object] {
  const [[option, from] = []] = Object.entries(follows);
  if (option === undefined || from === undefined) return [value, settings];
  return [concat('', value, constant(BESIDE), from), { ...settings, [option]: true }];
}

function converted<Type, Row, I extends Invalid>(
  { name }: { readonly name: string },
  value: Input<Row>,
  settings: object = {},
): Converted<Type, Row, I> {
  return convert<Type, Row, I>(name, value, settings as { readonly invalid?: I });
}
