import { domainToASCII, domainToUnicode } from 'node:url';

import { ConversionProblem, type Json } from '@changeover/mapping';
import fc from 'fast-check';

import { CONVERTERS } from './cleaners.js';
import { arrayItems, arrayText } from './item-list.js';
import { unicodeDomain } from './punycode.js';

const problem = (reason: string): ConversionProblem => new ConversionProblem(reason);

/** Values as SuiteCRM, Salesforce, vtiger and people have them, and what a new CRM takes. */
const TABLE: readonly (readonly [cleaner: string, options: Json | undefined, text: string, result: string | null | ConversionProblem])[] = [
  ['url', undefined, 'http://', null],
  ['url', undefined, 'https://www.', null],
  ['url', undefined, 'www.kidphone.de', 'https://www.kidphone.de'],
  ['url', undefined, 'http://www.example.com/a?b=c#d', 'http://www.example.com/a?b=c#d'],
  ['url', undefined, '//example.com', 'https://example.com'],
  ['url', undefined, 'example.com:8443/x', 'https://example.com:8443/x'],
  ['url', undefined, '\u200bexample.com\u00a0', 'https://example.com'],
  ['url', undefined, '192.0.2.7', 'https://192.0.2.7'],
  ['url', undefined, '12345', problem('not a web address')],
  ['url', undefined, '12.5', problem('not a web address')],
  ['url', undefined, 'http://user:secret@example.com', problem('not a web address')],
  ['url', undefined, 'javascript:alert(1)', problem('not a web address')],
  ['url', undefined, 'javascript://example.com/%0aalert(1)', problem('not a web address')],
  ['url', undefined, 'example.com and example.org', problem('not a web address')],
  ['url', undefined, 'http://localhost', problem('not a web address')],
  ['url', undefined, 'http://exa_mple..com', problem('not a web address')],
  ['domain', undefined, 'HTTPS://WWW.Example.COM./', 'example.com'],
  ['domain', undefined, 'www.com', 'www.com'],
  ['domain', { form: 'unicode' }, 'http://пример.рф/страница', 'пример.рф'],
  ['domain', undefined, 'http://пример.рф/страница', 'xn--e1afmkfd.xn--p1ai'],
  ['multiEnum', undefined, '^Analyst^,^Competitor^', '{Analyst,Competitor}'],
  ['multiEnum', undefined, '^a"b^,^c\\d^,^null^', '{"a\\"b","c\\\\d","null"}'],
  ['multiEnum', undefined, '^^', null],
  ['multiEnum', { encoding: 'separated', separator: ';' }, 'Hot; Warm;;Hot', '{Hot,Warm}'],
  ['multiEnum', { encoding: 'json' }, '["a", {"b": 1}]', problem('not a list')],
  ['multiEnum', { encoding: 'json' }, '{"a": 1}', problem('not a list')],
  ['multiEnum', { encoding: 'json' }, '[12345678901234567890]', problem('not a list')],
  ['multiEnum', { values: { a: 'A' } }, '^__proto__^', problem('unknown value')],
  ['nameCase', undefined, 'MARÍA DE LOS ÁNGELES', 'María de los Ángeles'],
  ['nameCase', undefined, "o'neil-smith", "O'Neil-Smith"],
  ['nameCase', undefined, 'macdonald', 'Macdonald'],
  ['nameCase', undefined, 'ÉMILIE DU CHÂTELET', 'Émilie du Châtelet'],
  ['nameCase', undefined, 'DE LA CRUZ', 'De la Cruz'],
  ['nameCase', undefined, 'ПУШКИН', 'Пушкин'],
  ['nameCase', undefined, 'GROẞMANN', 'Großmann'],
  ['personName', { part: 'given' }, 'Yo-Yo Ma', 'Yo-Yo'],
  ['personName', { part: 'last' }, 'Yo-Yo Ma', 'Ma'],
  ['personName', { part: 'last' }, 'Martin Luther King, Jr.', 'King'],
  ['personName', { part: 'suffix' }, 'King, Martin Luther Jr.', 'Jr.'],
  ['personName', { part: 'prefix' }, 'Prof. Dr. Angela Merkel', 'Prof. Dr.'],
  ['personName', { part: 'last' }, 'Santiago Ramón y Cajal', 'Cajal'],
  ['personName', { part: 'last' }, 'Oscar de la Renta', 'de la Renta'],
  ['personName', { part: 'first' }, 'John Y Smith', 'John'],
  ['personName', { part: 'last' }, 'Hans & Grete Müller', problem('several people')],
  ['personName', { part: 'first', alone: 'first' }, 'Cher', 'Cher'],
  ['personName', { part: 'last' }, ',', problem('not a name')],
  ['truncate', { length: 2 }, '😀😀😀', '😀😀'],
  ['truncate', { length: 4, unit: 'bytes' }, '😀😀', '😀'],
  ['truncate', { length: 3, unit: 'bytes' }, '😀', ''],
  ['unicode', undefined, 'می\u200cخواهم', 'می\u200cخواهم'],
  ['unicode', undefined, 'Ada\u200d \u200cLovelace', 'Ada Lovelace'],
  ['unicode', undefined, 'Ada\u200cخواهم\u200cAda', 'AdaخواهمAda'],
  ['unicode', { control: 'keep', invisible: 'keep', spaces: 'keep' }, 'a\u0001\u200b\u00a0', 'a\u0001\u200b\u00a0'],
  ['region', { country: 'DE' }, 'Thüringen', 'DE-TH'],
  ['region', { country: 'DE' }, 'NRW', 'DE-NW'],
  ['region', { country: 'CA' }, 'Québec', 'CA-QC'],
  ['region', { country: 'AU' }, 'new south wales', 'AU-NSW'],
  ['region', { country: 'GB' }, 'Scotland', 'GB-SCT'],
  ['region', { countryFollows: true }, 'CA', problem('unknown region')],
  ['region', { countryFollows: true, country: 'US' }, 'CA\u001f', 'US-CA'],
  ['phone', { countryFollows: true, country: 'US' }, '(213) 373-4253\u001f', '+12133734253'],
  ['phone', { countryFollows: true }, '\u001fDE', null],
  ['phone', { countryFollows: true }, '030 901820\u001fGermany', problem('not a phone number')],
  ['money', { currencyFollows: true }, '5\u001f', problem('no currency')],
  ['money', { currencyFollows: true }, '5\u001fjpy', '5'],
  ['money', { currencyFollows: true }, '\u001fJPY', null],
  ['email', { typos: 'problem' }, 'ada@gmail.com', 'ada@gmail.com'],
  ['email', { typos: 'problem' }, 'ada@ymail.com', 'ada@ymail.com'],
  ['email', { typos: 'problem' }, 'ada@mail.com', 'ada@mail.com'],
  ['email', { typos: 'problem' }, 'ada@example.co', 'ada@example.co'],
  ['email', { typos: 'problem' }, 'ada@gmai.com', problem('likely a typo')],
  ['email', { typos: 'correct' }, 'ada@hotmali.com', 'ada@hotmail.com'],
  ['email', { typos: 'correct' }, 'ada@example.con', 'ada@example.com'],
  ['base64Decode', undefined, 'aGk', 'hi'],
  ['base64Decode', undefined, 'aGl=', problem('not base64')],
  ['base64Decode', undefined, 'a', problem('not base64')],
  ['base64Decode', undefined, '7e1g', problem('not text')],
];

