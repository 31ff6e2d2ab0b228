import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { memoised } from './memoised.js';
import { PARTICLES } from './name-case.js';
import { singleSpaced } from './white-space.js';

const SEVERAL = new ConversionProblem('several people');
const NOT_A_NAME = new ConversionProblem('not a name');

/** Longer than any name. */
const LONGEST = 500;

const PREFIXES = words(
  'mr mrs ms miss mx dr prof professor sir dame rev reverend fr hon capt col gen lt maj sgt herr frau hr dipl-ing dipl-kfm ing mag mme mlle monsieur madame sr sra srta señor señora sig signor signora dott dott-ssa avv dhr mevr',
);
const SUFFIXES = words('jr sr ii iii iv esq phd md dds dvm jd llm mba msc bsc cpa cfa pmp rn jun sen junior senior dipl-ing mbe obe cbe');
/** In capital letters most of them are initials. */
const AND = /^(?:and|And|AND|und|Und|UND|et|y|e|en|och|og|&|\+)$/u;
const FAMILY_PARTICLES = new Set(PARTICLES.filter((particle) => !['e', 'of', 'und', 'y'].includes(particle)));

type Name = {
  readonly prefix: readonly string[];
  readonly first: readonly string[];
  readonly last: readonly string[];
  readonly suffix: readonly string[];
};

export const personName = defineCleaner({
  name: 'personName',
  version: 1,
  doc: 'One part of a person’s full name. Titles before it and degrees behind it are known in several languages; the last word is the family name, with the particles before it (van, de la), or what stands before a comma. Taken together the parts have every word of the name, each once. Names are not that simple: keep the whole one too. White space is one space, blank text gives null, and so does a part that a name does not have.',
  problems: [SEVERAL.reason, NOT_A_NAME.reason],
  options: z.strictObject({
    part: z
      .enum(['prefix', 'first', 'middle', 'given', 'last', 'suffix'])
      .describe('The part to give; `given` is all given names, `first` the first of them and `middle` the others.'),
    order: z.enum(['given first', 'family first']).default('given first').describe('Which name stands first where there is no comma.'),
    alone: z.enum(['first', 'last']).default('last').describe('What a single word is.'),
  }),
  examples: [
    { options: { part: 'first' }, from: 'Dr. Ada King Lovelace, PhD', to: 'Ada' },
    { options: { part: 'middle' }, from: 'Dr. Ada King Lovelace, PhD', to: 'King' },
    { options: { part: 'last' }, from: 'Dr. Ada King Lovelace, PhD', to: 'Lovelace' },
    { options: { part: 'prefix' }, from: 'Dr. Ada King Lovelace, PhD', to: 'Dr.' },
    { options: { part: 'suffix' }, from: 'Dr. Ada King Lovelace, PhD', to: 'PhD' },
    { options: { part: 'last' }, from: 'Ludwig van Beethoven', to: 'van Beethoven' },
    { options: { part: 'given' }, from: 'García Márquez, Gabriel José', to: 'Gabriel José' },
    { options: { part: 'last', order: 'family first' }, from: 'Mao Zedong', to: 'Mao' },
    { options: { part: 'first' }, from: 'Cher', to: null },
    { options: { part: 'last' }, from: 'Tom and Ann Smith', problem: 'several people' },
    { options: { part: 'last' }, from: 'Smith, Tom, 12 Main Street', problem: 'not a name' },
  ],
  inverse: () => ({ kind: 'lossy', reason: 'the other parts of the name are not in it' }),
  // The parts of one name are asked for one after the other, each by a converter of its own.
  convert: ({ part, order, alone }) =>
    memoised((text) => {
      if (text.length > LONGEST) return NOT_A_NAME;
      const written = singleSpaced(text);
      if (written === '') return null;
      const name = nameIn(written, { order, alone });
      if (name instanceof ConversionProblem) return name;
      const { first } = name;
      const parts = { ...name, given: first, first: first.slice(0, 1), middle: first.slice(1) };
      return parts[part].join(' ') || null;
    }),
});

function nameIn(
  written: string,
  { order, alone }: { readonly order: 'given first' | 'family first'; readonly alone: 'first' | 'last' },
): Name | ConversionProblem {
  const groups = written.split(',').map((group) => group.split(' ').filter((word) => word !== ''));
  const all = groups.flat();
  if (all.some((word, index) => index > 0 && AND.test(word) && !isFamilyName(all, index))) return SEVERAL;
  // What stands behind a comma is degrees, or the given names behind the family name.
  const suffix: string[] = [];
  while (groups.length > 1 && groups.at(-1)?.every((word) => SUFFIXES.has(folded(word))) === true)
    suffix.unshift(...(groups.pop() as string[]));
  const [before = [], behind, ...more] = groups;
  if (more.length > 0) return NOT_A_NAME;
  if (behind !== undefined) {
    const given = affixes(behind);
    const family = affixes(before);
    if (family.rest.length === 0 || given.rest.length === 0) return NOT_A_NAME;
    return {
      prefix: [...family.prefix, ...given.prefix],
      first: given.rest,
      last: family.rest,
      suffix: [...family.suffix, ...given.suffix, ...suffix],
    };
  }
  const { prefix, rest, suffix: own } = affixes(before);
  const ends = { prefix, suffix: [...own, ...suffix] };
  if (rest.length === 0) return NOT_A_NAME;
  if (rest.length === 1) return alone === 'first' ? { ...ends, first: rest, last: [] } : { ...ends, first: [], last: rest };
  const split = order === 'given first' ? familyAt(rest) : familyEnd(rest);
  const [one, other] = [rest.slice(0, split), rest.slice(split)];
  return order === 'given first' ? { ...ends, first: one, last: other } : { ...ends, first: other, last: one };
}

/** Titles at the beginning and degrees at the end; one word is left to be the name. */
function affixes(all: readonly string[]): {
  readonly prefix: readonly string[];
  readonly rest: readonly string[];
  readonly suffix: readonly string[];
} {
  let start = 0;
  while (start < all.length - 1 && PREFIXES.has(folded(all[start] as string))) start++;
  let end = all.length;
  while (end > start + 2 && SUFFIXES.has(folded(all[end - 1] as string))) end--;
  return { prefix: all.slice(0, start), rest: all.slice(start, end), suffix: all.slice(end) };
}

/** The last word and the particles before it; the first word is never one. */
function familyAt(rest: readonly string[]): number {
  const particle = rest.findIndex((word, index) => index > 0 && index < rest.length - 1 && FAMILY_PARTICLES.has(word.toLowerCase()));
  return particle === -1 ? rest.length - 1 : particle;
}

/** Behind the particles that it begins with comes the family name itself. */
function familyEnd(rest: readonly string[]): number {
  const end = rest.findIndex((word) => !FAMILY_PARTICLES.has(word.toLowerCase()));
  return end === -1 || end === rest.length - 1 ? 1 : end + 1;
}

/** In Spain and Portugal two family names may be put together: `Ramón y Cajal`. */
function isFamilyName(all: readonly string[], index: number): boolean {
  const word = all[index] as string;
  return (word === 'y' || word === 'e') && index > 1 && index < all.length - 1;
}

function folded(word: string): string {
  return word.toLowerCase().replace(/\./gu, '');
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}
