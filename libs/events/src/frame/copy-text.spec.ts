import fc from 'fast-check';

import { formatRows, parseRows } from './copy-text.js';

describe('COPY text', () => {
  it('gives back every value, null and unchanged mark that was written', () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.constant(undefined),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\\N', '\\U', '\t', '\n', '\\', 'a\\b', ''),
    );
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), (rows) => {
        const clean = rows.map((row) => row.map((text) => (typeof text === 'string' ? text.toWellFormed() : text)));
        expect(parseRows(formatRows(clean))).toEqual(clean);
      }),
    );
  });
});
