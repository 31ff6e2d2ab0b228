import { readFile } from 'node:fs/promises';

import { ConversionProblem, type Converter } from '@changeover/mapping';
import fc from 'fast-check';

import { CLEANERS, CONVERTERS, convertersVersion } from './cleaners.js';
import { LIBRARIES } from './libraries.js';

/** Each of them with the options of its examples, as a mapping would have it. */
const CONFIGURED = CLEANERS.flatMap(({ name, make, examples }) =>
  [...new Map(examples.map(({ options }) => [JSON.stringify(options ?? {}), options])).entries()].map(
    ([words, options]) => [`${name} ${words}`, make(options)] as const,
  ),
);

/** With those of its first example only. */
const FIRST_OPTIONS = CLEANERS.map(({ make, examples }) => make(examples[0]?.options));

const ANY_TEXT = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Lone surrogates, NUL and all.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  // Near to what they take.
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789+-/.: ()xe@&#;amp\u00a0\u200b\ud800\0TZtzäßIİ')) }),
);

test.each(CLEANERS.flatMap(({ name, make, examples }) => examples.map((example) => [name, example, make] as const)))(
  '%s: %j',
  (_, example, make) => {
    const { from, options } = example;
    expect(make(options)(from)).toEqual('to' in example ? example.to : new ConversionProblem(example.problem));
  },
);

test.each(CLEANERS)('each problem of $name has an example', ({ problems, examples }) => {
  const shown = examples.flatMap((example) => ('problem' in example ? [example.problem] : []));
  expect(new Set(shown)).toEqual(new Set(problems));
});

test.each(CLEANERS)('the options and the text of $name are described', ({ options, doc, version }) => {
  expect(options.filter(({ description }) => description === '')).toEqual([]);
  expect(doc).toMatch(/\.$/u);
  expect(version).toBeGreaterThan(0);
});

test.each([
  ['trim', { blnk: 'null' }, 'there is no option blnk'],
  ['trim', { blank: 'nil' }, 'option blank: '],
  ['trim', 5, 'options: '],
  ['enum', undefined, 'option values: '],
  ['enum', { values: { a: '1', A: '2' }, ignoreCase: true }, 'option values.A: is the same as another spelling'],
  ['boolean', { true: ['A'], false: ['a'] }, 'option true: A is a spelling of false too'],
  ['htmlEntities', { until: 'twice' }, 'option until: '],
  ['date', {}, 'option formats: '],
  ['date', { formats: [] }, 'option formats: '],
  ['date', { formats: ['DD.MM.YYYY', 'YYYY-MM'] }, 'option formats.1: needs year, month and day'],
  ['date', { formats: ['YYYY-MM-DD HH:mm A'] }, 'option formats.0: needs A'],
  ['date', { formats: ['YYYY-MM-DD mm'] }, 'option formats.0: has a part of the time without'],
  ['date', { formats: ['YYYY-MM-DD YY'] }, 'option formats.0: says the same part twice'],
  ['date', { formats: ['the DD.MM.YYYY'] }, 'option formats.0: has t, which is no part of a date'],
  ['timestamp', { formats: ['YYYY-MM-DD'], zone: 'Europe/Nowhere' }, 'option zone: is not a time zone'],
  ['timestamp', { formats: ['YYYY-MM-DD', 'YYYY-MM-DDZ'] }, 'option zone: is needed'],
  ['email', { lowerCase: true }, 'option lowerCase: '],
  ['phone', { country: 'XX' }, 'option country: is not a country'],
  ['phone', { give: 'country', extension: 'only' }, 'option give: is e164 where extensions are asked for'],
  ['country', { languages: ['en', 'xx'] }, 'option languages.1: is not a language'],
  ['multiEnum', { encoding: 'separated' }, 'option separator: is needed for separated values'],
  ['multiEnum', { separator: ';' }, 'option separator: is needed for separated values'],
  ['multiEnum', { values: { a: '1', A: '2' }, ignoreCase: true }, 'option values.A: is the same as another spelling'],
  ['number', { decimal: ';' }, 'option decimal: '],
  ['money', { currency: 'XYZ' }, 'option currency: is not a currency'],
  ['money', { signs: { $: 'usd' } }, 'option signs.$: is not a currency'],
  ['currency', { languages: ['not a language'] }, 'option languages.0: is not a language'],
  ['truncate', {}, 'option length: '],
  ['truncate', { length: 3, unit: 'bytes', end: '…' }, 'option end: is not shorter than the length'],
  ['personName', {}, 'option part: '],
  ['region', { country: 'XX' }, 'option country: is not a country with regions'],
  ['mojibake', { times: 2 }, 'there is no option times'],
])('%s with %j is MAPPING_INVALID and names the option', (name, options, words) => {
  expect(() => CONVERTERS[name]?.(options)).toThrow(
    expect.objectContaining({ code: 'MAPPING_INVALID', message: expect.stringContaining(`converter ${name}: ${words}`) }),
  );
});

