import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { trimmed } from './white-space.js';

export const trim = defineCleaner({
  name: 'trim',
  version: 1,
  doc: 'Takes away white space at both ends: spaces, tabs, line ends, no-break and other spaces of Unicode, and characters of no width. What stands between stays as it is.',
  problems: [],
  options: z.strictObject({
    blank: z.enum(['null', 'empty']).default('null').describe('What a text becomes of which nothing is left: null, or the empty text.'),
  }),
  examples: [
    { from: '  Ada Lovelace\t', to: 'Ada Lovelace' },
    { from: '\u00a0\u200bAda\u00a0Lovelace\ufeff', to: 'Ada\u00a0Lovelace' },
    { from: ' ', to: null },
    { options: { blank: 'empty' }, from: ' ', to: '' },
  ],
  inverse: () => normalForm('white space at both ends', { leavesWritten: true }),
  convert: ({ blank }) => {
    const nothing = blank === 'null' ? null : '';
    return (text) => trimmed(text) || nothing;
  },
});
