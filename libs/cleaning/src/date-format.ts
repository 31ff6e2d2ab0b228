import { daysSince1970 } from './time-zone.js';

/** What a text says, as written; the fraction as its digits. `offset` in seconds, null where the format has none. */
export type Moment = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly secondOfDay: number;
  readonly fraction: string;
  readonly offset: number | null;
};

export type DateFormat = {
  readonly hasOffset: boolean;
  /** Null: not written in this format, or no day or time that exists. */
  readonly read: (text: string) => Moment | 'zero' | null;
  /** In this format, as far as it has a place for what the moment says. */
  readonly write: (moment: Moment) => string;
};

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const LONG_MONTHS = 'january|february|march|april|may|june|july|august|september|october|november|december';

/** Each part of a format and the pattern of what is written for it; longer ones first. */
const PARTS: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  MMMM: `(?<name>${LONG_MONTHS})`,
  MMM: `(?<name>${MONTHS.join('|')})`,
  YY: '(?<short>\\d{2})',
  MM: '(?<month>\\d{2})',
  DD: '(?<day>\\d{2})',
  HH: '(?<hour>\\d{2})',
  hh: '(?<half>\\d{2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
  M: '(?<month>\\d{1,2})',
  D: '(?<day>\\d{1,2})',
  H: '(?<hour>\\d{1,2})',
  h: '(?<half>\\d{1,2})',
  S: '(?<fraction>\\d{1,9})',
  A: '(?<noon>am|pm)',
  Z: '(?<offset>z|[+-]\\d{2}(?::?\\d{2})?)',
};

/** What each part says of a moment. */
const WRITERS: Readonly<Record<string, (moment: Moment) => string>> = {
  YYYY: ({ year }) => String(year).padStart(4, '0'),
  MMMM: ({ month }) => capital(LONG_MONTHS.split('|')[month - 1] ?? ''),
  MMM: ({ month }) => capital(MONTHS[month - 1] ?? ''),
  YY: ({ year }) => twoDigits(year % 100),
  MM: ({ month }) => twoDigits(month),
  DD: ({ day }) => twoDigits(day),
  HH: ({ secondOfDay }) => twoDigits(hourOf(secondOfDay)),
  hh: ({ secondOfDay }) => twoDigits(((hourOf(secondOfDay) + 11) % 12) + 1),
  mm: ({ secondOfDay }) => twoDigits(Math.floor(secondOfDay / 60) % 60),
  ss: ({ secondOfDay }) => twoDigits(secondOfDay % 60),
  M: ({ month }) => String(month),
  D: ({ day }) => String(day),
  H: ({ secondOfDay }) => String(hourOf(secondOfDay)),
  h: ({ secondOfDay }) => String(((hourOf(secondOfDay) + 11) % 12) + 1),
  S: ({ fraction }) => fraction || '0',
  A: ({ secondOfDay }) => (hourOf(secondOfDay) < 12 ? 'AM' : 'PM'),
  Z: () => 'Z',
};

const TOKEN = new RegExp(`\\[(?<literal>[^\\]]*)\\]|(?<part>${Object.keys(PARTS).join('|')})|(?<other>.)`, 'gsu');

/** Parts that say the same; two of them in a format could contradict each other. */
const SAME: readonly (readonly string[])[] = [
  ['YYYY', 'YY'],
  ['MMMM', 'MMM', 'MM', 'M'],
  ['DD', 'D'],
  ['HH', 'H', 'hh', 'h'],
  ['mm'],
  ['ss'],
  ['S'],
  ['A'],
  ['Z'],
];

/** Two-digit years below it are of this century, the others of the last: as PostgreSQL and MySQL read them. */
const PIVOT = 70;

/** What is wrong with a format, in words; or how to read it. */
export function compileFormat(format: string): DateFormat | string {
  const parts: string[] = [];
  const writers: ((moment: Moment) => string)[] = [];
  let pattern = '';
  for (const { groups = {} } of format.matchAll(TOKEN)) {
    const { literal, part, other } = groups;
    if (part !== undefined) {
      parts.push(part);
      pattern += PARTS[part] as string;
      writers.push(WRITERS[part] as (moment: Moment) => string);
    } else if (other !== undefined && other !== 'T' && /\p{L}|\d/u.test(other)) {
      return `has ${other}, which is no part of a date; text of its own stands in [brackets]`;
    } else {
      const own = literal ?? other ?? '';
      pattern += escaped(own);
      writers.push(() => own);
    }
  }
  const counts = SAME.map((same) => parts.filter((part) => same.includes(part)).length);
  if (counts.some((count) => count > 1)) return 'says the same part twice';
  const [years, months, days, hours, minutes, seconds, fractions, noons] = counts as [number, ...number[]];
  if (years === 0 || months === 0 || days === 0) return 'needs year, month and day';
  if ((minutes === 1 && hours === 0) || (seconds === 1 && minutes === 0) || (fractions === 1 && seconds === 0)) {
    return 'has a part of the time without the greater one before it';
  }
  const half = parts.some((part) => part === 'hh' || part === 'h');
  if (half !== (noons === 1)) return 'needs A (am, pm) with hh or h, and only with these';
  const expression = new RegExp(`^${pattern}$`, 'iu');
  return {
    hasOffset: parts.includes('Z'),
    read: fixedReader(format) ?? ((text) => moment(expression.exec(text)?.groups)),
    write: (moment) => writers.map((write) => write(moment)).join(''),
  };
}

