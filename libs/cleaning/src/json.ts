import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { JsonReader, type JsonProblem } from './json-text.js';
import { trimmed } from './white-space.js';

/** Made once, for problems are compared by what they say. */
const JSON_PROBLEMS: Readonly<Record<JsonProblem, ConversionProblem>> = {
  'not JSON': new ConversionProblem('not JSON'),
  'too deep': new ConversionProblem('too deep'),
  'repeated key': new ConversionProblem('repeated key'),
  'not storable': new ConversionProblem('not storable'),
};
const OTHER_SHAPE = new ConversionProblem('other shape');

const STARTS = { object: '{', array: '[' } as const;

export const json = defineCleaner({
  name: 'json',
  version: 1,
  doc: 'JSON in a normal form: no white space, keys sorted, numbers digit by digit as written. What PostgreSQL’s jsonb cannot hold (the character U+0000, half of a character, numbers of thousands of digits) is a problem, and so is a key that an object has twice, for a program would keep one of its values. Blank text gives null.',
  problems: [...Object.values(JSON_PROBLEMS), OTHER_SHAPE].map(({ reason }) => reason),
  options: z.strictObject({
    shape: z.enum(['any', 'object', 'array']).default('any').describe('Whether only an object or an array is taken.'),
  }),
  examples: [
    { from: '{ "b": 1.10, "a": [true, null] }', to: '{"a":[true,null],"b":1.10}' },
    { from: '{"__proto__": {"x": 1}}', to: '{"__proto__":{"x":1}}' },
    { from: '99999999999999999999999999999999999999', to: '99999999999999999999999999999999999999' },
    { from: ' ', to: null },
    { from: "{'a': 1}", problem: 'not JSON' },
    { from: '{"a": 1, "a": 2}', problem: 'repeated key' },
    { from: '"\\u0000"', problem: 'not storable' },
    { from: '['.repeat(300), problem: 'too deep' },
    { options: { shape: 'object' }, from: '[]', problem: 'other shape' },
  ],
  inverse: () => normalForm('white space and the order of keys'),
  convert: ({ shape }) => {
    return (text) => {
      if (trimmed(text) === '') return null;
      const read = new JsonReader(text).read();
      if (typeof read !== 'string') return JSON_PROBLEMS[read.problem];
      return shape === 'any' || read.startsWith(STARTS[shape]) ? read : OTHER_SHAPE;
    };
  },
});