test('nothing but a converter can be named', () => {
  const names =
    'trim unicode mojibake htmlEntities truncate enum multiEnum boolean number money currency date timestamp nameCase personName email';
  const more = 'phone url domain country region json phpSerialized base64Decode base64Encode';
  expect(Object.keys(CONVERTERS)).toEqual(`${names} ${more}`.split(' '));
  expect(['constructor', 'toString', '__proto__'].map((name) => CONVERTERS[name])).toEqual([undefined, undefined, undefined]);
});

describe('whatever the text', () => {
  test.each(CONFIGURED)('%s gives a text, null or a problem, the same each time', (_, convert) => {
    fc.assert(
      fc.property(ANY_TEXT, (text) => {
        const result = convert(text);
        expect(typeof result === 'string' || result === null || result instanceof ConversionProblem).toBe(true);
        expect(convert(text)).toEqual(result);
      }),
      { numRuns: 500 },
    );
  });

  const LONG = 5_000_000;
  const long: readonly (readonly [string, string])[] = [
    ['letters', 'a'.repeat(LONG)],
    ['digits', '1'.repeat(LONG)],
    ['spaces within', `a${' '.repeat(LONG)}b`],
    ['no-break spaces', '\u00a0'.repeat(LONG)],
    ['entities in entities', `&${'amp;'.repeat(LONG / 4)}`],
    ['entities', '&amp;'.repeat(LONG / 5)],
    ['addresses', 'a@b.c,'.repeat(LONG / 6)],
    ['lone surrogates', '\ud800'.repeat(LONG)],
    ['NUL', '\0'.repeat(LONG)],
    ['arrays in arrays', '['.repeat(LONG)],
    ['strings of JSON', `[${'"a",'.repeat(LONG / 4)}"a"]`],
    ['one string of JSON', `"${'\\n'.repeat(LONG / 2)}"`],
    ['PHP in PHP', 'a:1:{i:0;'.repeat(LONG / 9)],
    ['values of a field', '^a^,'.repeat(LONG / 4)],
    ['UTF-8 read wrong', 'Ã¼'.repeat(LONG / 2)],
    ['joiners', '\u200d'.repeat(LONG)],
    ['words', 'van '.repeat(LONG / 4)],
    ['accents', `a${'\u0301'.repeat(LONG - 1)}`],
  ];
  test.each(long)(
    '5 MB of %s take no longer than they must',
    (_, text) => {
      const begun = performance.now();
      for (const convert of FIRST_OPTIONS) convert(text);
      // Linear is a second or two for all of them; a square of it would be hours.
      expect(performance.now() - begun).toBeLessThan(25_000);
    },
    60_000,
  );

  test.each([
    ['0000-00-00', { date: 'zero date', timestamp: 'not a timestamp', boolean: 'not a boolean', enum: 'unknown value' }],
    [
      '1e308',
      {
        number: 'not a number',
        money: 'not an amount',
        date: 'not a date',
        timestamp: 'not a timestamp',
        phone: 'not a phone number',
        boolean: 'not a boolean',
      },
    ],
    [
      'NaN',
      {
        number: 'not a number',
        money: 'not an amount',
        date: 'not a date',
        phone: 'not a phone number',
        email: 'not an e-mail address',
        country: 'unknown country',
      },
    ],
    ['99999999999999999999999999999999999999', { date: 'not a date', phone: 'not a phone number', boolean: 'not a boolean' }],
    [
      '\ud800',
      {
        unicode: 'broken character',
        base64Encode: 'not text',
        url: 'not a web address',
        json: 'not JSON',
        date: 'not a date',
        phone: 'not a phone number',
        email: 'not an e-mail address',
        country: 'unknown country',
      },
    ],
    [
      '\0',
      {
        number: 'not a number',
        url: 'not a web address',
        json: 'not JSON',
        phpSerialized: 'not PHP',
        date: 'not a date',
        phone: 'not a phone number',
        email: 'not an e-mail address',
        boolean: 'not a boolean',
      },
    ],
    ['__proto__', { enum: 'unknown value', country: 'unknown country', boolean: 'not a boolean' }],
    ['constructor', { enum: 'unknown value', country: 'unknown country', boolean: 'not a boolean' }],
    ['2019-13-01', { date: 'not a date' }],
    ['2019-00-01', { date: 'not a date' }],
    ['1900-02-29', { date: 'not a date' }],
  ])('%j is a problem of %j', (text, problems) => {
    const options: Readonly<Record<string, Parameters<(typeof CONVERTERS)[string]>[0]>> = {
      date: { formats: ['YYYY-MM-DD'] },
      timestamp: { formats: ['YYYY-MM-DD HH:mm:ss'] },
      enum: { values: { a: 'b' } },
      phone: { country: 'US' },
    };
    for (const [name, reason] of Object.entries(problems)) {
      expect([name, CONVERTERS[name]?.(options[name])(text)]).toEqual([name, new ConversionProblem(reason)]);
    }
  });
});

