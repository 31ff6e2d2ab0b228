import { ConversionProblem } from '@changeover/mapping';
import fc from 'fast-check';

import { json } from './json.js';
import { phpSerialized } from './php-serialized.js';

const normal = json.make(undefined);
const unserialize = phpSerialized.make(undefined);

/** What JSON.stringify would make of it with sorted keys. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${sorted(member)}`).join(',')}}`;
}

test('any JSON, as the engine reads it', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, depthSize: 'medium' }), fc.constantFrom(0, 2, '\t'), (value, space) => {
      const result = normal(JSON.stringify(value, null, space));
      if (result instanceof ConversionProblem) expect(result.reason).toBe('not storable');
      else {
        taken += 1;
        expect(result).toBe(sorted(JSON.parse(JSON.stringify(value))));
      }
    }),
    { numRuns: 3000 },
  );
  expect(taken).toBeGreaterThan(1000);
});

test('takes what the engine takes, and nothing else', () => {
  const part = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'true',
    'nul',
    'null',
    ' ',
    '\n',
    '\\',
    '\u00a0',
    'x',
  );
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 9 }), (parts) => {
      const text = parts.join('');
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      const result = normal(text);
      // JSON that no column could hold as it is: a name twice, or an exponent of four digits.
      if (result === null || (result instanceof ConversionProblem && ['repeated key', 'not storable'].includes(result.reason))) return;
      seen[isJson ? 'taken' : 'refused'] += 1;
      expect([text, typeof result === 'string']).toEqual([text, isJson]);
    }),
    { numRuns: 20_000 },
  );
  expect(seen.taken).toBeGreaterThan(500);
  expect(seen.refused).toBeGreaterThan(500);
});

test('a key that every object has is a key like others', () => {
  const text = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}';
  expect(normal(text)).toBe('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}');
  expect(unserialize('a:1:{s:9:"__proto__";a:1:{s:7:"isAdmin";b:1;}}')).toBe('{"__proto__":{"isAdmin":true}}');
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

type Php = string | number | boolean | null | readonly Php[] | { readonly [key: string]: Php };

/** As PHP's serialize has it. */
function serialize(value: Php): string {
  if (value === null) return 'N;';
  if (typeof value === 'boolean') return `b:${value ? '1' : '0'};`;
  if (typeof value === 'string') return `s:${String(Buffer.byteLength(value))}:"${value}";`;
  if (typeof value === 'number') return Number.isInteger(value) ? `i:${String(value)};` : `d:${String(value)};`;
  const members = Array.isArray(value)
    ? (value as readonly Php[]).map((item, index) => `i:${String(index)};${serialize(item)}`)
    : Object.entries(value).map(([key, item]) => serialize(key) + serialize(item));
  return `a:${String(members.length)}:{${members.join('')}}`;
}

test('any value that PHP serialises', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '😀', '"', ';', '{', '}', ':'), maxLength: 8 });
  const { value } = fc.letrec<{ value: Php }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, false),
      fc.integer(),
      fc.constantFrom(0.5, -2.25, 1.5e20),
      text,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ unit: fc.constantFrom('k', 'ä'), minLength: 1, maxLength: 4 }), tie('value'), { minKeys: 1, maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(value, (php) => {
      expect(unserialize(serialize(php))).toBe(sorted(php));
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['a:2:{i:1;N;i:0;N;}', '{"0":null,"1":null}'],
  ['a:1:{i:5;b:1;}', '{"5":true}'],
  ['a:1:{s:1:"0";b:1;}', '{"0":true}'],
  ['a:0:{}', '[]'],
  ['d:1.0E+25;', '1.0e+25'],
  ['d:-0;', '-0'],
  ['i:-007;', '-7'],
])('%s is %s', (text, result) => {
  expect(unserialize(text)).toBe(result);
});

test('a text that was cut or changed anywhere is a problem, or another value, and never stops', () => {
  const whole = serialize({ name: 'Müller', ages: [1, 2.5, null], on: true });
  let refused = 0;
  for (let place = 0; place < whole.length; place++) {
    for (const text of [
      whole.slice(0, place),
      whole.slice(place),
      `${whole.slice(0, place)}9${whole.slice(place)}`,
      whole.slice(0, place) + whole.slice(place + 1),
    ]) {
      const result = unserialize(text);
      if (result instanceof ConversionProblem) refused += 1;
      else if (result !== null) expect(JSON.parse(result)).toBeDefined();
    }
  }
  expect(refused).toBeGreaterThan(whole.length * 3);
});

test.each([
  ['a:99999999999:{}', 'not PHP'],
  ['a:99999999999999999999999:{i:0;N;', 'not PHP'],
  ['a:-1:{}', 'not PHP'],
  ['s:99999999999:"x";', 'not PHP'],
  ['s:-1:"x";', 'not PHP'],
  ['a:2:{i:0;N;i:0;N;}', 'not PHP'],
  ['O:1:"A":1:{s:1:"b";i:1;}', 'an object'],
  ['C:1:"A":2:{xx}', 'an object'],
  ['a:1:{i:0;R:1;}', 'an object'],
  ['d:INF;', 'no JSON number'],
  ['i:1;i:2;', 'not PHP'],
])('%s is a problem', (text, reason) => {
  expect(unserialize(text)).toEqual(new ConversionProblem(reason));
});
