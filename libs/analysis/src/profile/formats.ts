import { CONVERTERS } from '@changeover/cleaning';
import { ConversionProblem, type Converter } from '@changeover/mapping';

/** How dates are written, as the cleaners spell it; of those that fit the same text the likelier first. */
const DATES = ['YYYY-MM-DD', 'DD.MM.YYYY', 'MM/DD/YYYY', 'DD/MM/YYYY', 'YYYY/MM/DD', 'DD-MM-YYYY', 'D.M.YYYY', 'M/D/YYYY', 'D MMM YYYY'];
const TIMESTAMPS = [
  'YYYY-MM-DD HH:mm:ss',
  'YYYY-MM-DD HH:mm:ss.S',
  'YYYY-MM-DDTHH:mm:ss',
  'YYYY-MM-DDTHH:mm:ssZ',
  'YYYY-MM-DDTHH:mm:ss.SZ',
  'YYYY-MM-DD HH:mm',
  'DD.MM.YYYY HH:mm',
  'DD.MM.YYYY HH:mm:ss',
  'MM/DD/YYYY HH:mm',
  'DD/MM/YYYY HH:mm',
  'M/D/YYYY h:mm A',
  'D/M/YYYY h:mm A',
];

type Reader = { readonly format: string; readonly reads: Converter };

const reader = (cleaner: 'date' | 'timestamp', format: string): Reader => ({
  format,
  // Blank text was set apart, so a null is a zero date.
  reads: made(cleaner, { formats: [format], zeroDate: 'null' }),
});
const DATE_READERS = DATES.map((format) => reader('date', format));
const TIMESTAMP_READERS = TIMESTAMPS.map((format) => reader('timestamp', format));

function made(cleaner: string, options?: Parameters<NonNullable<(typeof CONVERTERS)[string]>>[0]): Converter {
  const make = CONVERTERS[cleaner];
  return make === undefined ? () => new ConversionProblem('no cleaner of that name') : make(options);
}

const takes = (convert: Converter) => (text: string) => {
  const converted = convert(text);
  return converted !== null && !(converted instanceof ConversionProblem);
};

/** What the cleaners that a proposal would name make of a text. */
export const isEmail = takes(made('email'));
export const isCountry = takes(made('country'));
export const isBoolean = takes(made('boolean'));

const COUNTRIES = ['DE', 'US', 'GB', 'FR', 'ES', 'IT', 'NL', 'AT', 'CH', 'BE', 'PL', 'SE', 'BR', 'IN', 'AU'];
/** Each is read by the plans of all these countries. */
const NUMBERS_READ = 100;

/** The country in whose plan most of the numbers are that name none; null where no country has half of them. */
export function likeliestCountry(texts: readonly string[]): string | null {
  const bare = texts.filter((text) => !/^\s*(?:tel:)?(?:\+|00)/u.test(text)).slice(0, NUMBERS_READ);
  let best: { readonly country: string | null; readonly read: number } = { country: null, read: bare.length / 2 };
  for (const country of COUNTRIES) {
    const read = bare.filter(takes(made('phone', { country }))).length;
    if (read > best.read) best = { country, read };
  }
  return best.country;
}

/** Formats that have a day as this text does: a cheap question that keeps most texts from the readers. */
const DAY_LIKE = /^\s*(?:\d{4}[-/]\d|\d{1,2}[-./ ](?:\d{1,2}[-./ ]|[A-Za-z]{3} )\d{4})/u;
const LONGEST = 40;

/** The formats that read this text; a zero date is read by them as well. */
export function dateFormats(text: string): { readonly dates: readonly string[]; readonly timestamps: readonly string[] } {
  if (text.length > LONGEST || !DAY_LIKE.test(text)) return { dates: [], timestamps: [] };
  const reading = (readers: readonly Reader[]): readonly string[] =>
    readers.filter(({ reads }) => !(reads(text) instanceof ConversionProblem)).map(({ format }) => format);
  // A format of a timestamp has more in it than one of a date: what the one reads the other does not.
  const dates = reading(DATE_READERS);
  return dates.length > 0 ? { dates, timestamps: [] } : { dates, timestamps: reading(TIMESTAMP_READERS) };
}

/** Which formats were found to read a text, and of how many rows. */
export type FormatCount = { readonly formats: readonly string[]; readonly rows: number };

/** The fewest formats that read all that any of them reads, those that read the most first. `ambiguous`: rows that two of them read as different days. */
export function fewestFormats(counts: readonly FormatCount[]): { readonly formats: readonly string[]; readonly ambiguous: number } {
  const chosen: string[] = [];
  let left = counts;
  while (left.length > 0) {
    const totals = new Map<string, number>();
    for (const { formats, rows } of left) for (const format of formats) totals.set(format, (totals.get(format) ?? 0) + rows);
    // Of equals the first in our list, as a map keeps its order.
    const [best] = [...totals].reduce<[string, number]>((one, other) => (other[1] > one[1] ? other : one), ['', 0]);
    if (best === '') break;
    chosen.push(best);
    left = left.filter(({ formats }) => !formats.includes(best));
  }
  // Day and month change places; the shorter forms of the same order read the same day.
  const ambiguous = counts
    .filter(({ formats }) => formats.some(isDayFirst) && formats.some(isMonthFirst))
    .reduce((sum, { rows }) => sum + rows, 0);
  return { formats: chosen, ambiguous };
}

const isDayFirst = (format: string): boolean => /^DD?\//u.test(format);
const isMonthFirst = (format: string): boolean => /^MM?\//u.test(format);
