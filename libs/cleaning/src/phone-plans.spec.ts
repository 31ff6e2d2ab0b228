import fc from 'fast-check';
import examples from 'libphonenumber-js/mobile/examples';
import { type CountryCode, getCountries, getCountryCallingCode, getExampleNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';

import { isNoNumber, readPlainNumber, readSetOff, type ReadNumber } from './phone-plans.js';

const COUNTRIES = getCountries();

/** By the library. */
function asked(text: string, country: CountryCode | undefined): ReadNumber | null {
  const parsed = parsePhoneNumberFromString(text, { extract: false, ...(country !== undefined && { defaultCountry: country }) });
  if (parsed?.isValid() !== true) return null;
  return { callingCode: parsed.countryCallingCode, national: parsed.nationalNumber, country: parsed.country, extension: parsed.ext };
}

test('the example number of every region, and numbers near it, are read as the library reads them', () => {
  const counts = { valid: 0, invalid: 0, asked: 0 };
  for (const country of COUNTRIES) {
    const example = getExampleNumber(country, examples);
    if (example === undefined) continue;
    const { nationalNumber } = example;
    const near = [...Array(10).keys()].flatMap((digit) => [
      `${String(digit)}${nationalNumber.slice(1)}`,
      `${nationalNumber}${String(digit)}`,
      `${nationalNumber.slice(0, -1)}${String(digit)}`,
      `${String(digit)}${nationalNumber}`,
    ]);
    const extended = [' x12', 'ext.123456', ' EXT 7', 'x 0', ' - x5', ' ext. 1234567'].map((one) => `${example.formatNational()}${one}`);
    const written = [
      ...extended,
      example.formatNational(),
      example.formatInternational(),
      ...near,
      ...near.map((one) => `+${example.countryCallingCode}${one}`),
    ];
    for (const text of written) {
      for (const home of [country, undefined]) {
        const read = readPlainNumber(text, home);
        if (read !== undefined) expect([text, home, read]).toEqual([text, home, asked(text, home)]);
        if (readSetOff(text, home) !== undefined) expect(readSetOff(text, home)).toEqual(read);
        counts[read === undefined ? 'asked' : read === null ? 'invalid' : 'valid'] += 1;
      }
    }
  }
  console.log(`plain numbers near the examples: ${JSON.stringify(counts)}`);
  expect(counts.valid).toBeGreaterThan(3000);
  expect(counts.invalid).toBeGreaterThan(3000);
});

test('any number, as it is dialled from any country', () => {
  const counts = { valid: 0, invalid: 0, asked: 0 };
  const country = fc.constantFrom(...COUNTRIES);
  const digits = fc.stringMatching(/^[0-9]{4,15}$/u);
  const prefix = fc.oneof(
    fc.constantFrom('', '0', '00', '1', '8', '+', '011'),
    country.map((one) => `+${getCountryCallingCode(one)}`),
  );
  const gaps = fc.constantFrom(
    (text: string) => text,
    (text: string) => text.replace(/(\d{3})(?=\d)/u, '$1 '),
    (text: string) => text.replace(/(\d{2})(\d{3})/u, '($1) $2-'),
  );
  const extension = fc.constantFrom('', '', ' x12', ' ext. 5', 'x123456');
  fc.assert(
    fc.property(country, prefix, digits, gaps, extension, (home, before, number, gap, behind) => {
      const text = gap(before + number) + behind;
      const read = readPlainNumber(text, home);
      if (read !== undefined) expect([text, home, read]).toEqual([text, home, asked(text, home)]);
      const setOff = readSetOff(text, home);
      if (setOff !== undefined) expect([text, home, setOff]).toEqual([text, home, read]);
      counts[read === undefined ? 'asked' : read === null ? 'invalid' : 'valid'] += 1;
    }),
    { numRuns: 30_000 },
  );
  console.log(`any plain numbers: ${JSON.stringify(counts)}`);
  expect(counts.valid).toBeGreaterThan(500);
  expect(counts.invalid).toBeGreaterThan(5000);
}, 120_000);

test('what is no number at first sight is none to the library either', () => {
  const counts = { none: 0, number: 0 };
  const part = fc.constantFrom(
    'call ',
    'x',
    'K',
    'tel:',
    ' ',
    '+',
    '49',
    '030 ',
    '901820',
    '\uff10\uff13\uff10',
    '\u0663',
    '\u30fc',
    '\u096a',
    ';',
    ';phone-context=+49',
    ';ext=',
    '(',
    '-',
    '*',
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 7 }), (parts) => {
      const text = parts.join('');
      const number = asked(text, 'DE');
      if (isNoNumber(text)) expect([text, number]).toEqual([text, null]);
      if (isNoNumber(text)) counts.none += 1;
      else if (number !== null) counts.number += 1;
    }),
    { numRuns: 20_000, examples: [[['x', 'tel:', '30 ', '901820', ';phone-context=+49']]] },
  );
  console.log(`texts that look like numbers, and others: ${JSON.stringify(counts)}`);
  expect(counts.number).toBeGreaterThan(100);
  expect(counts.none).toBeGreaterThan(1000);
}, 120_000);
