import { ConversionProblem, type Converter } from '@changeover/mapping';
import { z } from 'zod';

import { besides, follows } from './beside.js';
import { defineCleaner, normalForm } from './cleaner.js';
import { foldName } from './country-names.js';
import { lazy } from './lazy.js';
import { memoised } from './memoised.js';
import { regionsByCountry } from './region-names.js';
import { visible } from './white-space.js';

const UNKNOWN = new ConversionProblem('unknown region');

/** Longer than any region's name. */
const LONGEST = 200;
/** As there are countries, and some slips. */
const MOST_COUNTRIES = 300;

const WHOLE_CODE = /^[A-Za-z]{2}-[A-Za-z\d]{1,3}$/u;
const byCountry = lazy(regionsByCountry);
const isKnown = (country: string): boolean => byCountry().has(country);

export const region = defineCleaner({
  name: 'region',
  version: 1,
  doc: 'A state, province or region of a country, written as code or by its name, as its code (ISO 3166-2). Names are those of the standard, mostly in the language of the place, and English ones for parts of Austria, Belgium, Canada, France, Germany, Italy, Spain and Switzerland. Case, accents and punctuation do not count. Without a country only whole codes (`US-CA`) are known. Blank text gives null.',
  problems: [UNKNOWN.reason],
  options: z.strictObject({
    country: z
      .string()
      .refine(isKnown, 'is not a country with regions (ISO 3166-1 alpha-2)')
      .optional()
      .describe('The country of the regions, as ISO 3166-1 alpha-2.'),
    countryFollows: follows('country'),
    give: z.enum(['code', 'short']).default('code').describe('The whole code (`US-CA`), or what stands behind its country (`CA`).'),
  }),
  examples: [
    { options: { country: 'US' }, from: 'california', to: 'US-CA' },
    { options: { country: 'US' }, from: 'CA', to: 'US-CA' },
    { options: { country: 'DE', give: 'short' }, from: 'Bavaria', to: 'BY' },
    { options: { country: 'US', countryFollows: true }, from: 'QC\u001fCA', to: 'CA-QC' },
    { from: 'US-CA', to: 'US-CA' },
    { options: { country: 'US' }, from: '', to: null },
    { options: { country: 'US' }, from: 'Bavaria', problem: 'unknown region' },
    { from: 'CA', problem: 'unknown region' },
  ],
  inverse: ({ give, countryFollows, country }) =>
    give === 'short' && (countryFollows || country === undefined)
      ? { kind: 'lossy', reason: 'the country is not in it' }
      : normalForm('the name, and its spelling'),
  convert: ({ country, countryFollows, give }) => {
    const regions = byCountry();
    const reader =
      (code: string | undefined): Converter =>
      (text) => {
        if (text.length > LONGEST) return UNKNOWN;
        const written = visible(text);
        if (written === '') return null;
        const folded = foldName(written);
        const own = code === undefined ? undefined : regions.get(code)?.get(folded);
        // What stands behind the country in a code of another country would say another region.
        const isWhole = own === undefined && (give === 'code' || code === undefined) && WHOLE_CODE.test(written);
        const found = isWhole ? regions.get(written.slice(0, 2).toUpperCase())?.get(folded) : own;
        return found === undefined ? UNKNOWN : give === 'code' ? found : found.slice(3);
      };
    const regionOf = countryFollows
      ? besides((beside) => reader(visible(beside).toUpperCase() || country), MOST_COUNTRIES)
      : reader(country);
    return memoised(regionOf);
  },
});
