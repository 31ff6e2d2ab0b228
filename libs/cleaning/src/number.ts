import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { decimalPoint, decimalText, exponent, inUnits, readDecimal, type Decimal } from './decimal-text.js';
import { trimmed } from './white-space.js';

const NOT_A_NUMBER = new ConversionProblem('not a number');
const A_RANGE = new ConversionProblem('a range');
const NOT_WHOLE = new ConversionProblem('not a whole number');

/** Longer than a number and another one. */
const LONGEST = 5000;

/** Not behind a sign, and not where one could stand. */
const BETWEEN = /(?<=[\d)])\s*(?:-|–|—|\.\.\.?|…|\bto\b|\bbis\b|à)\s*(?=[\d+\u2212(-])/u;

export const number = defineCleaner({
  name: 'number',
  version: 1,
  doc: 'A number, as PostgreSQL prints a numeric: digits as they are written, so nothing is rounded, without their groups and without zeros before them. Groups must be of three digits, or of two before the last three (India): `1,25` is no number where the point is the decimal sign, which shows a wrong setting before it is a wrong amount. Brackets and a minus behind it make a number negative. Blank text gives null.',
  problems: [NOT_A_NUMBER.reason, A_RANGE.reason, NOT_WHOLE.reason],
  options: z.strictObject({
    decimal: decimalPoint,
    range: z
      .enum(['problem', 'low', 'high', 'middle'])
      .default('problem')
      .describe('What `50-100` is: a problem, its lower or upper end, or what lies in the middle. `500+` has a lower end only.'),
    whole: z.boolean().default(false).describe('Whether a fraction other than zeros is a problem, and zeros are left out.'),
    exponent,
  }),
  examples: [
    { from: '1,250,000', to: '1250000' },
    { from: '-0012.50', to: '-12.50' },
    { options: { decimal: ',' }, from: '1.250.000,75', to: '1250000.75' },
    { from: '12,34,567', to: '1234567' },
    { from: '(1 250)', to: '-1250' },
    { from: '99999999999999999999999999999999999999.5', to: '99999999999999999999999999999999999999.5' },
    { options: { range: 'low' }, from: '50-100', to: '50' },
    { options: { range: 'middle' }, from: '50 – 101', to: '75.5' },
    { options: { range: 'low' }, from: '500+', to: '500' },
    { options: { whole: true }, from: '250.00', to: '250' },
    { options: { exponent: 'expand' }, from: '1.25E+06', to: '1250000' },
    { from: ' ', to: null },
    { from: '50-100', problem: 'a range' },
    { from: '1,25', problem: 'not a number' },
    { from: '1e308', problem: 'not a number' },
    { from: 'NaN', problem: 'not a number' },
    { options: { whole: true }, from: '2.5', problem: 'not a whole number' },
  ],
  inverse: ({ decimal, range }) => ({
    kind: 'kept',
    reason: range === 'problem' ? 'how its digits are set off' : 'the ends of a range',
    write: (value) => value.replace('.', decimal),
  }),
  convert: ({ range, whole, ...writing }) => {
    const read = (text: string): Decimal | ConversionProblem => {
      const one = readDecimal(text, writing);
      if (one !== null) return one;
      const ends = text.endsWith('+') ? [text.slice(0, -1)] : text.split(BETWEEN);
      const [low, high] = ends.map((end) => readDecimal(trimmed(end), writing));
      if (low === undefined || low === null || high === null || ends.length > 2) return NOT_A_NUMBER;
      if (high === undefined) return text.endsWith('+') ? (range === 'low' ? low : A_RANGE) : NOT_A_NUMBER;
      const scale = Math.max(low.scale, high.scale);
      const [from, to] = [low, high].map((end) => end.unscaled * 10n ** BigInt(scale - end.scale)) as [bigint, bigint];
      if (range === 'problem' || from > to) return A_RANGE;
      if (range !== 'middle') return range === 'low' ? low : high;
      return (from + to) % 2n === 0n ? { unscaled: (from + to) / 2n, scale } : { unscaled: (from + to) * 5n, scale: scale + 1 };
    };
    return (text) => {
      if (text.length > LONGEST) return NOT_A_NUMBER;
      const written = trimmed(text);
      if (written === '') return null;
      const decimal = read(written);
      if (decimal instanceof ConversionProblem) return decimal;
      if (!whole) return decimalText(decimal);
      const units = inUnits(decimal, 0, 'problem');
      return units instanceof ConversionProblem ? NOT_WHOLE : String(units);
    };
  },
});
