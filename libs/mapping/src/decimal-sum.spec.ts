import fc from 'fast-check';

import { decimalSum } from './decimal-sum.js';

test.each<[readonly string[], string | null]>([
  [[], '0'],
  [['1'], '1'],
  [['0.1', '0.2'], '0.3'],
  [['1.50', '2'], '3.50'],
  [['-0.50', '0.5'], '0.00'],
  [['-1', '0.25'], '-0.75'],
  [['99999999999999999999.99', '.01'], '100000000000000000000.00'],
  [['1e+20', '1'], '100000000000000000001'],
  [['2.5e-3', '1.5E1'], '15.0025'],
  [['5.', '+3'], '8'],
  [['1', 'NaN'], null],
  [['1', 'Infinity'], null],
  [['1', ''], null],
  [['1', '.'], null],
  [['1', '1 '], null],
  [['1', '1e1000'], null],
])('of %j is %j', (texts, sum) => {
  expect(decimalSum(texts)).toBe(sum);
});

test('is that of the same numbers without their points, in whatever order', () => {
  const number = fc.record({ digits: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), places: fc.nat({ max: 12 }) });
  const textOf = (digits: bigint, places: number): string => {
    const text = String(digits < 0n ? -digits : digits).padStart(places + 1, '0');
    const point = text.length - places;
    return `${digits < 0n ? '-' : ''}${text.slice(0, point)}${places === 0 ? '' : `.${text.slice(point)}`}`;
  };
  fc.assert(
    fc.property(fc.array(number, { minLength: 1 }), (numbers) => {
      const places = Math.max(...numbers.map((one) => one.places));
      const sum = numbers.reduce((total, one) => total + one.digits * 10n ** BigInt(places - one.places), 0n);
      const texts = numbers.map((one) => textOf(one.digits, one.places));
      expect(decimalSum(texts)).toBe(textOf(sum, places));
      expect(decimalSum(texts.toReversed())).toBe(textOf(sum, places));
    }),
  );
});
