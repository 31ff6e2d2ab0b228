import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';

const TOO_OFTEN = new ConversionProblem('encoded too often');

/** Rounds of which the last finds nothing: nobody encodes a text more often than three times by mistake. */
const MOST_ROUNDS = 4;

/** What Windows-1252 has for the bytes from 80 to 9F; those that it leaves out stand for themselves. */
const WINDOWS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
const BYTES: ReadonlyMap<number, number> = new Map(Array.from(WINDOWS, (character, index) => [character.charCodeAt(0), 0x80 + index]));

/** What people do write behind a capital letter with an accent. */
const PUNCTUATION = new Set(Array.from('‚„…‘’“”•–—™‹›«»®©\u00a0', (character) => character.charCodeAt(0)));

/** Characters of text that nearly nothing else is written with: punctuation, currencies, signs and arrows. */
const FIRST_SIGN = 0x2010;
const LAST_SIGN = 0x27bf;

/** Where bytes of UTF-8 stand as characters, and what they say. */
type Sequence = { readonly start: number; readonly length: number; readonly point: number; readonly sure: boolean };

export const mojibake = defineCleaner({
  name: 'mojibake',
  version: 1,
  doc: 'Repairs text whose UTF-8 was once read as Windows-1252 or ISO 8859-1 (`MÃ¼ller`), also more than once. Only what nobody would write is taken as a sign of that: `“IRMÃ”` stays. Where one sign is found, what could be meant in two ways is repaired too, and where no other accented letter stands in the text, other alphabets too. What was lost (`Ã¯Â¿Â½`, `????`) cannot be had back.',
  problems: [TOO_OFTEN.reason],
  options: z.strictObject({}),
  examples: [
    { from: 'MÃ¼ller & SÃ¶hne', to: 'Müller & Söhne' },
    { from: 'Itâ€™s 5 â‚¬', to: 'It’s 5 €' },
    { from: 'Ã–sterreich', to: 'Österreich' },
    { from: 'MÃƒÂ¼ller', to: 'Müller' },
    { from: 'ÐŸÑ€Ð¸Ð²ÐµÑ‚', to: 'Привет' },
    { from: '“IRMÃ”', to: '“IRMÃ”' },
    { from: 'Müller', to: 'Müller' },
    { from: readWrong('é', MOST_ROUNDS), problem: 'encoded too often' },
  ],
  inverse: () => normalForm('what was read wrong'),
  convert: () => (text) => {
    let before = text;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const after = repaired(before);
      if (after === before) return after;
      before = after;
    }
    return TOO_OFTEN;
  },
});

function repaired(text: string): string {
  const { sequences, isWhole } = sequencesIn(text);
  const found = sequences.filter(({ sure }) => sure).length;
  // Three in a row that are UTF-8 by chance, and nothing else that is not ASCII: that does not happen.
  const isRead = found > 0 || (isWhole && sequences.length >= 3);
  if (!isRead) return text;
  const parts: string[] = [];
  let end = 0;
  for (const { start, length, point, sure } of sequences) {
    if (!sure && !isWhole && !isAccented(point)) continue;
    parts.push(text.slice(end, start), String.fromCodePoint(point));
    end = start + length;
  }
  return parts.join('') + text.slice(end);
}

/** All of them, and whether they are all of the text that is not ASCII. */
function sequencesIn(text: string): { readonly sequences: readonly Sequence[]; readonly isWhole: boolean } {
  const sequences: Sequence[] = [];
  let isWhole = true;
  for (let start = 0; start < text.length; start++) {
    if (text.charCodeAt(start) < 0x80) continue;
    const sequence = sequenceAt(text, start);
    if (sequence === null) isWhole = false;
    else {
      sequences.push(sequence);
      start += sequence.length - 1;
    }
  }
  return { sequences, isWhole };
}

function sequenceAt(text: string, start: number): Sequence | null {
  const lead = text.charCodeAt(start);
  const length = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (length === 0) return null;
  let point = lead & (0xff >> (length + 1));
  for (let place = start + 1; place < start + length; place++) {
    const byte = byteOf(text.charCodeAt(place));
    if ((byte & 0xc0) !== 0x80) return null;
    point = (point << 6) | (byte & 0x3f);
  }
  if (point < (length === 4 ? 0x10000 : length === 3 ? 0x800 : 0x80) || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
    return null;
  // A control character was read wrong as itself, by ISO 8859-1, or was none.
  if (point < 0xa0 && text.charCodeAt(start + 1) !== point) return null;
  // What this stands for was lost before.
  if (point === 0xfffd) return null;
  return { start, length, point, sure: isSure(text, start, point) };
}

/** Whether nobody would write these characters one after the other. */
function isSure(text: string, start: number, point: number): boolean {
  if (point > 0xffff) return point >= 0x1f000 && point < 0x20000;
  if (point >= 0x800) return point >= FIRST_SIGN && point <= LAST_SIGN;
  const next = text.charCodeAt(start + 1);
  if (next >= 0x80 && next < 0xa0) return true;
  const before = start === 0 ? '' : text.charAt(start - 1);
  // All that begin two bytes but ß are capital letters, and such a one does not stand behind a small letter.
  if (/\p{Ll}/u.test(before)) return point < 0x7c0;
  if (!isAccented(point)) return false;
  if (!PUNCTUATION.has(next)) return true;
  return text.charCodeAt(start) === 0xc3 && !/\p{Lu}/u.test(before);
}

/** Of Latin-1: what Â and Ã stand before. */
function isAccented(point: number): boolean {
  return point < 0x100;
}

/** Below 0x80 nothing continues a character. */
function byteOf(code: number): number {
  return code <= 0xff ? code : (BYTES.get(code) ?? 0);
}

function readWrong(text: string, times: number): string {
  return times === 0 ? text : readWrong(Buffer.from(text, 'utf8').toString('latin1'), times - 1);
}
