import type { CountryCode } from 'libphonenumber-js/max';

import { numberingPlans } from './libraries.js';

/** A numbering plan as the library's metadata has it, by place. */
type PlanData = readonly unknown[];
const metadata = numberingPlans as () => {
  readonly countries: Readonly<Record<string, PlanData>>;
  readonly nonGeographic: Readonly<Record<string, PlanData>>;
  readonly country_calling_codes: Readonly<Record<string, readonly CountryCode[]>>;
};
const PLACES = {
  callingCode: 0,
  idd: 1,
  pattern: 2,
  lengths: 3,
  nationalPrefix: 5,
  prefixForParsing: 7,
  transform: 8,
  leadingDigits: 10,
  types: 11,
} as const;

const LONGEST_CALLING_CODE = 3;
const LONGEST_NATIONAL = 17;

/** Most numbers are written so: nothing but our digits, set off, with nothing in front of them or behind. */
const SET_OFF = /^[+\d(][\d ()./-]{6,38}\d$/u;
/** The same with an extension behind a word for it. */
const PLAIN = /^(?<number>\+?[\d ()./-]{7,40}?)(?: ?(?:x|ext\.?) ?(?<extension>\d{1,6}))?$/iu;

/** Every number has one of these, which the library takes for digits. */
const DIGIT = /[0-9\uff10-\uff19\u0660-\u0669\u06f0-\u06f9]/u;

type Plan = {
  readonly callingCode: string;
  readonly idd: RegExp;
  readonly pattern: RegExp;
  readonly prefix: RegExp | null;
  readonly transform: string | null;
  readonly leadingDigits: RegExp | null;
  /** Null: whatever fits the pattern is valid. */
  readonly types: readonly { readonly pattern: RegExp; readonly lengths: readonly number[] }[] | null;
};

export type ReadNumber = {
  readonly callingCode: string;
  readonly national: string;
  readonly country: CountryCode | undefined;
  readonly extension: string | undefined;
};

/** By country or calling code. As many as there are: what is kept does not grow with the numbers. */
const PLANS = new Map<string, Plan>();

export function hasPlan(country: string): country is CountryCode {
  return Object.hasOwn(metadata().countries, country);
}

/** Whether the library says of a text at first sight that it is no number: what people write instead of one begins with a word, or has no digit. */
export function isNoNumber(text: string): boolean {
  // Behind a semicolon may stand what belongs in front of the number.
  return !DIGIT.test(text) || (/^[A-Za-z]/u.test(text) && !text.includes(';'));
}

/** As {@link readPlainNumber}, of a text as it comes: `undefined` too where there is more in it than digits that are set off. */
export function readSetOff(text: string, country: CountryCode | undefined): ReadNumber | null | undefined {
  return SET_OFF.test(text) ? readDigits(text, country, undefined) : undefined;
}

/**
 * What the library says of a number that is written plainly: the number, or null where it says that there is none or that it is not valid; `undefined` where
 * the library has to be asked. The library makes each of its patterns anew for every number, which takes ten times as long; a test holds the two
 * against each other.
 */
export function readPlainNumber(text: string, country: CountryCode | undefined): ReadNumber | null | undefined {
  const { number, extension } = PLAIN.exec(text)?.groups ?? {};
  return number === undefined ? undefined : readDigits(number, country, extension);
}

function readDigits(text: string, country: CountryCode | undefined, extension: string | undefined): ReadNumber | null | undefined {
  const digits = text.replace(/\D+/gu, '');
  if (digits.length < 3) return undefined;
  if (text.startsWith('+')) {
    const callingCode = callingCodeOf(digits);
    return callingCode === null ? null : validNumber(planOf(callingCode), digits.slice(callingCode.length), undefined, extension);
  }
  if (country === undefined) return null;
  const plan = planOf(country);
  // It may be written as dialled from here to another country, or without the plus.
  if (plan.idd.test(digits) || digits.startsWith(plan.callingCode)) return undefined;
  return validNumber(plan, digits, country, extension);
}

function validNumber(plan: Plan, digits: string, declared: CountryCode | undefined, extension: string | undefined): ReadNumber | null {
  const { callingCode } = plan;
  const national = nationalNumber(plan, digits);
  if (national.length < 2 || national.length > LONGEST_NATIONAL) return null;
  const country = countryOf(callingCode, national) ?? declared;
  return isValid(planOf(country ?? callingCode), national) ? { callingCode, national, country, extension } : null;
}

/**
 * Without the prefix of calls within the country; some plans put an area before a local number instead. The library also asks whether what is left has
 * a possible length; of a valid number the pattern says that.
 */
function nationalNumber({ prefix, transform, pattern }: Plan, digits: string): string {
  const found = prefix?.exec(digits);
  if (prefix === null || found === null || found === undefined) return digits;
  const lastGroup = found.length > 1 ? found.at(-1) : undefined;
  const without = transform !== null && lastGroup ? digits.replace(prefix, transform) : digits.slice(found[0].length);
  return !pattern.test(without) && pattern.test(digits) ? digits : without;
}

/** Of the countries that share a calling code the one that has the number. */
function countryOf(callingCode: string, national: string): CountryCode | undefined {
  const countries = metadata().country_calling_codes[callingCode];
  if (countries === undefined || countries.length === 1) return countries?.[0];
  return countries.find((country) => {
    const plan = planOf(country);
    return plan.leadingDigits === null ? hasType(plan, national) : plan.leadingDigits.test(national);
  });
}

function isValid(plan: Plan, national: string): boolean {
  return plan.types === null ? plan.pattern.test(national) : hasType(plan, national);
}

function hasType({ pattern, types }: Plan, national: string): boolean {
  return pattern.test(national) && types?.some((type) => type.lengths.includes(national.length) && type.pattern.test(national)) === true;
}

function callingCodeOf(digits: string): string | null {
  if (digits.startsWith('0')) return null;
  for (let length = 1; length <= LONGEST_CALLING_CODE; length++) {
    const code = digits.slice(0, length);
    if (Object.hasOwn(metadata().country_calling_codes, code) || Object.hasOwn(metadata().nonGeographic, code)) return code;
  }
  return null;
}

function planOf(key: string): Plan {
  let plan = PLANS.get(key);
  if (plan === undefined) {
    plan = compiled(dataOf(key));
    PLANS.set(key, plan);
  }
  return plan;
}

/** A calling code has the plan of the first of its countries. */
function dataOf(key: string): PlanData {
  const country = metadata().country_calling_codes[key]?.[0] ?? key;
  return metadata().countries[country] ?? (metadata().nonGeographic[key] as PlanData);
}

function compiled(data: PlanData): Plan {
  const lengths = data[PLACES.lengths] as readonly number[];
  const types = (data[PLACES.types] || []) as readonly ([pattern: string, lengths?: readonly number[]] | 0 | null)[];
  const prefix = data[PLACES.prefixForParsing] || data[PLACES.nationalPrefix];
  return {
    callingCode: data[PLACES.callingCode] as string,
    idd: startingWith(data[PLACES.idd]),
    pattern: whole(data[PLACES.pattern]),
    prefix: prefix ? startingWith(prefix) : null,
    transform: (data[PLACES.transform] as string) || null,
    leadingDigits: data[PLACES.leadingDigits] ? startingWith(data[PLACES.leadingDigits]) : null,
    types:
      types.length === 0
        ? null
        : types.flatMap((type) => (type && type[0] ? [{ pattern: whole(type[0]), lengths: type[1] ?? lengths }] : [])),
  };
}

function startingWith(pattern: unknown): RegExp {
  return new RegExp(`^(?:${pattern as string})`, 'u');
}

function whole(pattern: unknown): RegExp {
  return new RegExp(`^(?:${pattern as string})$`, 'u');
}
