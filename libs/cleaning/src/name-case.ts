import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';

/** Of family names: they are not written with a capital letter but at the beginning. */
export const PARTICLES: readonly string[] = [
  'af',
  'al',
  'av',
  'bin',
  'bint',
  'da',
  'dal',
  'das',
  'de',
  'degli',
  'dei',
  'del',
  'della',
  'den',
  'der',
  'des',
  'di',
  'do',
  'dos',
  'du',
  'e',
  'el',
  'ibn',
  'la',
  'le',
  'los',
  'of',
  't',
  'te',
  'ten',
  'ter',
  'und',
  'van',
  'vom',
  'von',
  'y',
  'zu',
  'zum',
  'zur',
];

/** A longer text is no name. */
const LONGEST = 1000;

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const ROMAN = /^(?:ii|iii|iv|vi|vii|viii|ix)$/u;

export const nameCase = defineCleaner({
  name: 'nameCase',
  version: 1,
  doc: 'The name of a person with capital letters where they belong: `ADA LOVELACE` and `ada lovelace` become `Ada Lovelace`, with `Mc`, `O’` and particles (van, de la) as they are mostly written. A name that has both kinds of letters was written by somebody who cared, and stays; so does a text of more than 1,000 characters, which is no name.',
  problems: [],
  options: z.strictObject({
    when: z
      .enum(['one case', 'always'])
      .default('one case')
      .describe('Only names that are all in capital or all in small letters, or all names.'),
    particles: z
      .array(z.string().min(1))
      .default([...PARTICLES])
      .describe('Words in small letters, but at the beginning.'),
  }),
  examples: [
    { from: 'ADA LOVELACE', to: 'Ada Lovelace' },
    { from: "conan o'brien", to: "Conan O'Brien" },
    { from: 'JEAN-LUC MCDONALD', to: 'Jean-Luc McDonald' },
    { from: 'LUDWIG VAN BEETHOVEN', to: 'Ludwig van Beethoven' },
    { from: 'george v. higgins iii', to: 'George V. Higgins III' },
    { from: 'danah boyd-MacArthur', to: 'danah boyd-MacArthur' },
    { options: { when: 'always' }, from: 'aDA LoveLace', to: 'Ada Lovelace' },
  ],
  inverse: () => normalForm('which letters were capital ones'),
  convert: ({ when, particles }) => {
    const small = new Set(particles.map((particle) => particle.toLowerCase()));
    return (text) => {
      if (text.length > LONGEST) return text;
      const lower = text.toLowerCase();
      if (when === 'one case' && text !== lower && text !== text.toUpperCase()) return text;
      let words = 0;
      return lower.replace(WORD, (word: string, place: number) => {
        const before = place === 0 ? '' : lower.charAt(place - 1);
        if (words++ > 0 && /\s/u.test(before)) {
          if (small.has(word)) return word;
          if (place + word.length === lower.length && ROMAN.test(word)) return word.toUpperCase();
        }
        // Behind an apostrophe that ends a word (Ann's) nothing begins.
        if (/['’]/u.test(before) && word.length === 1) return word;
        return /^mc\p{L}{2}/u.test(word) ? `Mc${capital(word.slice(2))}` : capital(word);
      });
    };
  },
});

function capital(word: string): string {
  const [first = ''] = word;
  const upper = first.toUpperCase();
  // Of some that have no capital letter more than one would be made.
  return upper.length === first.length ? upper + word.slice(first.length) : word;
}
