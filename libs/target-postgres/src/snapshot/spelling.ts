/**
 * What the database makes of a value's COPY text, where that can be told by the look of it: the text as it is compared. Null: only the database can tell, also
 * whether it takes the value at all.
 */
export type Spelling = (field: string) => string | null;

const asItIs: Spelling = (field) => field;

/** In the Gregorian calendar, but for the leap days. */
const DATE = '(?!0000)\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d';

const PATTERNS: Readonly<Record<string, RegExp>> = {
  // One digit less than there may be, or a first digit that leaves room.
  smallint: /^(?:0|-?(?:[1-9]\d{0,3}|[12]\d{4}))$/,
  integer: /^(?:0|-?(?:[1-9]\d{0,8}|1\d{9}))$/,
  bigint: /^(?:0|-?(?:[1-9]\d{0,17}|[1-8]\d{18}))$/,
  boolean: /^[tf]$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  date: new RegExp(`^${DATE}$`),
  // Up to 15 digits a decimal number is the shortest of its double, which is printed without an exponent from 1e-4 to 1e15.
  'double precision': /^(?!.{17})(?!-?0\.0000)-?(?:0|[1-9]\d{0,13})(?:\.\d*[1-9])?$/,
};

/** Digits on either side of the point, where the type does not say: the database takes more. */
const MOST_DIGITS = 1000;

/**
 * The spelling of values of a column, by its type as the catalogue prints it (with its modifier). `field` is an escaped field of a COPY line, neither null nor
 * untold, as Latin-1: one byte, one character. A domain's values are the database's to judge.
 */
export function spellingOf(type: string): Spelling {
  const [, name = type, modifier, zone = ''] = /^([a-z ]+?)(?:\((\d+(?:,-?\d+)?)\))?( with(?:out)? time zone)?$/.exec(type) ?? [];
  const limit = modifier === undefined ? null : Number(modifier);
  switch (name + zone) {
    case 'text':
      return asItIs;
    case 'character varying':
      return limit === null ? asItIs : (field) => (field.length <= limit || characters(field) <= limit ? field : null);
    case 'bpchar':
      return asItIs;
    case 'character':
      return (field) => (characters(field) === limit ? field : null);
    case 'bytea':
      return (field) => (isHex(field) ? field : null);
    case 'numeric':
      return numeric(modifier);
    case 'time without time zone':
      return matching(new RegExp(`^${TIME}${fraction(limit)}$`));
    case 'timestamp without time zone':
      return matching(new RegExp(`^${DATE} ${TIME}${fraction(limit)}$`));
    case 'timestamp with time zone':
      return matching(new RegExp(`^${DATE} ${TIME}${fraction(limit)}\\+00$`));
    default: {
      const pattern = Object.hasOwn(PATTERNS, type) ? PATTERNS[type] : undefined;
      return pattern === undefined ? () => null : matching(pattern);
    }
  }
}

function matching(pattern: RegExp): Spelling {
  return (field) => (pattern.test(field) ? field : null);
}

/** Of seconds, without zeros at its end. */
function fraction(digits: number | null): string {
  return digits === 0 ? '' : `(?:\\.\\d{0,${String((digits ?? 6) - 1)}}[1-9])?`;
}

/** Compared without the zeros behind the point, which a source that has them has in almost every value. */
function numeric(modifier: string | undefined): Spelling {
  let whole = MOST_DIGITS;
  let scale = MOST_DIGITS;
  if (modifier !== undefined) {
    const [precision, given = 0] = modifier.split(',').map(Number) as [number, number?];
    if (given < 0 || given > precision) return () => null;
    whole = precision - given;
    scale = given;
  }
  const before = whole === 0 ? '-?0' : `-?(?:0|[1-9]\\d{0,${String(whole - 1)}})`;
  const zeros = `0{0,${String(MOST_DIGITS)}}`;
  const fractional = scale === 0 ? '' : `(${before}\\.\\d{0,${String(scale - 1)}}[1-9])${zeros}|`;
  const pattern = new RegExp(`^(?!-0(?:\\.0*)?$)(?:${fractional}(${before})(?:\\.${zeros})?)$`);
  return (field) => {
    const found = pattern.exec(field);
    return found?.slice(1).find((trimmed) => trimmed !== undefined) ?? null;
  };
}

/** UTF-8 seen as Latin-1, escaped: a backslash and what follows it are one character, and so is a first byte with those that continue it. */
function characters(field: string): number {
  let count = 0;
  for (let at = 0; at < field.length; at++) {
    const code = field.charCodeAt(at);
    if (code === 0x5c) at++;
    if (code < 0x80 || code >= 0xc0) count++;
  }
  return count;
}

/** Of any length: a pattern that goes through many megabytes runs out of stack. */
function isHex(field: string): boolean {
  const prefix = String.raw`\\x`;
  if (!field.startsWith(prefix) || (field.length - prefix.length) % 2 !== 0) return false;
  for (let at = prefix.length; at < field.length; at++) {
    const code = field.charCodeAt(at);
    const isDigit = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
    if (!isDigit) return false;
  }
  return true;
}
