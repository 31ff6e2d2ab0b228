import fc from 'fast-check';

import { isNumberType, numberText } from './number-text.js';

const order = (a: string, b: string): number => Buffer.compare(Buffer.from(numberText(a)), Buffer.from(numberText(b)));

it('sorts integers of any size as they are', () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
      expect(Math.sign(order(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
    { numRuns: 2000 },
  );
});

it('sorts decimal numbers as they are, however many zeros they begin or end in', () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }), fc.integer({ min: 0, max: 12 }), fc.nat({ max: 3 }));
  const textOf = ([digits, scale, zeros]: readonly [bigint, number, number]): string => {
    const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
    const point = text.length - scale;
    const fraction = text.slice(point) + '0'.repeat(scale === 0 ? 0 : zeros);
    return `${digits < 0n ? '-' : ''}${text.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
  };
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const [left, right] = [a[0] * 10n ** BigInt(12 - a[1]), b[0] * 10n ** BigInt(12 - b[1])];
      expect(Math.sign(order(textOf(a), textOf(b)))).toBe(left < right ? -1 : left > right ? 1 : 0);
    }),
    { numRuns: 3000 },
  );
});

it('sorts floating point numbers as they are', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
      expect(Math.sign(order(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
    { numRuns: 3000 },
  );
});

it('has what is no number behind all, and NaN before that', () => {
  const sorted = [
    '-Infinity',
    '-1e300',
    '-2',
    '-1.55',
    '-1.5',
    '-0.001',
    '0',
    '1e-7',
    '0.5',
    '2',
    '10',
    '100',
    '1e300',
    'Infinity',
    'NaN',
    '',
    '.',
    'x',
  ];
  expect([...sorted].reverse().sort(order)).toEqual(sorted);
  expect([numberText('0.00'), numberText('-0'), numberText('1.50')]).toEqual([numberText('0'), numberText('0'), numberText('1.5')]);
});

it.each([
  ['integer', true],
  ['bigint', true],
  ['numeric(10,2)', true],
  ['double precision', true],
  ['integer[]', false],
  ['text', false],
  ['interval', false],
  ['', false],
])('%j is a number: %s', (type, expected) => {
  expect(isNumberType(type)).toBe(expected);
});
