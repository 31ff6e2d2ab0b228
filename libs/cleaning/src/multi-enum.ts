import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { folding, spellingsOf } from './enumeration.js';
import { arrayItems, arrayText, itemList, NOT_A_LIST } from './item-list.js';
import { trimmed } from './white-space.js';

const UNKNOWN = new ConversionProblem('unknown value');

/** Longer than all the values of a field; reading one takes a time for each of its characters. */
const LONGEST = 100_000;

const schema = z
  .strictObject({
    encoding: z
      .enum(['caret', 'separated', 'json'])
      .default('caret')
      .describe(
        'How the values are put together: `^a^,^b^` as SugarCRM and SuiteCRM do, with a separator between them, or as a JSON array.',
      ),
    separator: z
      .string()
      .min(1)
      .optional()
      .describe(
        'What stands between values that are `separated`: `;` in Salesforce, ` |##| ` in vtiger, `\\u0001` in SugarCRM’s searches.',
      ),
    values: z
      .record(z.string(), z.string().nullable())
      .optional()
      .describe('What each value of the source becomes; null where one says nothing. Without it values stay as they are.'),
    ignoreCase: z.boolean().default(false).describe('Whether upper and lower case are the same.'),
    give: z.enum(['array', 'json']).default('array').describe('A PostgreSQL array (of text or of an enum), or a JSON array.'),
    none: z.enum(['null', 'empty']).default('null').describe('What a text without any value becomes: null, or an empty list.'),
  })
  .superRefine((options, context) => {
    if ((options.encoding === 'separated') !== (options.separator !== undefined)) {
      context.addIssue({ code: 'custom', path: ['separator'], message: 'is needed for separated values, and only for these' });
    }
    const fold = folding({ ...options, ignoreSpace: false });
    const seen = new Map<string, string | null>();
    for (const [spelling, value] of Object.entries(options.values ?? {})) {
      const folded = fold(spelling);
      if (seen.has(folded) && seen.get(folded) !== value) {
        context.addIssue({ code: 'custom', path: ['values', spelling], message: 'is the same as another spelling with another value' });
      }
      seen.set(folded, value);
    }
  });

export const multiEnum = defineCleaner({
  name: 'multiEnum',
  version: 1,
  doc: 'A field of several values, in the encodings of old CRMs, as an array. Values keep their order; empty and repeated ones are left out. With `values` each is exchanged as `enum` does; one that is not declared is a problem.',
  problems: [NOT_A_LIST.reason, UNKNOWN.reason],
  options: schema,
  examples: [
    { from: '^Chemicals^,^Retail trade^', to: '{Chemicals,"Retail trade"}' },
    { from: 'Chemicals', to: '{Chemicals}' },
    { from: '', to: null },
    { options: { none: 'empty' }, from: '^^', to: '{}' },
    { options: { encoding: 'separated', separator: ' |##| ' }, from: 'Web |##| Fair', to: '{Web,Fair}' },
    { options: { encoding: 'separated', separator: '\u0001', give: 'json' }, from: 'a\u0001b', to: '["a","b"]' },
    { options: { encoding: 'json', values: { '1': 'WEB', '2': 'FAIR' } }, from: '["2", 1, "2"]', to: '{FAIR,WEB}' },
    { options: { values: { Web: 'WEB' }, ignoreCase: true }, from: '^web^', to: '{WEB}' },
    { options: { values: { Web: 'WEB' } }, from: '^Web^,^Fair^', problem: 'unknown value' },
    { from: '^Web^,Fair', problem: 'not a list' },
  ],
  inverse: ({ encoding, separator = '', values, give }) => {
    const { write } = itemList(encoding, separator);
    const spellings = values === undefined ? null : spellingsOf(values);
    return {
      kind: 'kept',
      reason: 'empty and repeated values, and how they are put together',
      write: (value) => {
        const items = give === 'array' ? arrayItems(value) : itemList('json', '').read(value);
        if (items === null || items instanceof ConversionProblem) return NOT_A_LIST;
        const written = items.map((item) => (spellings === null ? item : spellings.get(item)));
        return written.every((item) => item !== undefined) ? write(written) : UNKNOWN;
      },
    };
  },
  convert: (options) => {
    const { read } = itemList(options.encoding, options.separator ?? '');
    const fold = folding({ ...options, ignoreSpace: false });
    const values = options.values && new Map(Object.entries(options.values).map(([spelling, value]) => [fold(spelling), value]));
    const nothing = options.none === 'null' ? null : options.give === 'array' ? '{}' : '[]';
    return (text) => {
      if (text.length > LONGEST) return NOT_A_LIST;
      const written = options.encoding === 'separated' ? text : trimmed(text);
      const items = trimmed(written) === '' ? [] : read(written);
      if (items instanceof ConversionProblem) return items;
      const given = new Set<string>();
      for (const item of items) {
        const value = values === undefined || item === '' ? item : values.get(fold(item));
        if (value === undefined) return UNKNOWN;
        if (value !== null && value !== '') given.add(value);
      }
      if (given.size === 0) return nothing;
      return options.give === 'array' ? arrayText([...given]) : JSON.stringify([...given]);
    };
  },
});
