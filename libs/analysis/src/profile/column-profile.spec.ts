import type { DescribedColumn } from '@changeover/events';

import type { ColumnCounts } from '../column-profiler.port.js';
import { profileColumn, type ColumnProfile } from './column-profile.js';
import { fewestFormats } from './formats.js';
import { personalData } from './personal.js';
import { isFile, isIban, isPhone, shapeOf } from './value-facts.js';

const described = (base: string, name = 'c'): DescribedColumn => ({
  name,
  type: base,
  base,
  labels: null,
  notNull: false,
  fills: false,
  generated: false,
  ...{ identity: null, default: null, comment: null },
});

/** What a profiler would have counted of these values. */
function counted(values: readonly (string | null)[]): ColumnCounts {
  const texts = values.filter((value) => value !== null);
  const rows = new Map<string, number>();
  for (const text of texts) rows.set(text, (rows.get(text) ?? 0) + 1);
  const lengths = texts.map((text) => text.length);
  return {
    rows: values.length,
    nulls: values.length - texts.length,
    blank: texts.filter((text) => text.trim() === '').length,
    distinct: rows.size,
    minLength: texts.length === 0 ? null : Math.min(...lengths),
    maxLength: texts.length === 0 ? null : Math.max(...lengths),
    min: null,
    max: null,
    values: [...rows].map(([value, count]) => ({ value, rows: count })),
  };
}

const profile = (base: string, values: readonly (string | null)[], name = 'c'): ColumnProfile =>
  profileColumn(described(base, name), false, counted(values));
const many = (count: number, value: (index: number) => string): string[] => Array.from({ length: count }, (_, index) => value(index));

describe('the type in use', () => {
  it.each([
    ['integers', ['1', '22', '-3'], 'integer'],
    ['decimals', ['1.5', '2', '1e3'], 'decimal'],
    ['numbers as people write them', ['1,250,000', '3,5', '7'], 'written number'],
    ['flags', ['Y', 'n', 'yes', ''], 'boolean'],
    ['one flag alone', ['1', '1'], 'integer'],
    ['UUIDs', ['0f8fad5b-d9cb-469f-a165-70867728950e', '7c9e6679-7425-40de-944b-e07fc1f90ae7'], 'uuid'],
    ['days', ['2020-01-31', '31.12.1999', '0000-00-00'], 'date'],
    ['moments', ['2020-01-31 10:00:00', '31.12.1999 08:15'], 'timestamp'],
    ['JSON', ['{"a":1}', '[1,2]'], 'json'],
    ['what PHP serialised', ['a:1:{i:0;s:1:"x";}', 's:3:"abc";'], 'php serialised'],
    ['several of a list', ['^Chemicals^,^Retail^', '^Retail^'], 'multi-enum'],
    ['words', ['one', 'two 2'], 'text'],
    ['nothing but space', ['', ' '], 'nothing'],
  ] as const)('of text: %s', (_, values, used) => {
    expect(profile('text', values).used).toBe(used);
  });

  it('is told with the share that is of it, and is text where that is too little', () => {
    expect(profile('text', [...many(95, String), ...many(5, (index) => `x${String(index)}`)])).toMatchObject({
      used: 'integer',
      usedShare: 0.95,
    });
    expect(profile('text', [...many(80, String), ...many(20, (index) => `x${String(index)}`)])).toMatchObject({
      used: 'text',
      usedShare: 1,
    });
    expect(profile('text', ['31.02.1980', '01.02.1980']).used).toBe('text');
  });

  it('is not decided by those values alone that come first', () => {
    const junk = many(300, (index) => `!${String(index)}`);
    expect(profile('text', [...junk, ...many(5_000, (index) => String(index))])).toMatchObject({ used: 'integer' });
    expect(profile('text', [...junk, ...many(5_000, (index) => `p${String(index)}@example.com`)])).toMatchObject({ matter: 'email' });
    // One value of many rows hides neither the others nor is hidden by them.
    expect(profile('text', [...many(500, () => 'n/a'), ...many(9_000, String)])).toMatchObject({ used: 'integer' });
    expect(profile('text', [...many(9_500, () => '0'), ...many(500, (index) => `x${String(index)}`)])).toMatchObject({ used: 'integer' });
  });

  it('of other columns', () => {
    expect(profile('smallint', ['0', '1']).used).toBe('boolean');
    expect(profile('smallint', ['0', '2']).used).toBe('integer');
    expect(profile('numeric', ['0.5']).used).toBe('decimal');
    expect(profile('timestamp without time zone', ['2020-01-01 00:00:00', '2020-01-01 00:00:00.5'])).toMatchObject({
      used: 'timestamp',
      formats: ['YYYY-MM-DD HH:mm:ss', 'YYYY-MM-DD HH:mm:ss.S'],
    });
  });
});

