import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { trimmed } from './white-space.js';

const NOT_A_BOOLEAN = new ConversionProblem('not a boolean');

/** As databases, forms and spreadsheets in several languages write them; Access writes -1 for true. */
const TRUE = [
  '1',
  '-1',
  't',
  'true',
  'y',
  'yes',
  'on',
  'enabled',
  'j',
  'ja',
  'wahr',
  'o',
  'oui',
  'vrai',
  's',
  'si',
  'sí',
  'sì',
  'sim',
  'x',
  '✓',
];
const FALSE = ['0', 'f', 'false', 'n', 'no', 'off', 'disabled', 'nein', 'falsch', 'non', 'faux', 'nee', 'não', 'nao'];

const schema = z
  .strictObject({
    true: z
      .array(z.string().min(1))
      .min(1)
      .default(TRUE)
      .describe('The spellings of true, instead of the usual ones; case does not count.'),
    false: z
      .array(z.string().min(1))
      .min(1)
      .default(FALSE)
      .describe('The spellings of false, instead of the usual ones; case does not count.'),
  })
  .superRefine((options, context) => {
    const both = options.true.find((spelling) => options.false.some((other) => fold(other) === fold(spelling)));
    if (both !== undefined) context.addIssue({ code: 'custom', path: ['true'], message: `${both} is a spelling of false too` });
  });

export const boolean = defineCleaner({
  name: 'boolean',
  version: 1,
  doc: 'Gives `t` or `f`, as PostgreSQL prints a boolean. Case and white space at both ends do not count. Blank text gives null.',
  problems: [NOT_A_BOOLEAN.reason],
  options: schema,
  examples: [
    { from: 'Y', to: 't' },
    { from: 'nein', to: 'f' },
    { from: '-1', to: 't' },
    { from: ' ', to: null },
    { from: 'maybe', problem: 'not a boolean' },
    { options: { true: ['A'], false: ['D'] }, from: 'd', to: 'f' },
    { options: { true: ['A'], false: ['D'] }, from: 'Y', problem: 'not a boolean' },
  ],
  inverse: (options) => ({
    kind: 'kept',
    reason: 'the spelling',
    write: (value) => {
      const [spelling] = value === 't' ? options.true : value === 'f' ? options.false : [];
      return spelling ?? NOT_A_BOOLEAN;
    },
  }),
  convert: (options) => {
    const values = new Map<string, string | null>([['', null]]);
    for (const spelling of options.true) values.set(fold(spelling), 't');
    for (const spelling of options.false) values.set(fold(spelling), 'f');
    return (text) => {
      const value = values.get(fold(text));
      return value === undefined ? NOT_A_BOOLEAN : value;
    };
  },
});

function fold(text: string): string {
  return trimmed(text).toLowerCase();
}
