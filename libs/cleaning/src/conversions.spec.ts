import { concat, constant, is, mapping, parseMapping, type Text } from '@changeover/mapping';

import { CONVERTERS } from './cleaners.js';
import {
  base64Decode,
  base64Encode,
  boolean,
  country,
  currency,
  date,
  domain,
  email,
  enumeration,
  htmlEntities,
  json,
  mojibake,
  money,
  multiEnum,
  nameCase,
  number,
  personName,
  phone,
  phpSerialized,
  region,
  timestamp,
  trim,
  truncate,
  unicode,
  url,
} from './conversions.js';

type Source = {
  'old.people': {
    row: { id: `${number}`; name: string; text: string | null; status: 'ACTIVE' | 'INACT'; kind: 'A' | 'B' | null };
  };
};
type Target = {
  'new.people': {
    row: {
      id: `${number}`;
      name?: string | null;
      status?: 'active' | 'inactive' | null;
      known?: 'active' | 'inactive';
      flag?: 't' | 'f' | null;
      day?: Text<'date'> | null;
      at?: Text<'timestamp with time zone'> | null;
      local?: Text<'timestamp without time zone'> | null;
      tags?: Text<'crm.tag[]'> | null;
      extra?: Text<'jsonb'> | Text<'json'> | null;
      count?: `${number}` | null;
    };
  };
};

const map = mapping<Source, Target>();
const row = map.from('old.people');
const with_ = { from: row, key: ['id'] } as const;
const id = row('id');

