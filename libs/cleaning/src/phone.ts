import { ConversionProblem, type Converter } from '@changeover/mapping';
import type { CountryCode, PhoneNumber } from 'libphonenumber-js/max';
import { z } from 'zod';

import { besides, follows } from './beside.js';
import { defineCleaner, normalForm } from './cleaner.js';
import { phoneNumbers } from './libraries.js';
import { memoised } from './memoised.js';
import { hasPlan, isNoNumber, readPlainNumber, readSetOff, type ReadNumber } from './phone-plans.js';
import { visible } from './white-space.js';

const NOT_A_NUMBER = new ConversionProblem('not a phone number');

/** What the library reads at most. */
const LONGEST = 250;
/** As there are countries, and some slips. */
const MOST_COUNTRIES = 300;

export const phone = defineCleaner({
  name: 'phone',
  version: 1,
  doc: 'A phone number as E.164, such as `+493012345678`, or a part of it, checked against the numbering plan of its country. Only a number is taken, not a text that has one in it. Blank text gives null.',
  problems: [NOT_A_NUMBER.reason],
  options: z
    .strictObject({
      country: z
        .string()
        .refine(hasPlan, 'is not a country (ISO 3166-1 alpha-2)')
        .optional()
        .describe('The country of numbers that are written without one, as ISO 3166-1 alpha-2. Without it they are a problem.'),
      countryFollows: follows('country'),
      accept: z
        .enum(['valid', 'possible'])
        .default('valid')
        .describe('Numbers that the numbering plan of their country has, or all that have a possible length.'),
      extension: z
        .enum(['drop', 'append', 'only'])
        .default('drop')
        .describe('Leave an extension out, append it as `;ext=` (RFC 3966), or give nothing but it (null where there is none).'),
      give: z
        .enum(['e164', 'national', 'country', 'callingCode'])
        .default('e164')
        .describe(
          'The whole number, its digits without the calling code, its country (null where several share a number), or the calling code with a plus.',
        ),
    })
    .refine(({ extension, give }) => extension === 'drop' || give === 'e164', {
      path: ['give'],
      message: 'is e164 where extensions are asked for',
    }),
  examples: [
    { options: { country: 'DE' }, from: '030 / 901820', to: '+4930901820' },
    { options: { country: 'DE' }, from: '+1 (213) 373-4253', to: '+12133734253' },
    { from: 'tel:+49 (0)30 901820', to: '+4930901820' },
    { options: { country: 'US', extension: 'append' }, from: '(213) 373-4253 ext. 12', to: '+12133734253;ext=12' },
    { options: { country: 'US', extension: 'only' }, from: '(213) 373-4253 x12', to: '12' },
    { options: { country: 'US', countryFollows: true }, from: '030 901820\u001fDE', to: '+4930901820' },
    { options: { country: 'US', give: 'national' }, from: '+49 30 901820', to: '30901820' },
    { options: { country: 'US', give: 'country' }, from: '+49 30 901820', to: 'DE' },
    { options: { country: 'US', give: 'callingCode' }, from: '(213) 373-4253', to: '+1' },
    { from: ' ', to: null },
    { from: '030 901820', problem: 'not a phone number' },
    { options: { country: 'US' }, from: '555-0100', problem: 'not a phone number' },
    { options: { country: 'US' }, from: 'call (213) 373-4253', problem: 'not a phone number' },
  ],
  inverse: ({ extension, give }) => {
    if (give !== 'e164') return { kind: 'lossy', reason: 'it is a part of the number' };
    if (extension === 'only') return { kind: 'lossy', reason: 'the number is not in it' };
    return normalForm(extension === 'drop' ? 'how its digits are set off, and its extension' : 'how its digits are set off');
  },
  // Reading a number takes far longer than finding what it was.
  convert: ({ country, countryFollows, ...options }) => {
    if (!countryFollows) return memoised(numberReader(options, country));
    const reader = (beside: string): Converter => {
      const said = visible(beside).toUpperCase();
      return numberReader(options, hasPlan(said) ? said : country);
    };
    return memoised(besides(reader, MOST_COUNTRIES));
  },
});

type Options = {
  readonly accept: 'valid' | 'possible';
  readonly extension: 'drop' | 'append' | 'only';
  readonly give: 'e164' | 'national' | 'country' | 'callingCode';
};

function numberReader({ accept, extension, give }: Options, country: CountryCode | undefined): Converter {
  return (text) => {
    if (text.length > LONGEST) return NOT_A_NUMBER;
    let number = accept === 'valid' ? readSetOff(text, country) : undefined;
    if (number === undefined) {
      const written = visible(text).replace(/^tel:/iu, '');
      if (written === '') return null;
      if (isNoNumber(written)) return NOT_A_NUMBER;
      const plain = accept === 'valid' ? readPlainNumber(written, country) : undefined;
      number = plain === undefined ? askedNumber(written, country, accept) : plain;
    }
    if (number === null) return NOT_A_NUMBER;
    if (extension === 'only') return number.extension ?? null;
    return extension === 'append' && number.extension !== undefined ? `${e164(number)};ext=${number.extension}` : part(number, give);
  };
}

/** What the library says. */
function askedNumber(text: string, country: CountryCode | undefined, accept: Options['accept']): ReadNumber | null {
  const parsed = phoneNumbers().parsePhoneNumberFromString(text, {
    extract: false,
    ...(country !== undefined && { defaultCountry: country }),
  });
  if (parsed === undefined || !(accept === 'valid' ? parsed.isValid() : isPossible(parsed))) return null;
  return { callingCode: parsed.countryCallingCode, national: parsed.nationalNumber, country: parsed.country, extension: parsed.ext };
}

function part(number: ReadNumber, give: Options['give']): string | null {
  if (give === 'e164') return e164(number);
  if (give === 'national') return number.national;
  return give === 'country' ? (number.country ?? null) : `+${number.callingCode}`;
}

function e164({ callingCode, national }: ReadNumber): string {
  return `+${callingCode}${national}`;
}

/** Also when it is read again: a local number without its area is no number elsewhere, and of zeros too many one goes each time. */
function isPossible(number: PhoneNumber): boolean {
  const again = phoneNumbers().parsePhoneNumberFromString(number.number, { extract: false });
  return again !== undefined && again.number === number.number && again.isPossible() && number.isPossible();
}
