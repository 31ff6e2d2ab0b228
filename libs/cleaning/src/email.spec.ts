import { readFile } from 'node:fs/promises';

import { decodeXML } from 'entities';
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

/** The tests of isemail, as a library brings them along. Control characters stand as their pictures. */
const SUITE = [
  ...(await readFile('node_modules/email-addresses/test/tests.xml', 'utf8')).matchAll(/<test id="(\d+)">(.*?)<\/test>/gsu),
].map(([, id = '', xml = '']) => ({
  id: Number(id),
  address: unescaped(/<address>(.*?)<\/address>/su.exec(xml)?.[1] ?? ''),
  category: /<category>(.*?)<\/category>/u.exec(xml)?.[1] ?? '',
}));

function unescaped(xml: string): string {
  return decodeXML(xml).replace(/[\u2400-\u247f]/gu, (picture) => String.fromCharCode(picture.charCodeAt(0) - 0x2400));
}

describe('the isemail suite', () => {
  test('is there', () => {
    expect(SUITE.length).toBe(164);
    expect(SUITE.filter(({ category }) => category === 'ISEMAIL_VALID_CATEGORY').length).toBe(14);
  });

  /** White space at both ends is taken away, which isemail counts as a part of the address. */
  const isTrimmed = ({ address }: { readonly address: string }): boolean =>
    address !== address.trim() && convert(address) === address.trim();
  const taken = (...categories: readonly string[]): readonly string[] =>
    SUITE.filter((one) => categories.includes(one.category) && typeof convert(one.address) === 'string' && !isTrimmed(one)).map(
      ({ address }) => address,
    );

  test('what is valid is taken, but for names without a dot and endings that do not exist', () => {
    const refused = SUITE.filter(({ category, address }) => /VALID|DNSWARN/u.test(category) && typeof convert(address) !== 'string');
    expect(refused.map(({ address }) => address.replace(/@.*\./u, '@….'))).toEqual(['test@io', 'test@….a', 'test@….co-uk', 'a@….v']);
  });

  test('what is an error is not', () => {
    expect(taken('ISEMAIL_ERR')).toEqual([]);
  });

  test('of what is allowed and nobody uses only what stands in quotes is', () => {
    expect(taken('ISEMAIL_RFC5321', 'ISEMAIL_RFC5322', 'ISEMAIL_CFWS', 'ISEMAIL_DEPREC')).toEqual([
      '"test"@iana.org',
      '""@iana.org',
      '"\\a"@iana.org',
      '"\\""@iana.org',
      '"\\\\"@iana.org',
      '"test\\ test"@iana.org',
    ]);
  });
});
