import fc from 'fast-check';
import validator from 'validator/lib/isEmail.js';

import { email } from './email.js';

const convert = email.make(undefined);

const word = fc.string({
  unit: fc.constantFrom('a', 'b', 'Z', '0', '_', '+', '-', '.', "'", '!', 'ä', 'ſ', '\u212a', '"'),
  minLength: 1,
  maxLength: 5,
});
const long = (letter: string): fc.Arbitrary<string> => fc.integer({ min: 60, max: 67 }).map((length) => letter.repeat(length));
const often = (common: fc.Arbitrary<string>, rare: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 20, arbitrary: common }, { weight: 1, arbitrary: rare });
const local = often(
  word.map((rest) => `a${rest}`),
  long('x'),
);
const label = often(
  word.map((rest) => `b${rest.toLowerCase()}`),
  long('y'),
);
const ending = fc.constantFrom('com', 'de', 'museum', 'c', 'c0m', 'x-y', 'com.', 'рф', 'ſſ');
const many = often(
  fc.constant(''),
  fc.integer({ min: 18, max: 24 }).map((count) => 'long-label.'.repeat(count)),
);

test('takes what the library takes, and nothing else, whatever way it found out', () => {
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(local, many, label, ending, (name, labels, last, tld) => {
      const address = `${name}@${labels}${last}.${tld}`;
      const isTaken = typeof convert(address) === 'string';
      seen[isTaken ? 'taken' : 'refused']++;
      expect(isTaken).toBe(validator.default(address));
    }),
    { numRuns: 10_000 },
  );
  expect(seen.taken).toBeGreaterThan(700);
  expect(seen.refused).toBeGreaterThan(700);
});
