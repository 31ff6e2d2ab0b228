import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { AMBIGUOUS, currencyNames, minorDigits, UNKNOWN_CURRENCY } from './currency-names.js';
import { memoised } from './memoised.js';
import { visible } from './white-space.js';

/** Longer than any currency's name. */
const LONGEST = 200;

export const currencyCode = z
  .string()
  .refine((code) => minorDigits(code) !== null && code === code.toUpperCase(), 'is not a currency (ISO 4217)');

export const signs = z
  .record(z.string().min(1), currencyCode)
  .default({})
  .describe('What signs mean here that several currencies share, such as {"$": "USD"}. They go before the usual ones.');

export const languages = z
  .array(z.string().refine(isLanguage, 'is not a language whose names of currencies are known'))
  .default(['en'])
  .describe('The languages of names, such as en or de.');

export const currency = defineCleaner({
  name: 'currency',
  version: 1,
  doc: 'A currency, written as code (ISO 4217), sign or name, as its code. Case does not count, nor do accents in names. A sign that several currencies share ($, £, ¥, kr) is a problem unless `signs` says which one is meant. Blank text gives null.',
  problems: [UNKNOWN_CURRENCY.reason, AMBIGUOUS.reason],
  options: z.strictObject({ signs, languages }),
  examples: [
    { from: 'eur', to: 'EUR' },
    { from: '€', to: 'EUR' },
    { from: 'US Dollar', to: 'USD' },
    { options: { languages: ['de'] }, from: 'Schweizer Franken', to: 'CHF' },
    { options: { signs: { $: 'USD' } }, from: '$', to: 'USD' },
    { from: '', to: null },
    { from: '$', problem: 'ambiguous currency' },
    { from: 'Taler', problem: 'unknown currency' },
  ],
  inverse: () => normalForm('the name or sign, and its spelling'),
  convert: (options) => {
    const codeOf = currencyNames(options.languages, options.signs);
    return memoised((text) => {
      if (text.length > LONGEST) return UNKNOWN_CURRENCY;
      const written = visible(text);
      return written === '' ? null : codeOf(written);
    });
  },
});

function isLanguage(language: string): boolean {
  try {
    return Intl.DisplayNames.supportedLocalesOf([language]).length === 1;
  } catch {
    return false;
  }
}