describe('formats of dates', () => {
  it('are those that it takes, and no more', () => {
    const { formats, ambiguous } = profile('text', ['2020-01-31', '12/24/2019', '01/02/2020', '24.12.2019']);
    expect([...formats].sort()).toEqual(['DD.MM.YYYY', 'MM/DD/YYYY', 'YYYY-MM-DD']);
    // The second of January, or the first of February.
    expect(ambiguous).toBe(1);
    expect(profile('text', ['24/12/2019', '23/12/2019', '01/02/2020']).formats).toEqual(['DD/MM/YYYY']);
  });

  it('cover all that any of them reads', () => {
    const counts = [
      { formats: ['a', 'b'], rows: 5 },
      { formats: ['b'], rows: 1 },
      { formats: ['c'], rows: 2 },
    ];
    expect(fewestFormats(counts).formats).toEqual(['b', 'c']);
    expect(fewestFormats([]).formats).toEqual([]);
  });
});

describe('what values are about', () => {
  it.each([
    ['email', many(10, (index) => `ada${String(index)}@example.com`)],
    ['phone', ['+49 30 901820', '030/901820', '(213) 373-4253']],
    ['country', ['Germany', 'DE', 'United States', 'FR']],
    ['iban', ['DE89 3704 0044 0532 0130 00', 'GB82WEST12345698765432']],
    ['url', ['http://example.com/a', 'www.example.com']],
    ['file', ['uploads/2019/offer.pdf', 'C:\\scans\\a b.tiff', 'photo.jpg', 'x.docx']],
    ['ip', ['10.0.0.1', '192.168.1.20']],
    [null, ['1', '2']],
    [null, ['2020-01-31', '2020-02-01']],
    [null, ['10.5', '1234567890']],
    [null, ['DE', 'IT', 'IN']],
  ] as const)('%s', (matter, values) => {
    expect(profile('text', values).matter).toBe(matter);
  });

  it('has checks of its own', () => {
    expect(isIban('DE89 3704 0044 0532 0130 01')).toBe(false);
    expect(isPhone('12')).toBe(false);
    expect(isFile('ada@example.pdf')).toBe(false);
  });
});

test('broken text is counted by what is wrong with it', () => {
  const { damage } = profile('text', ['M&uuml;ller', 'MÃ¼ller', ' x', 'a\u200bb', '<b>x</b>', 'Müller', 'A & B', 'a < b']);
  expect(damage).toEqual({ entities: 1, mojibake: 1, outerSpace: 1, invisible: 1, tags: 1 });
});

test('shapes have no value in them', () => {
  expect(shapeOf('C-004711')).toBe('A-9+');
  expect(shapeOf('Ada Lovelace 12')).toBe('Aaa_Aa+_99');
  expect(shapeOf('伊藤')).toBe('aa');
  expect(shapeOf('x'.repeat(1000))).toBe('a+');
});

describe('personal data', () => {
  const kinds = (columns: readonly ColumnProfile[]): unknown =>
    Object.fromEntries([...personalData('public.t', columns)].map(([name, { kind }]) => [name, kind]));

  it('is found by values, whatever the column is called', () => {
    expect(
      kinds([
        profile(
          'text',
          many(20, (index) => `p${String(index)}@example.org`),
          'misc_4',
        ),
      ]),
    ).toEqual({ misc_4: 'e-mail' });
    expect(
      kinds([
        profile(
          'text',
          many(20, (index) => `${'so it was said and done '.repeat(5)}${String(index)}`),
          'misc_4',
        ),
      ]),
    ).toEqual({ misc_4: 'free text' });
    expect(
      kinds([
        profile(
          'text',
          many(20, (index) => `item ${String(index)}`),
          'misc_4',
        ),
      ]),
    ).toEqual({});
  });

  it('is found by names, where values do not speak against it', () => {
    expect(kinds([profile('text', ['Ada', 'Bob'], 'first_name'), profile('text', ['Germany', 'France'], 'country')])).toEqual({
      first_name: 'person name',
      country: 'postal address',
    });
    // Of a company the country says nothing of a person; a flag and a key are about something else.
    expect(kinds([profile('text', ['Germany', 'France'], 'country')])).toEqual({});
    expect(kinds([profile('smallint', ['0', '1'], 'primary_address'), profile('text', ['', null], 'birthdate')])).toEqual({});
    expect(kinds([profile('text', ['0f8fad5b-d9cb-469f-a165-70867728950e'], 'email_address_id')])).toEqual({});
  });
});
