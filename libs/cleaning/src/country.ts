import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { alpha3, countriesByName, foldName, isLanguage } from './country-names.js';
import { memoised } from './memoised.js';
import { visible } from './white-space.js';

const UNKNOWN = new ConversionProblem('unknown country');

/** Longer than any country's name. */
const LONGEST = 200;

const USUAL_LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'cs', 'sv', 'da', 'nb', 'fi', 'tr'];

export const country = defineCleaner({
  name: 'country',
  version: 2,
  doc: 'A country, written as code (ISO 3166-1 alpha-2 or alpha-3) or by one of its names, as its code. Case, accents and punctuation do not count. A name that means different countries in the declared languages, such as Congo, is a problem. Blank text gives null.',
  problems: [UNKNOWN.reason],
  options: z.strictObject({
    give: z.enum(['alpha-2', 'alpha-3']).default('alpha-2').describe('The code to give.'),
    languages: z
      .array(z.string().refine(isLanguage, 'is not a language whose names of countries are known'))
      .default(USUAL_LANGUAGES)
      .describe('The languages of the names. Some names are known in each: USA, U.K., Deutschland.'),
  }),
  examples: [
    { from: 'Germany', to: 'DE' },
    { from: ' deutschland ', to: 'DE' },
    { from: 'U.S.A.', to: 'US' },
    { from: 'aut', to: 'AT' },
    { options: { give: 'alpha-3' }, from: 'Österreich', to: 'AUT' },
    { options: { languages: ['ru'] }, from: 'Польша', to: 'PL' },
    { from: '', to: null },
    { from: 'Congo', problem: 'unknown country' },
    { from: 'Atlantis', problem: 'unknown country' },
  ],
  inverse: () => normalForm('the name, and its spelling'),
  // Folding a name costs more than finding it.
  convert: ({ give, languages }) => {
    const codes = countriesByName(languages);
    return memoised((text) => {
      if (text.length > LONGEST) return UNKNOWN;
      const name = visible(text);
      if (name === '') return null;
      const code = codes.get(foldName(name));
      if (code === undefined) return UNKNOWN;
      return give === 'alpha-2' ? code : (alpha3(code) ?? UNKNOWN);
    });
  },
});
