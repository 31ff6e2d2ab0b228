import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { memoised } from './memoised.js';
import { singleSpaced } from './white-space.js';

const UNKNOWN = new ConversionProblem('unknown value');

const schema = z
  .strictObject({
    values: z
      .record(z.string(), z.string().nullable())
      .describe('What each spelling of the source becomes; null where a spelling says nothing.'),
    ignoreCase: z.boolean().default(false).describe('Whether upper and lower case are the same.'),
    ignoreSpace: z
      .boolean()
      .default(false)
      .describe('Whether white space at both ends does not count, and any run of it counts as one space.'),
  })
  .superRefine((options, context) => {
    const fold = folding(options);
    const seen = new Map<string, string | null>();
    for (const [spelling, value] of Object.entries(options.values)) {
      const folded = fold(spelling);
      if (seen.has(folded) && seen.get(folded) !== value) {
        context.addIssue({ code: 'custom', path: ['values', spelling], message: 'is the same as another spelling with another value' });
      }
      seen.set(folded, value);
    }
  });

export const enumeration = defineCleaner({
  name: 'enum',
  version: 1,
  doc: 'Exchanges each spelling of the source for the value that is declared for it. A spelling that is not declared is a problem, the empty text too.',
  problems: [UNKNOWN.reason],
  options: schema,
  examples: [
    { options: { values: { ACTIVE: 'active', INACT: 'inactive' } }, from: 'ACTIVE', to: 'active' },
    { options: { values: { ACTIVE: 'active', '': null } }, from: '', to: null },
    { options: { values: { 'closed won': 'won' }, ignoreCase: true, ignoreSpace: true }, from: ' Closed  Won ', to: 'won' },
    { options: { values: { ACTIVE: 'active' } }, from: 'Active', problem: 'unknown value' },
  ],
  inverse: (options) => {
    const spellings = spellingsOf(options.values);
    const write = (value: string): string | ConversionProblem => spellings.get(value) ?? UNKNOWN;
    const isExact = !options.ignoreCase && !options.ignoreSpace && spellings.size === Object.values(options.values).filter(isText).length;
    return isExact ? { kind: 'exact', write } : { kind: 'kept', reason: 'the spelling, of several that become the same', write };
  },
  convert: (options) => {
    const fold = folding(options);
    const values = new Map(Object.entries(options.values).map(([spelling, value]) => [fold(spelling), value]));
    return memoised((text) => {
      const value = values.get(fold(text));
      return value === undefined ? UNKNOWN : value;
    });
  },
});

/** Of several spellings of a value the first. */
export function spellingsOf(values: Readonly<Record<string, string | null>>): ReadonlyMap<string, string> {
  const spellings = new Map<string, string>();
  for (const [spelling, value] of Object.entries(values)) if (value !== null && !spellings.has(value)) spellings.set(value, spelling);
  return spellings;
}

function isText(value: string | null): value is string {
  return value !== null;
}

export function folding({
  ignoreCase,
  ignoreSpace,
}: {
  readonly ignoreCase: boolean;
  readonly ignoreSpace: boolean;
}): (text: string) => string {
  return (text) => {
    const spaced = ignoreSpace ? singleSpaced(text) : text;
    return ignoreCase ? spaced.toLowerCase() : spaced;
  };
}
