import { ConversionProblem } from '@changeover/mapping';
import { isSupportedCountry, parsePhoneNumberFromString, type PhoneNumber } from 'libphonenumber-js/max';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { memoised } from './memoised.js';
import { visible } from './white-space.js';

const NOT_A_NUMBER = new ConversionProblem('not a phone number');

/** What the library reads at most. */
const LONGEST = 250;

export const phone = defineCleaner({
  name: 'phone',
  version: 1,
  doc: 'A phone number as E.164, such as `+493012345678`, checked against the numbering plan of its country. Only a number is taken, not a text that has one in it. Blank text gives null.',
  problems: [NOT_A_NUMBER.reason],
  options: z.strictObject({
    country: z
      .string()
      .refine(isSupportedCountry, 'is not a country (ISO 3166-1 alpha-2)')
      .optional()
      .describe('The country of numbers that are written without one, as ISO 3166-1 alpha-2. Without it they are a problem.'),
    accept: z
      .enum(['valid', 'possible'])
      .default('valid')
      .describe('Numbers that the numbering plan of their country has, or all that have a possible length.'),
    extension: z
      .enum(['drop', 'append', 'only'])
      .default('drop')
      .describe('Leave an extension out, append it as `;ext=` (RFC 3966), or give nothing but it (null where there is none).'),
  }),
  examples: [
    { options: { country: 'DE' }, from: '030 / 901820', to: '+4930901820' },
    { options: { country: 'DE' }, from: '+1 (213) 373-4253', to: '+12133734253' },
    { from: 'tel:+49 (0)30 901820', to: '+4930901820' },
    { options: { country: 'US', extension: 'append' }, from: '(213) 373-4253 ext. 12', to: '+12133734253;ext=12' },
    { options: { country: 'US', extension: 'only' }, from: '(213) 373-4253 x12', to: '12' },
    { from: ' ', to: null },
    { from: '030 901820', problem: 'not a phone number' },
    { options: { country: 'US' }, from: '555-0100', problem: 'not a phone number' },
    { options: { country: 'US' }, from: 'call (213) 373-4253', problem: 'not a phone number' },
  ],
  // Reading a number takes a hundred times as long as finding what it was.
  convert: ({ country, accept, extension }) =>
    memoised((text) => {
      if (text.length > LONGEST) return NOT_A_NUMBER;
      const written = visible(text).replace(/^tel:/iu, '');
      if (written === '') return null;
      const parsed = parsePhoneNumberFromString(written, { extract: false, ...(country !== undefined && { defaultCountry: country }) });
      if (parsed === undefined || !(accept === 'valid' ? parsed.isValid() : isPossible(parsed))) return NOT_A_NUMBER;
      if (extension === 'only') return parsed.ext ?? null;
      return extension === 'append' && parsed.ext !== undefined ? `${parsed.number};ext=${parsed.ext}` : parsed.number;
    }),
});

/** Also when it is read again: a local number without its area is no number elsewhere, and of zeros too many one goes each time. */
function isPossible(number: PhoneNumber): boolean {
  const again = parsePhoneNumberFromString(number.number, { extract: false });
  return again !== undefined && again.number === number.number && again.isPossible() && number.isPossible();
}
