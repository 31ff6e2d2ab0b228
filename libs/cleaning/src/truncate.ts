import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';

const TOO_LONG = new ConversionProblem('too long');

export const truncate = defineCleaner({
  name: 'truncate',
  version: 1,
  doc: 'At most so much of a text as the target takes: characters as PostgreSQL counts them for `varchar(n)`, or bytes of UTF-8. No character is cut in two.',
  problems: [TOO_LONG.reason],
  options: z
    .strictObject({
      length: z.number().int().min(1).max(1_000_000_000).describe('How long the text may be.'),
      unit: z.enum(['characters', 'bytes']).default('characters').describe('What is counted: characters (code points), or bytes of UTF-8.'),
      end: z.string().default('').describe('What stands behind a text that was cut, such as `…`; it counts.'),
      longer: z.enum(['cut', 'problem']).default('cut').describe('What becomes of a longer text: it is cut, or a problem.'),
    })
    .refine(({ length, unit, end }) => size(end, unit) < length, { path: ['end'], message: 'is not shorter than the length' }),
  examples: [
    { options: { length: 5 }, from: 'Lovelace', to: 'Lovel' },
    { options: { length: 5, end: '…' }, from: 'Lovelace', to: 'Love…' },
    { options: { length: 8 }, from: 'Lovelace', to: 'Lovelace' },
    { options: { length: 4, unit: 'bytes' }, from: 'Müller', to: 'Mül' },
    { options: { length: 2, unit: 'bytes' }, from: 'Mü', to: 'M' },
    { options: { length: 5, longer: 'problem' }, from: 'Lovelace', problem: 'too long' },
  ],
  inverse: ({ longer }) => (longer === 'problem' ? { kind: 'exact', write: (value) => value } : normalForm('what was cut off')),
  convert: ({ length, unit, end, longer }) => {
    const room = length - size(end, unit);
    return (text) => {
      // A code point has one or two code units, and up to three bytes for each.
      if (text.length * 3 <= length || (unit === 'characters' && text.length <= length)) return text;
      const whole = endOf(text, length, unit);
      if (whole === text.length) return text;
      return longer === 'problem' ? TOO_LONG : text.slice(0, endOf(text, room, unit)) + end;
    };
  },
});

function size(text: string, unit: 'characters' | 'bytes'): number {
  return unit === 'bytes' ? Buffer.byteLength(text) : Array.from(text).length;
}

/** Where the first so many characters or bytes of a text end. */
function endOf(text: string, length: number, unit: 'characters' | 'bytes'): number {
  let end = 0;
  for (let used = 0; end < text.length;) {
    const point = text.codePointAt(end) as number;
    used += unit === 'characters' || point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (used > length) break;
    end += point < 0x10000 ? 1 : 2;
  }
  return end;
}
