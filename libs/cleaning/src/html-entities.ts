import { ConversionProblem } from '@changeover/mapping';
import { decodeHTMLStrict } from 'entities/decode';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';

const TOO_OFTEN = new ConversionProblem('encoded too often');

/** Nobody encodes a text that often by mistake; without a bound one made for it takes the square of its length. */
const MOST_ROUNDS = 8;

export const htmlEntities = defineCleaner({
  name: 'htmlEntities',
  version: 1,
  doc: 'Puts characters in the place of HTML entities, named and numbered, that end in a semicolon; `&copy=` in an address stays. Old PHP programs store text that way, some of it encoded more than once. Tags are not touched.',
  problems: [TOO_OFTEN.reason],
  options: z.strictObject({
    until: z.enum(['once', 'stable']).default('once').describe('Decode once, or again until nothing changes.'),
  }),
  examples: [
    { from: 'M&uuml;ller &amp; S&#246;hne', to: 'Müller & Söhne' },
    { from: 'Tom &amp;amp; Co', to: 'Tom &amp; Co' },
    { options: { until: 'stable' }, from: 'Tom &amp;amp; Co', to: 'Tom & Co' },
    { from: '?a=1&copy=2', to: '?a=1&copy=2' },
    { options: { until: 'stable' }, from: `&${'amp;'.repeat(12)}lt;`, problem: 'encoded too often' },
  ],
  inverse: ({ until }) =>
    until === 'stable'
      ? normalForm('which characters were written as entities, and how often')
      : { kind: 'kept', reason: 'which characters were written as entities', write: (value) => value.replaceAll('&', '&amp;') },
  convert: ({ until }) => {
    if (until === 'once') return decoded;
    return (text) => {
      let before = text;
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const after = decoded(before);
        if (after === before) return after;
        before = after;
      }
      return TOO_OFTEN;
    };
  },
});

function decoded(text: string): string {
  return text.includes('&') ? decodeHTMLStrict(text) : text;
}