describe('conversions', () => {
  it('are expressions whose converters take their options', () => {
    const rules = [
      map.table('new.people', {
        ...with_,
        columns: {
          id,
          name: trim(htmlEntities(row('text'), { until: 'stable', invalid: 'empty' }), { blank: 'empty' }),
          status: enumeration(row('kind'), { A: 'active', B: null }, { ignoreCase: true }),
          known: enumeration(row('status'), { ACTIVE: 'active', INACT: 'inactive' }),
          flag: boolean(row('text'), { true: ['Y'], false: ['N'] }),
          day: date(row('text'), { formats: ['YYYY-MM-DD'], zeroDate: 'null' }),
          at: timestamp(row('text'), { formats: ['YYYY-MM-DD'], zone: 'Europe/Berlin' }),
          local: timestamp(row('text'), { formats: ['YYYY-MM-DD'] }),
        },
      }),
    ];
    const [rule] = parseMapping({ rules }, CONVERTERS).rules;
    expect(rule?.columns).toEqual({
      id: { column: 'id' },
      name: {
        convert: 'trim',
        options: { blank: 'empty' },
        invalid: 'empty',
        input: { convert: 'htmlEntities', options: { until: 'stable' }, invalid: 'empty', input: { column: 'text' } },
      },
      status: {
        convert: 'enum',
        options: { values: { A: 'active', B: null }, ignoreCase: true },
        invalid: 'held',
        input: { column: 'kind' },
      },
      known: {
        convert: 'enum',
        options: { values: { ACTIVE: 'active', INACT: 'inactive' } },
        invalid: 'held',
        input: { column: 'status' },
      },
      flag: { convert: 'boolean', options: { true: ['Y'], false: ['N'] }, invalid: 'held', input: { column: 'text' } },
      day: { convert: 'date', options: { formats: ['YYYY-MM-DD'], zeroDate: 'null' }, invalid: 'held', input: { column: 'text' } },
      at: { convert: 'timestamp', options: { formats: ['YYYY-MM-DD'], zone: 'Europe/Berlin' }, invalid: 'held', input: { column: 'text' } },
      local: { convert: 'timestamp', options: { formats: ['YYYY-MM-DD'] }, invalid: 'held', input: { column: 'text' } },
    });
    expect([email(row('text')), phone(row('text'), { country: 'DE' }), country(row('text'), { invalid: 'empty' })]).toEqual([
      { convert: 'email', input: { column: 'text' }, invalid: 'held' },
      { convert: 'phone', options: { country: 'DE' }, input: { column: 'text' }, invalid: 'held' },
      { convert: 'country', input: { column: 'text' }, invalid: 'empty' },
    ]);
  });

  it('name their converter, each of them', () => {
    const text = row('text');
    const all = [
      unicode(text, { form: 'NFKC' }),
      mojibake(text),
      truncate(text, { length: 5 }),
      multiEnum(text, { values: { a: 'A' } }),
      number(text, { range: 'low' }),
      currency(text, { signs: { $: 'USD' } }),
      personName(text, { part: 'last' }),
      url(text),
      domain(text),
      json(text),
      phpSerialized(base64Decode(text)),
      base64Encode(text, { alphabet: 'url' }),
    ] as unknown as readonly { readonly convert: string }[];
    const names = 'unicode mojibake truncate multiEnum number currency personName url domain json phpSerialized base64Encode';
    expect(all.map(({ convert: name }) => name).join(' ')).toBe(names);
    expect(nameCase(text)).toEqual({ convert: 'nameCase', input: { column: 'text' }, invalid: 'empty' });
    const [rule] = parseMapping(
      { rules: [map.table('new.people', { ...with_, columns: { id, name: concat(' ', ...(all as unknown as readonly [typeof text])) } })] },
      CONVERTERS,
    ).rules;
    expect(rule?.columns['name']).toMatchObject({ separator: ' ' });
  });

  it('take what the row says about a value', () => {
    const held = phone(row('text'), { country: 'US', countryFrom: country(row('kind')) });
    expect(held).toEqual({
      convert: 'phone',
      options: { country: 'US', countryFollows: true },
      input: {
        concat: [{ column: 'text' }, { constant: '\u001f' }, { convert: 'country', input: { column: 'kind' }, invalid: 'held' }],
        separator: '',
      },
      invalid: 'held',
    });
    expect(region(row('text'), { country: 'US' })).toEqual({
      convert: 'region',
      options: { country: 'US' },
      input: { column: 'text' },
      invalid: 'held',
    });
    expect(money(row('text'), { give: 'micros', currencyFrom: row('kind'), invalid: 'empty' })).toMatchObject({
      options: { give: 'micros', currencyFollows: true },
      input: { concat: [{ column: 'text' }, { constant: '\u001f' }, { column: 'kind' }] },
      invalid: 'empty',
    });
    expect(region(row('text'), { countryFrom: row('kind') })).toMatchObject({ options: { countryFollows: true } });
  });

  it('tell TypeScript what may be wrong', () => {
    // @ts-expect-error -- INACT is not covered
    enumeration(row('status'), { ACTIVE: 'active' });
    enumeration(row('name'), { ACTIVE: 'active' });
    // @ts-expect-error -- no label of the target
    map.table('new.people', { ...with_, columns: { id, status: enumeration(row('status'), { ACTIVE: 'activ', INACT: 'inactive' }) } });
    // @ts-expect-error -- INACT becomes null
    map.table('new.people', { ...with_, columns: { id, known: enumeration(row('status'), { ACTIVE: 'active', INACT: null }) } });
    // @ts-expect-error -- the source may be null
    map.table('new.people', { ...with_, columns: { id, known: enumeration(row('kind'), { A: 'active', B: 'inactive' }) } });
    const emptied = enumeration(row('status'), { ACTIVE: 'active', INACT: 'inactive' }, { invalid: 'empty' });
    // @ts-expect-error -- what is not known leaves it empty
    map.table('new.people', { ...with_, columns: { id, known: emptied } });
    map.table('new.people', { ...with_, columns: { id, known: emptied }, required: ['known'] });
    // @ts-expect-error -- no option of that name
    email(row('name'), { lowercase: 'all', invalid: 'empty' });
    // @ts-expect-error -- formats are needed
    date(row('name'), {});
    // @ts-expect-error -- a day is no time
    map.table('new.people', { ...with_, columns: { id, at: date(row('name'), { formats: ['YYYY'] }) } });
    // @ts-expect-error -- without a zone nobody knows when that was
    map.table('new.people', { ...with_, columns: { id, at: timestamp(row('name'), { formats: ['YYYY-MM-DD[Z]'] }) } });
    map.table('new.people', { ...with_, columns: { id, at: timestamp(row('name'), { formats: ['YYYY-MM-DD HH:mm:ssZ'] }) } });
    // @ts-expect-error -- is UTC, and the column has no zone
    map.table('new.people', { ...with_, columns: { id, local: timestamp(row('name'), { formats: ['YYYY-MM-DD HH:mm:ssZ'] }) } });
    // @ts-expect-error -- could hold a row, which a condition cannot
    is(email(row('name')), 'x');
    is(trim(row('name')), 'x');
    const text = row('text');
    map.table('new.people', { ...with_, columns: { id, tags: multiEnum(text), extra: json(text), count: number(text) } });
    map.table('new.people', {
      ...with_,
      columns: { id, extra: multiEnum(text, { give: 'json' }), count: money(text, { give: 'micros' }) },
    });
    map.table('new.people', { ...with_, columns: { id, extra: phpSerialized(base64Decode(text)) } });
    // @ts-expect-error -- JSON is no array
    map.table('new.people', { ...with_, columns: { id, tags: json(text) } });
    // @ts-expect-error -- a currency is no number
    map.table('new.people', { ...with_, columns: { id, count: money(text, { give: 'currency' }) } });
    // @ts-expect-error -- the length is needed
    truncate(text, {});
    // @ts-expect-error -- is what countryFrom sets
    phone(text, { countryFollows: true });
    is(email(row('name'), { invalid: 'empty' }), 'x');
    map.table('new.people', { ...with_, columns: { id, name: country(constant('Germany')) } });
    expect(emptied).toMatchObject({ invalid: 'empty' });
  });
});
