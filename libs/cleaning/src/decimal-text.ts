import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

/** A number as its digits: `unscaled` with the point `scale` digits from its end. Never a float, so nothing is rounded. */
export type Decimal = { readonly unscaled: bigint; readonly scale: number };

/** More digits than any amount has; what PostgreSQL's numeric takes is far more, but reading digits takes the square of their number. */
const MOST_DIGITS = 1000;

export const decimalPoint = z
  .enum(['.', ','])
  .default('.')
  .describe('What stands before the fraction. Groups of digits may be set off by the other one of the two, by spaces, apostrophes or `_`.');

export const exponent = z
  .enum(['problem', 'expand'])
  .default('problem')
  .describe('What `1.25E+06`, as spreadsheets write large numbers, is: a problem, or the number with all its digits (1,000 at most).');

type Writing = { readonly decimal: '.' | ','; readonly exponent?: 'problem' | 'expand' };

/** By the sign that stands before the fraction: digits in groups of three, or of two before the last three (India), or in none. */
const WRITTEN: Readonly<Record<Writing['decimal'], RegExp>> = { '.': pattern('.', ','), ',': pattern(',', '.') };

/** What a text without white space at its ends says; null if it is no number in this writing. */
export function readDecimal(text: string, { decimal, exponent: powers = 'problem' }: Writing): Decimal | null {
  if (text.length > 2 * MOST_DIGITS) return null;
  const groups = WRITTEN[decimal].exec(text)?.groups;
  if (groups === undefined) return null;
  const { open, close, sign, trailing, whole = '', fraction = '', power } = groups;
  if ((open === undefined) !== (close === undefined) || [open, sign, trailing].filter((one) => one !== undefined).length > 1) return null;
  if (power !== undefined && powers === 'problem') return null;
  const shift = Number(power ?? 0);
  if (Math.abs(shift) > MOST_DIGITS) return null;
  const digits = whole.replace(/\D/gu, '') + fraction;
  const scale = fraction.length - shift;
  if (digits === '' || digits.length + Math.abs(scale) > 2 * MOST_DIGITS) return null;
  const size = BigInt(digits) * (scale < 0 ? 10n ** BigInt(-scale) : 1n);
  const isNegative = open !== undefined || sign === '-' || sign === '\u2212' || trailing !== undefined;
  return { unscaled: isNegative ? -size : size, scale: Math.max(scale, 0) };
}

/** As PostgreSQL prints a numeric of this scale. */
export function decimalText({ unscaled, scale }: Decimal): string {
  const isNegative = unscaled < 0n;
  const digits = String(isNegative ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${isNegative ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

/** Without zeros at the end of the fraction. */
export function shortened({ unscaled, scale }: Decimal): Decimal {
  let [rest, left] = [unscaled, scale];
  while (left > 0 && rest % 10n === 0n) {
    rest /= 10n;
    left -= 1;
  }
  return { unscaled: rest, scale: left };
}

export type Rounding = 'problem' | 'half-even' | 'half-up' | 'down';

export const TOO_FINE = new ConversionProblem('too fine');

/** In units of which `digits` powers of ten make one; what is finer is rounded, or a problem. */
export function inUnits({ unscaled, scale }: Decimal, digits: number, rounding: Rounding): bigint | ConversionProblem {
  if (scale <= digits) return unscaled * 10n ** BigInt(digits - scale);
  const unit = 10n ** BigInt(scale - digits);
  const whole = unscaled / unit;
  const rest = unscaled % unit;
  if (rest === 0n || rounding === 'down') return whole;
  if (rounding === 'problem') return TOO_FINE;
  const twice = 2n * (rest < 0n ? -rest : rest);
  const isUp = twice > unit || (twice === unit && (rounding === 'half-up' || whole % 2n !== 0n));
  return isUp ? whole + (unscaled < 0n ? -1n : 1n) : whole;
}

function pattern(decimal: string, group: string): RegExp {
  const gap = `[${group} \\u00a0\\u2009\\u202f'’_]`;
  const threes = `[1-9]\\d{0,2}(?<gap>${gap})\\d{3}(?:\\k<gap>\\d{3})*`;
  const twos = `[1-9]\\d?(?<gapOfTwos>${gap})\\d{2}(?:\\k<gapOfTwos>\\d{2})*\\k<gapOfTwos>\\d{3}`;
  return new RegExp(
    `^(?<open>\\()?(?<sign>[+\\-\\u2212])? ?(?<whole>${threes}|${twos}|\\d*)` +
      `(?:[${decimal}](?<fraction>\\d*))?(?:[eE](?<power>[+-]?\\d{1,4}))?(?<trailing>-)?(?<close>\\))?$`,
    'u',
  );
}
