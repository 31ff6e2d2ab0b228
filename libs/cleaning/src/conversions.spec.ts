import { constant, is, mapping, parseMapping, type Text } from '@changeover/mapping';

import { CONVERTERS } from './cleaners.js';
import { boolean, country, date, email, enumeration, htmlEntities, phone, timestamp, trim } from './conversions.js';

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
    is(email(row('name'), { invalid: 'empty' }), 'x');
    map.table('new.people', { ...with_, columns: { id, name: country(constant('Germany')) } });
    expect(emptied).toMatchObject({ invalid: 'empty' });
  });
});
