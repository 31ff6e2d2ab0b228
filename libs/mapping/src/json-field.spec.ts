import fc from 'fast-check';

import { ConversionProblem } from './compiled-rule.js';
import { jsonField } from './json-field.js';

const TEXT =
  ' { "a" : {"b":[1, 2.50 ,{"c":"x\\n\\"y\\"}"}, [] ]} , "big":12345678901234567890.10,"t":true,"n":null,"e":"","__proto__":{"k":"own"},"twice":1,"twice":"2" } ';

test.each<[readonly (string | number)[], string | null]>([
  [['a', 'b', 0], '1'],
  [['a', 'b', 1], '2.50'],
  [['a', 'b', 2, 'c'], 'x\n"y"}'],
  [['a', 'b', 2], '{"c":"x\\n\\"y\\"}"}'],
  [['a', 'b', 3], '[]'],
  [['a', 'b', 4], null],
  [['a', 'b', 'length'], null],
  [['a', 0], null],
  [['big'], '12345678901234567890.10'],
  [['big', 'x'], null],
  [['t'], 'true'],
  [['n'], null],
  [['e'], ''],
  [['e', 0], null],
  [['__proto__', 'k'], 'own'],
  [['constructor'], null],
  [['toString', 'name'], null],
  [['twice'], '2'],
])('at %j is %j', (path, value) => {
  expect(jsonField(path)(TEXT)).toBe(value);
});

test.each([
  ['', 'not JSON'],
  ['{"a":', 'not JSON'],
  ["{'a': 1}", 'not JSON'],
  ['{"a":"\\u0000"}', 'not storable'],
  ['{"a":"\\ud800"}', 'not storable'],
])('of %j: %s', (text, reason) => {
  expect(jsonField(['a'])(text)).toEqual(new ConversionProblem(reason));
});

test('is what JSON.parse finds, however the text is written', () => {
  const paths = fc.array(fc.oneof(fc.constantFrom('a', 'b', '', '"', '\\'), fc.nat({ max: 2 })), { minLength: 1, maxLength: 3 });
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string({ unit: fc.constantFrom('a', '"', '\\', '}', ',', 'é') })),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', '', '"', '\\'), tie('json'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  const read = (value: unknown, path: readonly (string | number)[]): unknown =>
    path.reduce<unknown>((at, step) => {
      if (typeof step === 'number') return Array.isArray(at) ? (at as unknown[])[step] : undefined;
      return typeof at === 'object' && at !== null && !Array.isArray(at) && Object.hasOwn(at, step)
        ? (at as Record<string, unknown>)[step]
        : undefined;
    }, value);
  let found = 0;
  fc.assert(
    fc.property(json, paths, fc.constantFrom(undefined, 1, '\t'), (value, path, space) => {
      const expected = read(value, path) ?? null;
      const text = jsonField(path)(JSON.stringify(value, null, space));
      if (expected !== null) found++;
      if (expected === null || typeof expected === 'string') expect(text).toBe(expected);
      else expect(JSON.parse(text as string)).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
  expect(found).toBeGreaterThan(100);
});
