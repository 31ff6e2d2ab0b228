import { ConversionProblem, type Converter } from '@changeover/mapping';
import { z } from 'zod';

import { besides, follows } from './beside.js';
import { defineCleaner } from './cleaner.js';
import { AMBIGUOUS, currencyNames, minorDigits, UNKNOWN_CURRENCY, type CurrencyNames } from './currency-names.js';
import { currencyCode, languages, signs } from './currency.js';
import { type Decimal, decimalPoint, decimalText, exponent, inUnits, readDecimal, shortened, TOO_FINE } from './decimal-text.js';
import { visible } from './white-space.js';

const NOT_AN_AMOUNT = new ConversionProblem('not an amount');
const NO_CURRENCY = new ConversionProblem('no currency');

/** Longer than any amount with the name of its currency. */
const LONGEST = 1000;
/** Of Twenty and others: a millionth, whatever the currency. */
const MICROS = 6;
/** Currencies of the rows, of which each has a reader of its own. */
const MOST_CURRENCIES = 300;

/** What stands before and behind a number. */
const PARTS = /^(?<before>[^\d(+\-\u2212.,]*)(?<amount>[^\p{L}\p{Sc}]*?)(?<behind>[\p{L}\p{Sc}].*)?$/su;

export const money = defineCleaner({
  name: 'money',
  version: 1,
  doc: 'An amount of money, with or without its currency before or behind it, in minor units (cents; by ISO 4217 some currencies have none and some have three digits), in micros (millionths), as plain decimal number, or its currency alone. It never passes through a float. Blank text gives null.',
  problems: [NOT_AN_AMOUNT.reason, NO_CURRENCY.reason, UNKNOWN_CURRENCY.reason, AMBIGUOUS.reason, TOO_FINE.reason],
  options: z.strictObject({
    give: z
      .enum(['minor', 'micros', 'decimal', 'currency'])
      .default('minor')
      .describe('What to give: cents, millionths, a decimal number, or the currency.'),
    currency: currencyCode.optional().describe('The currency of amounts that are written without one (ISO 4217).'),
    currencyFollows: follows('currency'),
    decimal: decimalPoint,
    rounding: z
      .enum(['problem', 'half-even', 'half-up', 'down'])
      .default('problem')
      .describe('What becomes of an amount that is finer than the unit: a problem, rounded, or cut off.'),
    signs,
    languages,
    exponent,
  }),
  examples: [
    { options: { currency: 'EUR' }, from: '1,250.5', to: '125050' },
    { options: { currency: 'JPY' }, from: '1250', to: '1250' },
    { options: { decimal: ',' }, from: '1.250,50 €', to: '125050' },
    { from: 'KWD 1.250', to: '1250' },
    { options: { give: 'micros' }, from: '10000.000000', to: '10000000000' },
    { options: { give: 'decimal', signs: { $: 'USD' } }, from: '-$12.50', to: '-12.5' },
    { options: { give: 'currency', currency: 'USD' }, from: '12.50 EUR', to: 'EUR' },
    { options: { give: 'currency', currency: 'USD' }, from: '12.50', to: 'USD' },
    { options: { currency: 'EUR', currencyFollows: true }, from: '12\u001fJPY', to: '12' },
    { options: { currency: 'EUR', rounding: 'half-even' }, from: '0.125', to: '12' },
    { from: ' ', to: null },
    { options: { currency: 'EUR' }, from: '0.125', problem: 'too fine' },
    { options: { currency: 'EUR' }, from: 'much', problem: 'not an amount' },
    { from: '12.50', problem: 'no currency' },
    { from: '12.50 Taler', problem: 'unknown currency' },
    { from: '$12.50', problem: 'ambiguous currency' },
  ],
  inverse: ({ give, currency, currencyFollows, decimal }) => {
    if (give === 'currency') return { kind: 'lossy', reason: 'the amount is not in it' };
    if (give === 'minor' && (currency === undefined || currencyFollows))
      return { kind: 'lossy', reason: 'how many digits the currency has is not in it' };
    const scale = give === 'micros' ? MICROS : give === 'minor' ? (minorDigits(currency as string) ?? 0) : null;
    const write = (value: string): string | ConversionProblem => {
      const read = readDecimal(value, { decimal: '.' });
      if (read === null || (scale !== null && read.scale > 0)) return NOT_AN_AMOUNT;
      return decimalText(scale === null ? read : { ...read, scale }).replace('.', decimal);
    };
    return { kind: 'kept', reason: 'the currency, and how its digits are set off', write };
  },
  convert: (options) => {
    const codeOf = currencyNames(options.languages, options.signs);
    if (!options.currencyFollows) return amountReader(options, codeOf, options.currency ?? null);
    return besides((beside) => {
      const said = visible(beside);
      return amountReader(options, codeOf, said === '' ? (options.currency ?? null) : codeOf(said));
    }, MOST_CURRENCIES);
  },
});

type Options = {
  readonly give: 'minor' | 'micros' | 'decimal' | 'currency';
  readonly decimal: '.' | ',';
  readonly rounding: 'problem' | 'half-even' | 'half-up' | 'down';
  readonly exponent: 'problem' | 'expand';
};

/** `usual` is the currency of amounts without one, or why it is not known. */
function amountReader(options: Options, codeOf: CurrencyNames, usual: string | null | ConversionProblem): Converter {
  const { give, rounding } = options;
  return (text) => {
    if (text.length > LONGEST) return NOT_AN_AMOUNT;
    const written = visible(text);
    if (written === '') return null;
    const amount = amountIn(written, options);
    if (amount === null) return NOT_AN_AMOUNT;
    const code = amount.currency === '' ? (usual ?? NO_CURRENCY) : codeOf(amount.currency);
    if (give === 'currency') return code;
    if (amount.currency !== '' && code instanceof ConversionProblem) return code;
    if (give === 'decimal') return decimalText(shortened(amount.decimal));
    if (give === 'minor' && code instanceof ConversionProblem) return code;
    const digits = give === 'micros' ? MICROS : minorDigits(code as string);
    if (digits === null) return UNKNOWN_CURRENCY;
    const units = inUnits(amount.decimal, digits, rounding);
    return units instanceof ConversionProblem ? units : String(units);
  };
}

function amountIn(
  written: string,
  { decimal, exponent: powers }: Options,
): { readonly decimal: Decimal; readonly currency: string } | null {
  // An exponent is no currency, whether it is taken or not.
  const plain = readDecimal(written, { decimal, exponent: powers });
  if (plain !== null) return { decimal: plain, currency: '' };
  if (/\de[+-]?\d/iu.test(written)) return null;
  const sign = /^[+\-\u2212] ?(?=[^\d.,(])/u.exec(written)?.[0] ?? '';
  const { before = '', amount = '', behind = '' } = PARTS.exec(written.slice(sign.length))?.groups ?? {};
  const currency = [before, behind].map((part) => visible(part)).filter((part) => part !== '');
  const read = readDecimal(visible(sign.trim() + amount.trim()), { decimal });
  return read === null || currency.length > 1 ? null : { decimal: read, currency: currency[0] ?? '' };
}
