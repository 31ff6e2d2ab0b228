import { ConversionProblem } from '@changeover/mapping';
import fc from 'fast-check';

import { minorDigits } from './currency-names.js';
import { money } from './money.js';
import { number } from './number.js';

const NOT_A_NUMBER = new ConversionProblem('not a number');

test('what Intl writes in a locale, digit by digit', () => {
  const locales = [
    ['en-US', '.'],
    ['en-IN', '.'],
    ['de-DE', ','],
    ['fr-FR', ','],
    ['de-CH', '.'],
    ['es-ES', ','],
    ['pl-PL', ','],
    ['pt-BR', ','],
  ] as const;
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.constantFrom(...locales), (whole, [locale, decimal]) => {
      const written = new Intl.NumberFormat(locale).format(whole);
      expect([written, number.make({ decimal })(written)]).toEqual([written, String(whole)]);
    }),
    { numRuns: 5000 },
  );
});

test('no digit is lost, however many there are', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^-?[1-9][0-9]{0,60}\.[0-9]{1,60}$/u), (text) => {
      expect(number.make(undefined)(text)).toBe(text);
      expect(number.make({ decimal: ',' })(text.replace('.', ','))).toBe(text);
    }),
  );
});

test.each([
  ['1,250,000', {}, '1250000'],
  ['1 250 000', {}, '1250000'],
  ['1\u00a0250\u202f000', {}, NOT_A_NUMBER],
  ['1’250’000.5', {}, '1250000.5'],
  ['1,2500', {}, NOT_A_NUMBER],
  ['1,250.000,5', {}, NOT_A_NUMBER],
  ['0,500', {}, NOT_A_NUMBER],
  ['.5', {}, '0.5'],
  ['5.', {}, '5'],
  ['.', {}, NOT_A_NUMBER],
  ['-', {}, NOT_A_NUMBER],
  ['\u22127', {}, '-7'],
  ['7-', {}, '-7'],
  ['(-7)', {}, NOT_A_NUMBER],
  ['(7', {}, NOT_A_NUMBER],
  ['-0.00', {}, '0.00'],
  ['Infinity', {}, NOT_A_NUMBER],
  ['0x10', {}, NOT_A_NUMBER],
  ['1e3', { exponent: 'expand' }, '1000'],
  ['1.25e-3', { exponent: 'expand' }, '0.00125'],
  ['1e308', { exponent: 'expand' }, `1${'0'.repeat(308)}`],
  ['1e9999', { exponent: 'expand' }, NOT_A_NUMBER],
  ['10-49', { range: 'high' }, '49'],
  ['10 to 49', { range: 'high' }, '49'],
  ['1,000–5,000', { range: 'middle' }, '3000'],
  ['10..49', { range: 'low' }, '10'],
  ['49-10', { range: 'low' }, new ConversionProblem('a range')],
  ['500+', { range: 'high' }, new ConversionProblem('a range')],
  ['2019-12-24', { range: 'low' }, NOT_A_NUMBER],
  ['-5', { range: 'low' }, '-5'],
  ['7.50', { whole: true }, new ConversionProblem('not a whole number')],
])('%j with %j', (text, options, result) => {
  expect(number.make(options)(text)).toEqual(result);
});

test('money: units of each currency as ISO 4217 has them, exactly', () => {
  const digits = ['EUR', 'JPY', 'KWD', 'CLF'].map((currency) => [currency, minorDigits(currency)]);
  expect(digits).toEqual([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
  ]);
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.constantFrom('EUR', 'JPY', 'KWD'), (units, currency) => {
      const scale = minorDigits(currency) as number;
      const size = String(units < 0n ? -units : units).padStart(scale + 1, '0');
      const amount = `${units < 0n ? '-' : ''}${size.slice(0, size.length - scale)}${scale === 0 ? '' : `.${size.slice(-scale)}`}`;
      expect(money.make({ currency })(amount)).toBe(String(units));
      expect(money.make({})(`${amount} ${currency}`)).toBe(String(units));
      expect(money.make({ give: 'micros' })(amount)).toBe(String(units * 10n ** BigInt(6 - scale)));
    }),
  );
});

test.each([
  ['0.005', 'half-up', '1'],
  ['0.005', 'half-even', '0'],
  ['0.015', 'half-even', '2'],
  ['-0.005', 'half-up', '-1'],
  ['-0.015', 'half-even', '-2'],
  ['-0.019', 'down', '-1'],
  ['0.0050000000000000000000000000000001', 'half-even', '1'],
  ['1.000', 'problem', '100'],
])('%s EUR rounded %s', (text, rounding, cents) => {
  expect(money.make({ currency: 'EUR', rounding })(text)).toBe(cents);
});

test.each([
  ['$ 1,250', '125000'],
  ['USD1,250.00', '125000'],
  ['1,250.00 us dollar', '125000'],
  ['US$ -5', '-500'],
  ['-US$5', '-500'],
  ['12 zł', '1200'],
  ['EUR 5 EUR', new ConversionProblem('not an amount')],
  ['5 EUR per day', new ConversionProblem('unknown currency')],
  ['NaN', new ConversionProblem('not an amount')],
])('%s', (text, cents) => {
  expect(money.make({ signs: { $: 'USD' } })(text)).toEqual(cents);
});
