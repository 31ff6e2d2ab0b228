import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';

const NOT_BASE64 = new ConversionProblem('not base64');
const NOT_TEXT = new ConversionProblem('not text');

const OTHER = /[^A-Za-z\d+/]/u;
/** One at a time: of a run of millions V8's engine would run out of stack. */
const SPACE = /[ \t\r\n]/gu;

const options = z.strictObject({
  alphabet: z.enum(['standard', 'url']).default('standard').describe('`+` and `/` with padding, or `-` and `_` without (RFC 4648, 5).'),
});

export const base64Decode = defineCleaner({
  name: 'base64Decode',
  version: 1,
  doc: 'What base64 says, as text (UTF-8). White space and missing padding do not count; either alphabet is read. Bytes that are no UTF-8 are a problem, or given as PostgreSQL prints a bytea.',
  problems: [NOT_BASE64.reason, NOT_TEXT.reason],
  options: options.extend({
    give: z.enum(['text', 'bytea']).default('text').describe('Text, or bytes as PostgreSQL prints them (`\\x4869`).'),
  }),
  examples: [
    { from: 'TcO8bGxlcg==', to: 'Müller' },
    { from: 'TcO8\nbGxlcg', to: 'Müller' },
    { options: { give: 'bytea' }, from: '/w==', to: '\\xff' },
    { from: 'Müller', problem: 'not base64' },
    { from: '/w==', problem: 'not text' },
  ],
  inverse: ({ alphabet, give }) => ({
    kind: 'kept',
    reason: 'white space, padding and the alphabet',
    write: (value) => {
      if (give === 'text') return encoded(Buffer.from(value, 'utf8'), alphabet);
      return /^\\x(?:[\da-f]{2})*$/u.test(value) ? encoded(Buffer.from(value.slice(2), 'hex'), alphabet) : NOT_BASE64;
    },
  }),
  convert:
    ({ give }) =>
    (text) => {
      const written = text
        .replace(SPACE, '')
        .replaceAll('-', '+')
        .replaceAll('_', '/')
        .replace(/={1,2}$/u, '');
      if (written.length % 4 === 1 || OTHER.test(written)) return NOT_BASE64;
      const bytes = Buffer.from(written, 'base64');
      // Bits over that are not 0 say nothing, and would not come back.
      if (bytes.toString('base64').replace(/=+$/u, '') !== written) return NOT_BASE64;
      return give === 'bytea' ? `\\x${bytes.toString('hex')}` : (utf8(bytes) ?? NOT_TEXT);
    },
});

export const base64Encode = defineCleaner({
  name: 'base64Encode',
  version: 1,
  doc: 'A text (as UTF-8) in base64.',
  problems: [NOT_TEXT.reason],
  options,
  examples: [
    { from: 'Müller', to: 'TcO8bGxlcg==' },
    { options: { alphabet: 'url' }, from: 'Müller', to: 'TcO8bGxlcg' },
    { from: '', to: '' },
    { from: 'half of a \ud83d', problem: 'not text' },
  ],
  inverse: () => ({ kind: 'exact', write: base64Decode.make(undefined) }),
  convert: ({ alphabet }) => {
    return (text) => (text.isWellFormed() ? encoded(Buffer.from(text, 'utf8'), alphabet) : NOT_TEXT);
  },
});

function encoded(bytes: Buffer, alphabet: 'standard' | 'url'): string {
  return bytes.toString(alphabet === 'url' ? 'base64url' : 'base64');
}

/** Null for what is no UTF-8. A mark of byte order stays: it is one of the characters. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