/** Parts that are written in so many digits whatever they say. */
const DIGITS: Readonly<Record<string, keyof Digits>> = {
  YYYY: 'year',
  YY: 'short',
  MM: 'month',
  DD: 'day',
  HH: 'hour',
  mm: 'minute',
  ss: 'second',
};
const [UPPER_T, LOWER_T] = ['T', 't'].map((text) => text.charCodeAt(0)) as [number, number];
/** What they say; -1: nothing. */
type Digits = { year: number; short: number; month: number; day: number; hour: number; minute: number; second: number };

/** Reads a format of nothing but such parts and marks between them, which stand at their places: most do, and a pattern takes ten times as long. Null: there is more in it. */
function fixedReader(format: string): DateFormat['read'] | null {
  const steps: { readonly at: number; readonly digits: keyof Digits | null; readonly size: number; readonly mark: number }[] = [];
  let size = 0;
  for (const { 0: text, groups = {} } of format.matchAll(TOKEN)) {
    const digits = groups['part'] === undefined ? null : (DIGITS[groups['part']] ?? null);
    if (digits === null && !/^[ -/:-@_T]$/u.test(text)) return null;
    steps.push({ at: size, digits, size: text.length, mark: text.charCodeAt(0) });
    size += text.length;
  }
  return (text) => {
    if (text.length !== size) return null;
    const said: Digits = { year: -1, short: -1, month: -1, day: -1, hour: 0, minute: 0, second: 0 };
    for (const step of steps) {
      if (step.digits === null) {
        const mark = text.charCodeAt(step.at);
        if (mark !== step.mark && !(step.mark === UPPER_T && mark === LOWER_T)) return null;
        continue;
      }
      let number = 0;
      for (let at = step.at; at < step.at + step.size; at++) {
        const digit = text.charCodeAt(at) - 0x30;
        if (digit < 0 || digit > 9) return null;
        number = number * 10 + digit;
      }
      said[step.digits] = number;
    }
    const { year, short, month, day, hour, minute, second } = said;
    return momentOn(year === -1 ? short : year, year === -1, month, day, secondsOf(hour, minute, second), '', null);
  };
}

function moment(groups: Readonly<Record<string, string | undefined>> | undefined): Moment | 'zero' | null {
  if (groups === undefined) return null;
  const { year, short, name, fraction = '', offset } = groups;
  const month = name === undefined ? Number(groups['month']) : MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  return momentOn(Number(year ?? short), year === undefined, month, Number(groups['day']), timeOfDay(groups), fraction, offsetOf(offset));
}

/** `secondOfDay` null, `offset` undefined: there is no such one. */
function momentOn(
  written: number,
  isShort: boolean,
  month: number,
  day: number,
  secondOfDay: number | null,
  fraction: string,
  offset: number | null | undefined,
): Moment | 'zero' | null {
  if (written === 0 && month === 0 && day === 0) return 'zero';
  const year = isShort ? written + (written < PIVOT ? 2000 : 1900) : written;
  if (year === 0 || month === 0 || month > 12 || day === 0 || day > daysOf(year, month)) return null;
  if (secondOfDay === null || offset === undefined) return null;
  return { year, month, day, secondOfDay, fraction, offset };
}

function timeOfDay({ hour, half, noon, minute = '0', second = '0' }: Readonly<Record<string, string | undefined>>): number | null {
  let hours = Number(hour ?? half ?? 0);
  if (half !== undefined) {
    if (hours < 1 || hours > 12) return null;
    hours = (hours % 12) + (noon?.toLowerCase() === 'pm' ? 12 : 0);
  }
  return secondsOf(hours, Number(minute), Number(second));
}

/** Null: there is no such time of day. */
function secondsOf(hours: number, minutes: number, seconds: number): number | null {
  return hours > 23 || minutes > 59 || seconds > 59 ? null : hours * 3600 + minutes * 60 + seconds;
}

/** In seconds; null where none is written, undefined where it is none. */
function offsetOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return null;
  if (text.toLowerCase() === 'z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(':', '') || '0');
  // The farthest that PostgreSQL takes.
  if (hours > 15 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

function daysOf(year: number, month: number): number {
  return (month === 12 ? daysSince1970(year + 1, 1, 1) : daysSince1970(year, month + 1, 1)) - daysSince1970(year, month, 1);
}

function hourOf(secondOfDay: number): number {
  return Math.floor(secondOfDay / 3600);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

export function twoDigits(number: number): string {
  return number < 10 ? `0${String(number)}` : String(number);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
}
