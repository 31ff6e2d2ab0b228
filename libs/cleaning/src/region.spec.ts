import { iso31662 } from 'iso-3166';

import { region } from './region.js';

const COUNTRIES = [...new Set(iso31662.map(({ code }) => code.slice(0, 2)))];

test('every region of ISO 3166-2 by its code, and by its name', () => {
  const named = { same: 0, other: 0, none: 0 };
  const wrong: string[] = [];
  for (const country of COUNTRIES) {
    const convert = region.make({ country });
    const untold = region.make(undefined);
    for (const { code, name } of iso31662.filter((one) => one.code.startsWith(`${country}-`))) {
      if (convert(code) !== code || convert(code.slice(3)) !== code || untold(code.toLowerCase()) !== code) wrong.push(code);
      const found = convert(name);
      named[found === code ? 'same' : typeof found === 'string' ? 'other' : 'none'] += 1;
      // Another one may have that name too, but then it is a region that this one is a part of, or a code.
      if (typeof found === 'string' && found !== code && !iso31662.some((one) => one.code === found)) wrong.push(code);
    }
  }
  console.log(`region: of ${String(iso31662.length)} names ${JSON.stringify(named)} in ${String(COUNTRIES.length)} countries`);
  expect(wrong).toEqual([]);
  expect(named.same / iso31662.length).toBeGreaterThan(0.95);
});

test.each(['BD', 'US', 'CA', 'DE', 'AU', 'AT', 'CH', 'GB', 'IN', 'BR', 'MX', 'IT', 'NL', 'JP', 'PL'])(
  'every region of %s by its name means that one',
  (country) => {
    const convert = region.make({ country });
    const regions = iso31662.filter(({ code, parent }) => code.startsWith(`${country}-`) && parent === country);
    expect(regions.filter(({ name, code }) => convert(name) !== code && convert(name.toUpperCase()) !== code)).toEqual([]);
    expect(regions.length).toBeGreaterThan(3);
  },
);
