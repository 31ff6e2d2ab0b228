import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { singleSpaced } from './white-space.js';

const BROKEN = new ConversionProblem('broken character');
const CONTROL = new ConversionProblem('control character');

// eslint-disable-next-line no-control-regex -- these are what it looks for
const CONTROLS = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]/gu;
/** As `white-space.ts` has them, without the joiners, which have a meaning in many scripts and in emoji. */
const INVISIBLE = /[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;
const JOINERS = /[\u200c\u200d]{1,1000}/gu;
/** One at a time: of a run of millions V8's engine would run out of stack. */
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/gu;

/** Up to here are the letters and accents that joiners mean nothing to. */
const LAST_OF_LATIN = 0x36f;

export const unicode = defineCleaner({
  name: 'unicode',
  version: 1,
  doc: 'Text in one form of Unicode, without what nobody sees: control characters but tab and line ends, characters of no width, marks of direction. Joiners stay where they join letters of other scripts than Latin, or emoji. White space at both ends stays; `trim` takes it away.',
  problems: [BROKEN.reason, CONTROL.reason],
  options: z.strictObject({
    form: z
      .enum(['NFC', 'NFKC', 'as written'])
      .default('NFC')
      .describe('The normal form: NFC writes é in one way, NFKC also makes ﬁ, ² and full-width letters plain ones.'),
    invisible: z.enum(['remove', 'keep']).default('remove').describe('What becomes of characters of no width and marks of direction.'),
    spaces: z
      .enum(['plain', 'single', 'keep'])
      .default('plain')
      .describe(
        'No-break and other spaces of Unicode: as plain spaces, any run of white space as one space (line ends too), or as they are.',
      ),
    control: z.enum(['remove', 'keep', 'problem']).default('remove').describe('What becomes of control characters but tab and line ends.'),
  }),
  examples: [
    { from: 'Jose\u0301', to: 'José' },
    { from: 'Ada\u200b\u00a0Lovelace\ufeff', to: 'Ada Lovelace' },
    { options: { spaces: 'single' }, from: 'Ada \u00a0\n Lovelace', to: 'Ada Lovelace' },
    { options: { form: 'NFKC' }, from: '\ufb01n \uff21\uff22', to: 'fin AB' },
    { from: 'A\0B\u0007', to: 'AB' },
    { from: '\u{1f469}\u200d\u{1f4bb}', to: '\u{1f469}\u200d\u{1f4bb}' },
    { options: { control: 'problem' }, from: 'A\0B', problem: 'control character' },
    { from: 'Ada \ud83d', problem: 'broken character' },
  ],
  inverse: () => normalForm('characters that nobody sees, and how others are put together'),
  convert: ({ form, invisible, spaces, control }) => {
    const normal = (text: string): string => (form === 'as written' ? text : text.normalize(form));
    return (text) => {
      if (!text.isWellFormed()) return BROKEN;
      let clean = normal(text);
      if (control === 'problem' && clean.search(CONTROLS) !== -1) return CONTROL;
      if (control === 'remove') clean = clean.replace(CONTROLS, '');
      if (invisible === 'remove') clean = clean.replace(INVISIBLE, '').replace(JOINERS, unlessBetween);
      if (spaces !== 'keep') clean = clean.replace(SPACES, ' ');
      // What stood between a letter and its accent is gone.
      clean = normal(clean);
      return spaces === 'single' ? singleSpaced(clean) : clean;
    };
  },
});

/** A longer run than one match takes has a joiner beside it, and nobody writes such a run between letters. */
function unlessBetween(joiners: string, place: number, text: string): string {
  const before = place === 0 ? 0 : text.charCodeAt(place - 1);
  const after = place + joiners.length === text.length ? 0 : text.charCodeAt(place + joiners.length);
  return before > LAST_OF_LATIN && after > LAST_OF_LATIN ? joiners : '';
}