describe('what came out once comes out again', () => {
  const again: readonly (readonly [string, Converter])[] = [
    ['trim', converter('trim')],
    ['unicode', converter('unicode')],
    ['unicode NFKC', converter('unicode', { form: 'NFKC', spaces: 'single' })],
    ['mojibake', converter('mojibake')],
    ['name case', converter('nameCase')],
    ['any name case', converter('nameCase', { when: 'always' })],
    ['truncate', converter('truncate', { length: 4, end: '…' })],
    ['number', converter('number', { range: 'middle' })],
    ['json', converter('json')],
    ['email', converter('email')],
    ['email all', converter('email', { lowerCase: 'all' })],
    ['phone', converter('phone', { country: 'US' })],
    ['phone with extension', converter('phone', { country: 'DE', extension: 'append' })],
    ['possible phone', converter('phone', { country: 'IT', accept: 'possible' })],
    ['country', converter('country')],
    ['country alpha-3', converter('country', { give: 'alpha-3' })],
    ['boolean', converter('boolean')],
    ['date', converter('date', { formats: ['YYYY-MM-DD', 'D/M/YY'] })],
    ['stable entities', converter('htmlEntities', { until: 'stable' })],
  ];
  const near = fc.oneof(
    ANY_TEXT,
    fc.emailAddress(),
    fc
      .tuple(
        fc.constantFrom('', '+', '00', '0', '1 ', '+1 ', '+49 ', '+39 0'),
        fc.stringMatching(/^[0-9]{4,13}$/u),
        fc.constantFrom('', ' x12', ';ext=3'),
      )
      .map((parts) => parts.join('')),
    fc
      .tuple(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 10, max: 99 }))
      .map((parts) => parts.join('/')),
    fc.json(),
    fc.constantFrom('Germany', 'usa', 'Österreich', '&amp;amp;lt;', 'Y', 'İ@İ.COM', 'a@ΑΣ.GR'),
  );

  test.each(again)('%s', (_, convert) => {
    let taken = 0;
    fc.assert(
      fc.property(near, (text) => {
        const once = convert(text);
        if (typeof once !== 'string') return;
        taken += 1;
        expect(convert(once)).toBe(once);
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(20);
  });
});

describe('the version of all converters', () => {
  test('changes with a converter, a library and what Node brings along', () => {
    const [first, ...others] = CLEANERS;
    const raised = [{ ...(first as (typeof CLEANERS)[number]), version: 99 }, ...others];
    const platform = { ada: '0', icu: '1', tz: '2', unicode: '3' };
    const versions = [
      convertersVersion(CLEANERS, platform),
      convertersVersion(raised, platform),
      ...Object.keys(platform).map((part) => convertersVersion(CLEANERS, { ...platform, [part]: '9' })),
    ];
    expect(new Set(versions).size).toBe(6);
    expect(convertersVersion(CLEANERS, { ...platform, node: '99' })).toBe(versions[0]);
    expect(convertersVersion()).toMatch(/^[0-9a-f]{64}$/u);
  });

  test.each(Object.entries(LIBRARIES))('%s is pinned, installed and hashed as %s', async (name, version) => {
    const installed = JSON.parse(await readFile(`node_modules/${name}/package.json`, 'utf8')) as { version: string };
    const own = JSON.parse(await readFile('libs/cleaning/package.json', 'utf8')) as { dependencies: Record<string, string> };
    expect([installed.version, own.dependencies[name]]).toEqual([version, version]);
  });
});

function converter(name: string, options?: Parameters<(typeof CONVERTERS)[string]>[0]): Converter {
  const make = CONVERTERS[name];
  if (make === undefined) throw new Error(`there is no converter ${name}`);
  return make(options);
}
