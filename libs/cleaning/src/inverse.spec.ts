import { ConversionProblem, putBack, type Converter, type Inverse } from '@changeover/mapping';
import fc from 'fast-check';

import { CLEANERS } from './cleaners.js';

type Way = { readonly convert: Converter; readonly inverse: Inverse };

/** Each cleaner with the options of its examples. */
const WAYS = CLEANERS.flatMap(({ name, make, inverse, examples }) =>
  [...new Map(examples.map(({ options }) => [JSON.stringify(options ?? {}), options])).entries()].map(
    ([words, options]) =>
      [`${name} ${words}`, { name, texts: examples.map(({ from }) => from), convert: make(options), inverse: inverse(options) }] as const,
  ),
);

const digits = fc.stringMatching(/^[0-9]{1,12}$/u);
const letters = fc.string({
  unit: fc.constantFrom('a', 'B', 'ü', ' ', '^', '{', '"', '\\', ',', '&', '-', '\u00a0', '\u200d', '\u0301'),
  maxLength: 8,
});
const upTo = (high: number): fc.Arbitrary<string> => fc.integer({ min: 1, max: high }).map((one) => String(one).padStart(2, '0'));
const time = fc
  .tuple(upTo(12), upTo(59), fc.constantFrom('am', 'PM'))
  .map(([hour, minute, noon]) => [`${hour}:${minute}`, `${hour}:${minute} ${noon}`, `${hour}:${minute}:07`]);

/** Texts that each of them mostly takes. */
const NEAR: Readonly<Record<string, fc.Arbitrary<string>>> = {
  trim: letters,
  unicode: letters,
  mojibake: letters.map((text) => Buffer.from(text, 'utf8').toString('latin1')),
  htmlEntities: letters.map((text) => text.replaceAll('ü', '&uuml;').replaceAll('-', '&amp;lt;')),
  truncate: letters,
  nameCase: letters,
  multiEnum: fc
    .array(fc.oneof({ weight: 1, arbitrary: letters }, { weight: 8, arbitrary: fc.constantFrom('Web', '1', '2') }), { maxLength: 2 })
    .chain((items) =>
      fc.constantFrom(items.map((item) => `^${item}^`).join(','), items.join(' |##| '), items.join('\u0001'), JSON.stringify(items)),
    ),
  number: fc
    .tuple(fc.constantFrom('', '-', '('), digits, fc.constantFrom('', '.5', ',25', '.0', '-', ')', '-99', '+', 'e3'))
    .map((parts) => parts.join('')),
  money: fc
    .tuple(fc.constantFrom('', '-', '€ ', 'USD'), digits, fc.constantFrom('', '.5', ',25', '.00', ' EUR', '\u001fJPY'))
    .map((parts) => parts.join('')),
  currency: fc.constantFrom('EUR', 'eur', 'Euro', 'US Dollar', '€', 'zł', 'Schweizer Franken', 'CHF'),
  date: fc
    .tuple(upTo(12), upTo(28), fc.integer({ min: 1900, max: 2099 }))
    .chain(([month, day, year]) =>
      fc.constantFrom(
        `${day}.${month}.${String(year)}`,
        `${month}/${day}/${String(year)}`,
        `${String(year)}-${month}-${day}`,
        `${day} Mar ${String(year).slice(2)}`,
        `${String(year)}-${month}-${day} 11:12:13`,
      ),
    ),
  timestamp: fc
    .tuple(upTo(12), upTo(28), fc.integer({ min: 1900, max: 2099 }), time)
    .chain(([month, day, year, times]) =>
      fc.constantFrom(
        ...times.flatMap((one) => [
          `${month}/${day}/${String(year)} ${one}`,
          `${String(year)}-${month}-${day} ${one}`,
          `${String(year)}-${month}-${day}`,
          `${String(year)}-${month}-${day}T${one}.25Z`,
        ]),
      ),
    ),
  email: fc.emailAddress(),
  phone: fc
    .tuple(fc.constantFrom('', '+', '00', '0', '+1 ', '+49 '), fc.stringMatching(/^[0-9]{6,12}$/u), fc.constantFrom('', ' x12'))
    .map((parts) => parts.join('')),
  url: fc.webUrl({ withQueryParameters: true, withFragments: true }),
  domain: fc.webUrl(),
  country: fc.constantFrom('Germany', 'usa', 'Österreich', 'FR', 'Польша'),
  region: fc.constantFrom('California', 'ny', 'US-TX', 'Bavaria', 'BY', 'QC\u001fca'),
  boolean: fc.constantFrom('y', 'No', 'x', 'wahr', 'A', 'd'),
  enum: fc.constantFrom('ACTIVE', 'INACT', 'Closed  Won'),
  json: fc.json(),
  phpSerialized: fc.constantFrom('i:5;', 'a:1:{i:0;s:1:"x";}', 'b:1;'),
  base64Decode: letters.chain((text) => fc.constantFrom(Buffer.from(text).toString('base64'), Buffer.from(text).toString('base64url'))),
  base64Encode: letters,
  personName: letters,
};

