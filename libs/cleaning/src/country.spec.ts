import { ConversionProblem, type Converter } from '@changeover/mapping';
import countries from 'i18n-iso-countries';

import { country } from './country.js';
import { foldName } from './country-names.js';

const CODES = Object.entries(countries.getAlpha2Codes());
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'cs', 'sv', 'da', 'nb', 'fi', 'tr', 'ru', 'uk', 'ja', 'ko', 'zh', 'hu'];

test.each(CODES)('%s and %s', (alpha2, alpha3) => {
  expect([alpha2, alpha3, alpha2.toLowerCase(), ` ${alpha3}\u00a0`].map(country.make(undefined))).toEqual(Array(4).fill(alpha2));
  expect([alpha2, alpha3].map(country.make({ give: 'alpha-3' }))).toEqual([alpha3, alpha3]);
});

test('no name of one country gives another: names by Unicode, in each language', () => {
  const counts = LANGUAGES.map((language) => {
    const convert = country.make({ languages: [language] });
    const names = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' });
    const agreed = CODES.filter(([code]) => agrees(convert, names.of(code), code));
    return `${language} ${String(agreed.length)}`;
  });
  console.log(`country: names that Unicode and the table agree on, of ${String(CODES.length)}: ${counts.join(', ')}`);
  // All but São Martinho in Portuguese, which are two.
  expect(counts.filter((count) => Number(count.split(' ')[1]) < CODES.length - 1)).toEqual([]);
});

test.each(['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'da'])('every country by its name in Unicode, in %s', (language) => {
  const names = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' });
  const usual = country.make(undefined);
  const convert = country.make({ languages: [language] });
  const wrong = CODES.flatMap(([code]) => {
    const name = names.of(code) ?? '';
    const results = [convert(name), convert(name.toUpperCase()), usual(name)];
    return results.every((result) => result === code) ? [] : [`${code} ${name}`];
  });
  // Two countries have these names: one of them in this language, or in two of the usual ones.
  const shared = ['CG Congo', 'CG Kongo', 'MF São Martinho'];
  expect(wrong.filter((one) => !shared.includes(one))).toEqual([]);
});

test('all names of the table itself', () => {
  for (const language of LANGUAGES) {
    const convert = country.make({ languages: [language] });
    for (const [code, names] of Object.entries(countries.getNames(language, { select: 'all' }))) {
      for (const name of names) {
        const result = convert(name);
        if (!(result instanceof ConversionProblem)) expect([language, name, result]).toEqual([language, name, code]);
        else expect([language, foldName(name)]).toEqual([language, expect.stringMatching(/^(congo|kongo|sao martinho|конго)$/u)]);
      }
    }
  }
});

test.each([
  ['USA', 'US'],
  ['the United States', 'US'],
  ['U.K.', 'GB'],
  ['england', 'GB'],
  ['Deutschland', 'DE'],
  ['Bosnia & Herzegovina', 'BA'],
  ["COTE D'IVOIRE", 'CI'],
  ['Côte d’Ivoire', 'CI'],
  ['Holland', 'NL'],
  ['Korea, Republic of', 'KR'],
])('%s is %s, whatever the language', (name, code) => {
  expect([undefined, ['ja'], ['en']].map((languages) => country.make(languages && { languages })(name))).toEqual([code, code, code]);
});

/** Whether the converter knows the name; that it means another country would be wrong. */
function agrees(convert: Converter, name: string | undefined, code: string): boolean {
  if (name === undefined) return false;
  const result = convert(name);
  if (result instanceof ConversionProblem) return false;
  expect([name, result]).toEqual([name, code]);
  return true;
}