test.each(TABLE)('%s %j: %j', (name, options, text, result) => {
  expect(CONVERTERS[name]?.(options)(text)).toEqual(result);
});

test('an array of any texts is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', '{', '}', ' ', 'null', '\n', '\u00a0') })), (items) => {
      expect(arrayItems(arrayText(items))).toEqual(items);
    }),
  );
  expect(['{a,NULL}', '{{a},{b}}', '{a', 'a}', '{a,}', '{a}b}'].map(arrayItems)).toEqual(Array(6).fill(null));
});

test('the parts of a name together have all of its words, each once', () => {
  const word = fc.constantFrom('Ada', 'van', 'de', 'Lovelace', 'Dr.', 'Jr.', 'PhD', 'K.', 'Müller-Lüdenscheidt', ',');
  const parts = ['prefix', 'given', 'last', 'suffix'].map((part) => CONVERTERS['personName']?.({ part }));
  const first = ['first', 'middle'].map((part) => CONVERTERS['personName']?.({ part }));
  let taken = 0;
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 7 }), (words) => {
      const text = words.join(' ');
      const results = parts.map((convert) => convert?.(text));
      if (results.some((result) => result instanceof ConversionProblem)) return;
      taken += 1;
      const found = results.flatMap((result) => (typeof result === 'string' ? result.split(' ') : []));
      expect(found.sort()).toEqual(words.filter((one) => one !== ',').sort());
      const given = first.map((convert) => convert?.(text)).filter((part) => typeof part === 'string');
      expect(given.join(' ')).toBe(results[1] ?? '');
    }),
    { numRuns: 3000 },
  );
  expect(taken).toBeGreaterThan(1000);
});

test('base64, as Node writes it', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const buffer = Buffer.from(bytes);
      expect(CONVERTERS['base64Decode']?.({ give: 'bytea' })(buffer.toString('base64'))).toBe(`\\x${buffer.toString('hex')}`);
      expect(CONVERTERS['base64Decode']?.({ give: 'bytea' })(buffer.toString('base64url'))).toBe(`\\x${buffer.toString('hex')}`);
    }),
  );
});

test('a domain of any script is read as people write it', () => {
  const label = fc.string({
    unit: fc.constantFrom('a', 'z', '0', '-', 'ü', 'é', 'п', 'р', '日', '本', 'ا', 'ل', '한'),
    minLength: 1,
    maxLength: 12,
  });
  let other = 0;
  fc.assert(
    fc.property(label, (text) => {
      const written = `${text}.example`;
      const ascii = domainToASCII(written);
      if (ascii === '') return;
      expect(unicodeDomain(ascii)).toBe(domainToUnicode(ascii));
      if (ascii.startsWith('xn--')) other += 1;
    }),
    { numRuns: 3000 },
  );
  expect(other).toBeGreaterThan(500);
  expect(['xn--.example', 'xn--ü', 'xn--99999999999999'].map(unicodeDomain)).toEqual(['xn--.example', 'xn--ü', 'xn--99999999999999']);
});

test('a domain of other letters is one however often it is asked for', () => {
  const convert = (CONVERTERS['domain'] as (typeof CONVERTERS)[string])({});
  const answers = new Set<unknown>();
  for (let time = 0; time < 50_000; time++) answers.add(convert('http://münchen.example'));
  expect([...answers]).toEqual(['xn--mnchen-3ya.example']);
});