/** What is wrong with a way back, for a text that the source has and another one that it had before. */
function broken({ convert, inverse }: Way, text: string, before: string): string | null {
  const value = convert(text);
  if (value instanceof ConversionProblem) return null;
  if (putBack({ convert, inverse }, value, text) !== text) return 'what nobody changed does not stay';
  if (value === null || inverse.kind === 'lossy') return null;
  const written = putBack({ convert, inverse }, value, before);
  if (typeof written !== 'string') return 'a value that it gives cannot be written';
  if (convert(written) !== value) return 'what is written becomes another value';
  if (inverse.write(value) instanceof ConversionProblem) return 'a value that it gives cannot be written';
  return inverse.kind === 'exact' && inverse.write(value) !== text ? 'the text does not come back' : null;
}

test.each(WAYS)('%s', (_, { name, texts, ...way }) => {
  const near = NEAR[name];
  if (near === undefined) throw new Error(`no texts for ${name}`);
  const some = fc.oneof(fc.constantFrom(...texts), { weight: 4, arbitrary: near }, fc.string({ unit: 'binary' }));
  let taken = 0;
  fc.assert(
    fc.property(some, some, (text, before) => {
      if (typeof way.convert(text) === 'string') taken += 1;
      expect(broken(way, text, before)).toBeNull();
    }),
    { numRuns: 1000 },
  );
  expect(taken).toBeGreaterThan(20);
});

test('each of the three kinds is claimed by some', () => {
  expect(new Set(WAYS.map(([, { inverse }]) => inverse.kind))).toEqual(new Set(['exact', 'kept', 'lossy']));
});

describe('a way back that is none is found', () => {
  const lower: Converter = (text) => text.toLowerCase();
  test.each<[string, Inverse, string]>([
    ['claims too much', { kind: 'exact', write: (value) => value }, 'the text does not come back'],
    ['writes something else', { kind: 'kept', reason: 'case', write: (value) => `${value}!` }, 'a value that it gives cannot be written'],
    [
      'writes nothing',
      { kind: 'kept', reason: 'case', write: () => new ConversionProblem('no') },
      'a value that it gives cannot be written',
    ],
  ])('%s', (_, inverse, words) => {
    expect(broken({ convert: lower, inverse }, 'Ada', 'Bob')).toBe(words);
  });

  test('and what cannot be had back is said', () => {
    const way: Way = { convert: lower, inverse: { kind: 'lossy', reason: 'it is' } };
    expect([putBack(way, 'ada', 'Ada'), putBack(way, 'bob', 'Ada'), putBack(way, null, 'Ada'), putBack(way, null, null)]).toEqual([
      'Ada',
      new ConversionProblem('nothing can be written for it'),
      null,
      null,
    ]);
  });
});
