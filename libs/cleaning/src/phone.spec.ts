import { ConversionProblem } from '@changeover/mapping';
import examples from 'libphonenumber-js/mobile/examples';
import { getCountries, getExampleNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { parsePhoneNumberFromString as parseByLess } from 'libphonenumber-js/min';

import { phone } from './phone.js';

const REGIONS = getCountries().flatMap((country) => {
  const example = getExampleNumber(country, examples);
  return example === undefined ? [] : [{ country, example }];
});

test('the example number of every region, however it is written', () => {
  const wrong = REGIONS.flatMap(({ country, example }) => {
    const e164 = example.number;
    const told = phone.make({ country });
    const untold = phone.make(undefined);
    const written = [
      told(example.formatNational()),
      told(` ${example.nationalNumber}\u00a0`),
      told(example.formatInternational()),
      untold(example.formatInternational()),
      untold(example.getURI()),
      phone.make({ country, extension: 'only' })(`${example.formatNational()} ext. 42`),
    ];
    const wanted = [e164, e164, e164, e164, e164, '42'];
    return written.flatMap((result, index) => (result === wanted[index] ? [] : [`${country} ${String(index)}`]));
  });
  console.log(`phone: ${String(REGIONS.length)} of ${String(getCountries().length)} regions have an example number`);
  expect(REGIONS.length).toBeGreaterThan(240);
  expect(wrong).toEqual([]);
});

test('the larger metadata is needed: the small one takes numbers that no numbering plan has', () => {
  let less = 0;
  for (const { example } of REGIONS) {
    for (let digit = 0; digit < 10; digit++) {
      const text = `+${example.countryCallingCode}${String(digit)}${example.nationalNumber.slice(1)}`;
      const valid = parsePhoneNumberFromString(text)?.isValid() === true;
      expect(phone.make(undefined)(text) instanceof ConversionProblem).toBe(!valid);
      if (!valid && parseByLess(text)?.isValid() === true) less += 1;
    }
  }
  console.log(
    `phone: of ${String(REGIONS.length * 10)} numbers with another first digit the small metadata takes ${String(less)} that do not exist`,
  );
  expect(less).toBeGreaterThan(0);
});

test.each([
  ['DE', '0049 30 901820', '+4930901820'],
  ['DE', '+49 (0) 30 / 90-18.20', '+4930901820'],
  ['IT', '06 698 12345', '+390669812345'],
  ['US', '1-213-373-4253', '+12133734253'],
  ['US', '011 49 30 901820', '+4930901820'],
  ['GB', '\u202a020 7946 0958\u202c', '+442079460958'],
  ['EG', '٠١٠٠١٢٣٤٥٦٧', '+201001234567'],
  ['DE', '＋４９ ３０ ９０１８２０', '+4930901820'],
])('of %s: %s', (country, text, e164) => {
  expect(phone.make({ country })(text)).toBe(e164);
});
