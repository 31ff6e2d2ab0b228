import { parseMapping } from '../mapping.js';
import type { TableRule } from '../rule.js';
import {
  all,
  allocated,
  any,
  array,
  arrayOf,
  concat,
  constant,
  convert,
  count,
  field,
  first,
  is,
  json,
  jsonArray,
  jsonArrayOf,
  jsonBoolean,
  jsonNumber,
  jsonObject,
  latest,
  mapping,
  max,
  min,
  not,
  split,
  stride,
  sum,
  textOf,
  unchecked,
  uuid,
  when,
  type Text,
} from './index.js';

type Source = {
  'public.contacts': {
    row: {
      id: `${number}`;
      account_id: `${number}` | null;
      email: string | null;
      last_name: string;
      status: 'ACTIVE' | 'INACT';
      deleted: 't' | 'f' | null;
      created: Text<'timestamp without time zone'>;
    };
  };
  'public.accounts': { row: { id: `${number}`; name: string; owner_id: `${number}` | null } };
  'public.users': { row: { id: `${number}`; name: string; active: 't' | 'f' } };
};

type Target = {
  'crm.person': {
    row: {
      id: `${number}`;
      family_name: string;
      status: 'active' | 'inactive';
      created_at: Text<'timestamp without time zone'>;
      email?: string | null;
      company?: string | null;
      vip?: 't' | 'f';
      token?: Text<'uuid'> | null;
      score?: `${number}` | null;
      tags?: Text<'text[]'>;
      number?: `${number}` | null;
      data?: Text<'jsonb'> | Text<'json'>;
    };
  };
  'crm.account': { row: { id: `${number}`; name: string } };
};

const map = mapping<Source, Target>();
const contact = map.from('public.contacts');
const whole = {
  id: contact('id'),
  family_name: contact('last_name'),
  status: constant('active'),
  created_at: contact('created'),
};
const from = { from: contact, columns: whole, key: ['id'] } as const;
const columns = (rule: TableRule): unknown => rule.columns;

/** As the file would be given to us, which says that the rule fits together. */
const parsed = (rule: TableRule): TableRule | undefined => parseMapping({ rules: [rule] }).rules[0];

describe('a rule', () => {
  it('is plain data, without what was not said', () => {
    const rule = map.table('crm.person', from);
    expect(rule).toEqual({
      source: 'public.contacts',
      target: 'crm.person',
      columns: {
        id: { column: 'id' },
        family_name: { column: 'last_name' },
        status: { constant: 'active' },
        created_at: { column: 'created' },
      },
      key: ['id'],
    });
    expect(JSON.parse(JSON.stringify(rule))).toEqual(rule);
    expect(parsed(rule)).toEqual(rule);
  });

  it('has all that can be said', () => {
    const said = map.from('public.contacts');
    const account = said.join('account', 'public.accounts', { on: { id: said('account_id') } });
    const owner = said.join('owner', 'public.users', {
      on: { id: account('owner_id') },
      where: (user) => all(is(user('active'), 't'), not(is(user('name'), ''))),
      order: [{ column: 'name', descending: true }],
    });
    const rule = map.table('crm.person', {
      from: said,
      where: any(is(said('deleted'), 'f', null), is(said('status'), 'ACTIVE')),
      columns: {
        ...said.same('id', 'email'),
        family_name: first(said('email'), said('last_name')),
        created_at: said('created'),
        status: convert<'active' | 'inactive', 'public.contacts'>('enum', said('status'), {
          values: { ACTIVE: 'active', INACT: 'inactive' },
        }),
        company: concat(', ', account('name'), owner('name')),
        ...({ vip: undefined } as object),
      },
      key: ['id'],
      required: ['company'],
      requires: [{ parent: 'crm.account', key: [said('account_id')] }],
      unique: [{ columns: ['email'], order: [{ column: 'created' }], otherwise: 'empty' }],
      whileHeld: 'none',
    });
    expect(rule).toEqual({
      source: 'public.contacts',
      target: 'crm.person',
      joins: [
        { as: 'account', table: 'public.accounts', on: { id: { column: 'account_id' } } },
        {
          as: 'owner',
          table: 'public.users',
          on: { id: { column: 'owner_id', of: 'account' } },
          where: {
            all: [{ is: { column: 'active', of: 'owner' }, in: ['t'] }, { not: { is: { column: 'name', of: 'owner' }, in: [''] } }],
          },
          order: [{ column: 'name', descending: true }],
        },
      ],
      where: {
        any: [
          { is: { column: 'deleted' }, in: ['f', null] },
          { is: { column: 'status' }, in: ['ACTIVE'] },
        ],
      },
      columns: {
        id: { column: 'id' },
        email: { column: 'email' },
        family_name: { first: [{ column: 'email' }, { column: 'last_name' }] },
        created_at: { column: 'created' },
        status: {
          convert: 'enum',
          options: { values: { ACTIVE: 'active', INACT: 'inactive' } },
          input: { column: 'status' },
          invalid: 'held',
        },
        company: {
          concat: [
            { column: 'name', of: 'account' },
            { column: 'name', of: 'owner' },
          ],
          separator: ', ',
        },
      },
      key: ['id'],
      required: ['company'],
      requires: [{ parent: 'crm.account', key: [{ column: 'account_id' }] }],
      unique: [{ columns: ['email'], order: [{ column: 'created' }], otherwise: 'empty' }],
      whileHeld: 'none',
    });
    const { requires, ...alone } = rule;
    expect(requires).toHaveLength(1);
    expect(parsed(alone)).toEqual(alone);
  });

  it('has those joins that it reads, also by way of another', () => {
    const row = map.from('public.contacts');
    const account = row.join('account', 'public.accounts', { on: { id: row('account_id') } });
    const owner = row.join('owner', 'public.users', { on: { id: account('owner_id') } });
    const joinsOf = (rule: TableRule): unknown => rule.joins?.map(({ as }) => as);
    const same = { from: row, columns: { ...whole, id: row('id') }, key: ['id'] } as const;
    expect(joinsOf(map.table('crm.person', same))).toBeUndefined();
    expect(joinsOf(map.table('crm.person', { ...same, columns: { ...whole, company: account('name') } }))).toEqual(['account']);
    expect(joinsOf(map.table('crm.person', { ...same, columns: { ...whole, company: owner('name') } }))).toEqual(['account', 'owner']);
    expect(joinsOf(map.table('crm.person', { ...same, where: not(all(any(is(account('name'), null)))) }))).toEqual(['account']);
    expect(joinsOf(map.table('crm.person', { ...same, requires: [{ parent: 'crm.account', key: [account('id')] }] }))).toEqual(['account']);
    const company = convert('trim', first(concat('', account('name'))), { invalid: 'empty' });
    expect(joinsOf(map.table('crm.person', { ...same, columns: { ...whole, company } }))).toEqual(['account']);
  });

  it('can take values apart, and put them together', () => {
    const deleted = is(contact('deleted'), 't');
    const data = jsonObject({
      mail: contact('email'),
      first: split(contact('last_name'), ' ', 1),
      account: jsonNumber(contact('account_id'), { invalid: 'empty' }),
      deleted: jsonBoolean(contact('deleted')),
      more: json(contact('email')),
      list: jsonArray(contact('email'), field(contact('email'), ['a', 0])),
    });
    const rule = map.table('crm.person', {
      ...from,
      columns: {
        ...whole,
        id: stride(contact('id'), { stride: 2, offset: 1 }),
        status: when([[deleted, constant('inactive')]], constant('active')),
        company: when([[deleted, contact('email')]]),
        tags: array('text[]', contact('email'), contact('id')),
        number: allocated('contact', contact('email'), { start: 100 }),
        data,
      },
    });
    const email = { column: 'email' };
    expect(rule.columns).toMatchObject({
      id: { stride: 2, offset: 1, input: { column: 'id' }, invalid: 'held' },
      status: {
        when: [{ if: { is: { column: 'deleted' }, in: ['t'] }, then: { constant: 'inactive' } }],
        otherwise: { constant: 'active' },
      },
      company: { when: [{ if: { is: { column: 'deleted' }, in: ['t'] }, then: email }] },
      tags: { array: [email, { column: 'id' }], as: 'postgres' },
      number: { allocated: 'contact', start: 100, step: 1, input: email },
      data: {
        object: {
          mail: email,
          first: { split: ' ', part: 1, input: { column: 'last_name' } },
          account: { json: 'number', input: { column: 'account_id' }, invalid: 'empty' },
          deleted: { json: 'boolean', input: { column: 'deleted' }, invalid: 'held' },
          more: { json: 'any', input: email, invalid: 'held' },
          list: { array: [email, { field: ['a', 0], input: email, invalid: 'held' }], as: 'json' },
        },
      },
    });
    expect(parsed(rule)).toEqual(rule);
  });

  it('can be one of several for a table', () => {
    const rule = map.table('crm.person', {
      ...from,
      name: 'contact',
      requires: [{ parent: 'crm.account', rule: 'x', key: [contact('id')] }],
    });
    expect(rule).toMatchObject({ name: 'contact', requires: [{ parent: 'crm.account', rule: 'x', key: [{ column: 'id' }] }] });
  });

  it('can look up the one row of the target that matches', () => {
    const row = map.from('public.contacts');
    const account = map.refer(row, 'account', 'crm.account', {
      on: { name: row('last_name') },
      where: (found) => not(is(found('id'), '0')),
      columns: ['id'],
    });
    const rule = map.table('crm.person', { ...from, from: row, columns: { ...whole, id: row('id'), score: account('id') } });
    expect(rule.joins).toEqual([
      {
        as: 'account',
        table: 'target:crm.account',
        on: { name: { column: 'last_name' } },
        where: { not: { is: { column: 'id', of: 'account' }, in: ['0'] } },
        all: { columns: { id: { max: { column: 'id', of: 'account' } } }, atMost: 1 },
      },
    ]);
    expect(parsed(rule)).toEqual(rule);
    // @ts-expect-error -- no column of that table
    map.refer(row, 'a', 'crm.account', { on: { nam: row('last_name') }, columns: ['id'] });
    // @ts-expect-error -- nor this
    map.refer(row, 'b', 'crm.account', { on: { name: row('last_name') }, columns: ['email'] });
    // @ts-expect-error -- it is not read
    account('name');
    // @ts-expect-error -- without a match it is null
    map.table('crm.person', { ...from, from: row, columns: { ...whole, id: row('id'), family_name: account('id') } });
  });

  it('cannot look up what the mapping writes, or be made of rows of the target', () => {
    const row = map.from('public.contacts');
    const other = map.refer(row, 'other', 'crm.person', { on: { email: row('email') }, columns: ['email'] });
    const rule = map.table('crm.person', { ...from, from: row, columns: { ...whole, id: row('id'), email: other('email') } });
    const written = 'crm.person is written by the mapping, so its rows cannot be looked up at the target';
    expect(() => parsed(rule)).toThrow(written);
    const passed = { tables: { 'public.accounts': { to: 'crm.account' } } };
    const account = map.refer(row, 'account', 'crm.account', { on: { name: row('last_name') }, columns: ['id'] });
    const looking = map.table('crm.person', { ...from, from: row, columns: { ...whole, id: row('id'), score: account('id') } });
    expect(() => parseMapping({ ...passed, rules: [looking] })).toThrow('crm.account is written by the mapping');
    const { joins: _, ...alone } = { ...map.table('crm.person', from), joins: [], source: 'target:crm.account' };
    expect(() => parsed(alone)).toThrow("rows are made of the source's, not of crm.account");
  });

  it('can have one row made of all that are joined', () => {
    const row = map.from('public.contacts');
    const users = row.joinAll('users', 'public.users', {
      on: { name: row('last_name') },
      where: (user) => is(user('active'), 't'),
      order: [{ column: 'id' }],
      columns: (user) => ({
        number: count(),
        total: sum(user('id')),
        least: min(user('name')),
        most: max(user('id')),
        last: latest(user('name'), user('id')),
        names: textOf(', ', user('name')),
        array: arrayOf(user('name')),
        json: jsonArrayOf(user('name')),
      }),
      atMost: 20,
    });
    const columns = { ...whole, id: row('id'), company: users('last'), score: users('total'), tags: users('array') };
    const rule = map.table('crm.person', { from: row, where: is(users('number'), '2'), columns, key: ['id'] });
    const named = (column: string) => ({ column, of: 'users' });
    expect(rule.joins).toEqual([
      {
        as: 'users',
        table: 'public.users',
        on: { name: { column: 'last_name' } },
        where: { is: named('active'), in: ['t'] },
        order: [{ column: 'id' }],
        all: {
          columns: {
            number: { count: 'rows' },
            total: { sum: named('id') },
            least: { min: named('name') },
            most: { max: named('id') },
            last: { latest: named('name'), by: named('id') },
            names: { text: named('name'), separator: ', ' },
            array: { array: named('name'), as: 'postgres' },
            json: { array: named('name'), as: 'json' },
          },
          atMost: 20,
        },
      },
    ]);
    expect(rule.columns).toMatchObject({ company: named('last'), score: named('total'), tags: named('array') });
    expect(parsed(rule)).toEqual(rule);
    const links = row.joinAll('links', 'public.accounts', {
      on: { id: row('account_id') },
      columns: (link) => {
        const owner = link.join('owner', 'public.users', { on: { id: link('owner_id') }, where: (user) => is(user('active'), 't') });
        return { names: textOf(', ', owner('name')), n: count(owner('id')) };
      },
    });
    const linked = map.table('crm.person', { from: row, columns: { ...columns, company: links('names') }, key: ['id'] });
    expect(linked.joins?.[1]).toEqual({
      as: 'links',
      table: 'public.accounts',
      on: { id: { column: 'account_id' } },
      all: {
        joins: [
          {
            as: 'owner',
            table: 'public.users',
            on: { id: { column: 'owner_id', of: 'links' } },
            where: { is: { column: 'active', of: 'owner' }, in: ['t'] },
          },
        ],
        columns: { names: { text: { column: 'name', of: 'owner' }, separator: ', ' }, n: { count: { column: 'id', of: 'owner' } } },
        atMost: 1000,
      },
    });
    expect(parsed(linked)).toEqual(linked);
    const others = row.joinAll('others', 'public.users', { on: { id: row('id') }, columns: () => ({ n: count() }) });
    const short = map.table('crm.person', { from: row, columns: { ...columns, score: others('n') }, key: ['id'] });
    expect(short.joins?.[1]).toEqual({
      as: 'others',
      table: 'public.users',
      on: { id: { column: 'id' } },
      all: { columns: { n: { count: 'rows' } }, atMost: 1000 },
    });
  });

  it('can be made where nothing is known of the tables', () => {
    const untyped = mapping();
    const row = untyped.from('a.b');
    const rule = untyped.table('c.d', {
      from: row,
      where: is(row('x'), 'y', null),
      columns: { id: row('id'), n: first(row('x'), constant('z')) },
      key: ['id'],
      required: ['n'],
      unique: [{ columns: ['n'], order: [{ column: 'x' }], otherwise: 'held' }],
    });
    expect(parsed(rule)).toEqual(rule);
  });
});

/** Each of these lines is an error of the compiler, which the compiler checks: without the error the line above it is one. */
describe('a mistake that TypeScript finds', () => {
  it('is a column that the source does not have', () => {
    // @ts-expect-error -- no column of that name
    contact('emial');
    // @ts-expect-error -- no table of that name
    map.from('public.contact');
    const row = map.from('public.contacts');
    // @ts-expect-error -- no table of that name
    row.join('a', 'public.acounts', { on: { id: row('account_id') } });
    // @ts-expect-error -- no column of that name
    row.join('b', 'public.accounts', { on: { nr: row('account_id') } });
    const account = row.join('c', 'public.accounts', { on: { id: row('account_id') } });
    // @ts-expect-error -- no column of that name
    account('nmae');
    // @ts-expect-error -- no column of that name
    row.same('id', 'nmae');
    // @ts-expect-error -- no column of that name
    row.join('d', 'public.accounts', { on: { id: row('account_id') }, order: [{ column: 'age' }] });
    expect(row.joins).toHaveLength(4);
  });

  it('is a column that the target does not have, or lacks', () => {
    // @ts-expect-error -- famly_name
    map.table('crm.person', { ...from, columns: { ...whole, famly_name: contact('last_name') } });
    const { status, ...lacking } = whole;
    // @ts-expect-error -- status is missing
    const rule = map.table('crm.person', { ...from, columns: lacking });
    expect(columns(rule)).not.toHaveProperty('status');
    expect(status).toBeDefined();
    // @ts-expect-error -- no table of that name
    map.table('crm.persons', from);
    // @ts-expect-error -- no column of that name
    map.table('crm.person', { ...from, key: ['nr'] });
    // @ts-expect-error -- no column of that name
    map.table('crm.person', { ...from, required: ['nr'] });
    // @ts-expect-error -- no column of that name
    map.table('crm.person', { ...from, unique: [{ columns: ['nr'], otherwise: 'held' }] });
    // @ts-expect-error -- no column of the source
    map.table('crm.person', { ...from, unique: [{ columns: ['email'], order: [{ column: 'age' }], otherwise: 'held' }] });
    // @ts-expect-error -- no table of that name
    map.table('crm.person', { ...from, requires: [{ parent: 'crm.acount', key: [contact('account_id')] }] });
  });

  it('is a value that may be null where none may be, unless its row is held then', () => {
    // @ts-expect-error -- email may be null
    map.table('crm.person', { ...from, columns: { ...whole, family_name: contact('email') } });
    map.table('crm.person', { ...from, columns: { ...whole, family_name: contact('email') }, required: ['family_name'] });
    map.table('crm.person', { ...from, columns: { ...whole, family_name: first(contact('email'), contact('last_name')) } });
    map.table('crm.person', { ...from, columns: { ...whole, id: contact('account_id') } });
    // @ts-expect-error -- both may be null
    map.table('crm.person', { ...from, columns: { ...whole, family_name: first(contact('email'), contact('account_id')) } });
    const row = map.from('public.contacts');
    const account = row.join('account', 'public.accounts', { on: { id: row('account_id') } });
    // @ts-expect-error -- without an account there is no name
    map.table('crm.person', { ...from, columns: { ...whole, family_name: account('name') } });
    // @ts-expect-error -- with its column left empty the row would be refused
    map.table('crm.person', { ...from, unique: [{ columns: ['family_name'], otherwise: 'empty' }] });
    map.table('crm.person', { ...from, unique: [{ columns: ['family_name'], otherwise: 'held' }] });
    // @ts-expect-error -- it has a default, and is not null all the same
    map.table('crm.person', { ...from, columns: { ...whole, vip: contact('deleted') } });
  });

  it('is a validation of a column that cannot be so, or cannot be left empty', () => {
    const validated = (
      ...validate: NonNullable<Parameters<typeof map.table<'public.contacts', 'crm.person', ['id']>>[1]['validate']>
    ): TableRule => map.table('crm.person', { ...from, validate });
    expect(
      validated(
        { column: 'family_name', atMost: 80, severity: 'fix' },
        { column: 'score', range: 'number', from: '0', to: '100', severity: 'fix' },
        { column: 'created_at', range: 'date', from: '1990-01-01', severity: 'stop' },
        { column: 'family_name', range: 'text', to: 'zz', severity: 'warn' },
        { column: 'email', matches: '@', severity: 'hold', name: 'an address' },
        { column: 'email', rejects: ' ', severity: 'fix' },
        { column: 'status', oneOf: ['active'], severity: 'warn' },
        {
          column: 'email',
          check: {
            any: [
              { value: 'email', in: [null] },
              { compare: 'text', left: 'email', is: '<>', right: 'company' },
            ],
          },
          severity: 'warn',
        },
      ).validate?.map(({ name }) => name),
    ).toEqual([
      'length of family_name',
      'range of score',
      'range of created_at',
      'range of family_name',
      'an address',
      'pattern of email',
      'values of status',
      'check of email',
    ]);
    // @ts-expect-error -- no column of that name
    validated({ column: 'famly_name', atMost: 80, severity: 'fix' });
    // @ts-expect-error -- no such severity
    validated({ column: 'family_name', atMost: 80, severity: 'ignore' });
    // @ts-expect-error -- it cannot be left empty
    validated({ column: 'family_name', matches: 'x', severity: 'fix' });
    // @ts-expect-error -- nor this
    validated({ column: 'created_at', range: 'date', from: '1990-01-01', severity: 'fix' });
    // @ts-expect-error -- a text is no number
    validated({ column: 'family_name', range: 'number', from: '1', severity: 'hold' });
    // @ts-expect-error -- a number is no date
    validated({ column: 'score', range: 'date', from: '1990-01-01', severity: 'hold' });
    // @ts-expect-error -- no number
    validated({ column: 'score', range: 'number', from: 'low', severity: 'hold' });
    // @ts-expect-error -- an enum has no order
    validated({ column: 'status', range: 'text', from: 'a', severity: 'hold' });
    // @ts-expect-error -- no label of that name
    validated({ column: 'status', oneOf: ['activ'], severity: 'hold' });
    // @ts-expect-error -- a time is no number
    validated({ column: 'score', check: { compare: 'number', left: 'score', is: '<', right: 'created_at' }, severity: 'hold' });
    // @ts-expect-error -- no column of that name
    validated({ column: 'score', check: { not: { value: 'scroe', in: ['1'] } }, severity: 'hold' });
    // @ts-expect-error -- it is never null
    validated({ column: 'score', check: { value: 'status', in: [null] }, severity: 'hold' });
    // @ts-expect-error -- it checks nothing
    validated({ column: 'score', severity: 'hold' });
    expect(
      mapping().table('t', {
        from: mapping().from('s'),
        columns: {},
        key: [],
        validate: [{ column: 'x', range: 'number', from: '1', severity: 'fix' }],
      }).validate,
    ).toHaveLength(1);
  });

  it('is a condition of a unique rule that the target does not know', () => {
    const where = {
      all: [
        { value: 'vip', in: ['t'] },
        { value: 'score', in: [null] },
      ],
    } as const;
    const { unique } = map.table('crm.person', { ...from, unique: [{ columns: ['email'], where, otherwise: 'empty' }] });
    expect(unique).toEqual([{ columns: ['email'], where, otherwise: 'empty' }]);
    // @ts-expect-error -- no column of that name
    map.table('crm.person', { ...from, unique: [{ columns: ['email'], where: { value: 'deleted', in: ['f'] }, otherwise: 'held' }] });
    // @ts-expect-error -- it is never null
    map.table('crm.person', { ...from, unique: [{ columns: ['email'], where: { value: 'status', in: [null] }, otherwise: 'held' }] });
  });

  it('is a required column of another name, or with what it cannot be instead', () => {
    const named = (rule: TableRule): unknown => [rule.required, rule.validate];
    const { severity, ...presence } = { name: 'presence of family_name', column: 'family_name', required: true, severity: '' };
    expect(severity).toBe('');
    const nullable = { ...from, columns: { ...whole, family_name: contact('email') } };
    expect(
      named(map.table('crm.person', { ...nullable, required: ['company', { column: 'family_name', severity: 'fix', with: '?' }] })),
    ).toEqual([['company'], [{ ...presence, severity: 'fix', with: '?' }]]);
    const held = map.table('crm.person', {
      ...nullable,
      required: [{ column: 'family_name', severity: 'stop' }],
      validate: [{ column: 'family_name', atMost: 5, severity: 'fix' }],
    });
    expect(named(held)).toEqual([undefined, [{ ...presence, severity: 'stop' }, expect.objectContaining({ atMost: 5 })]]);
    map.table('crm.person', { ...from, required: [{ column: 'email', severity: 'warn' }] });
    map.table('crm.person', { ...from, required: [{ column: 'status', severity: 'fix', with: 'active' }] });
    // @ts-expect-error -- no column of that name
    map.table('crm.person', { ...from, required: [{ column: 'famly_name', severity: 'hold' }] });
    // @ts-expect-error -- no such severity
    map.table('crm.person', { ...from, required: [{ column: 'family_name', severity: 'ignore' }] });
    // @ts-expect-error -- nothing to write instead
    map.table('crm.person', { ...from, required: [{ column: 'family_name', severity: 'fix' }] });
    // @ts-expect-error -- null is what it must not be
    map.table('crm.person', { ...from, required: [{ column: 'email', severity: 'fix', with: null }] });
    // @ts-expect-error -- nothing is written instead
    map.table('crm.person', { ...from, required: [{ column: 'family_name', severity: 'hold', with: '?' }] });
    // @ts-expect-error -- no label of that name
    map.table('crm.person', { ...from, required: [{ column: 'status', severity: 'fix', with: 'activ' }] });
    // @ts-expect-error -- the target does not take a null
    map.table('crm.person', { ...from, required: [{ column: 'family_name', severity: 'warn' }] });
    // @ts-expect-error -- a warning does not keep a null away
    map.table('crm.person', { ...nullable, required: [{ column: 'email', severity: 'warn' }] });
  });

  it('is a value of another type', () => {
    // @ts-expect-error -- a text is no time
    map.table('crm.person', { ...from, columns: { ...whole, created_at: contact('last_name') } });
    // @ts-expect-error -- a text is no number
    map.table('crm.person', { ...from, columns: { ...whole, id: contact('last_name') } });
    // @ts-expect-error -- no number either
    map.table('crm.person', { ...from, columns: { ...whole, id: constant('x') } });
    // @ts-expect-error -- upper case
    map.table('crm.person', { ...from, columns: { ...whole, status: contact('status') } });
    // @ts-expect-error -- no label of that name
    map.table('crm.person', { ...from, columns: { ...whole, status: constant('activ') } });
    map.table('crm.person', { ...from, columns: { ...whole, id: constant('7'), family_name: contact('created'), company: contact('id') } });
    map.table('crm.person', { ...from, columns: { ...whole, status: unchecked({ column: 'status' }) } });
    // @ts-expect-error -- what is unchecked has the type that it is said to have
    map.table('crm.person', { ...from, columns: { ...whole, status: unchecked<string>({ column: 'status' }) } });
  });

  it('is a value that is taken apart or put together wrongly', () => {
    const deleted = is(contact('deleted'), 't');
    // @ts-expect-error -- no key, no number
    stride(contact('last_name'), { stride: 2, offset: 1 });
    // @ts-expect-error -- it may be null
    map.table('crm.person', { ...from, columns: { ...whole, vip: stride(contact('account_id'), { stride: 2, offset: 1 }) } });
    // @ts-expect-error -- it may be null
    map.table('crm.person', { ...from, columns: { ...whole, vip: allocated('account', contact('account_id')) } });
    // @ts-expect-error -- only what a column holds is given a number
    map.table('crm.person', { ...from, columns: whole, where: is(allocated('contact', contact('id')), '1') });
    // @ts-expect-error -- where no condition holds it is null
    map.table('crm.person', { ...from, columns: { ...whole, status: when([[deleted, constant('active')]]) } });
    // @ts-expect-error -- no label of that name
    map.table('crm.person', { ...from, columns: { ...whole, status: when([[deleted, constant('gone')]], constant('active')) } });
    const user = map.from('public.users');
    // @ts-expect-error -- a condition of another row
    map.table('crm.person', { ...from, columns: { ...whole, company: when([[is(user('active'), 't'), constant('x')]]) } });
    // @ts-expect-error -- of another row
    map.table('crm.person', { ...from, columns: { ...whole, data: jsonObject({ name: user('name') }) } });
    // @ts-expect-error -- no JSON
    map.table('crm.person', { ...from, columns: { ...whole, data: contact('last_name') } });
    // @ts-expect-error -- an array of other things
    map.table('crm.person', { ...from, columns: { ...whole, tags: array('integer[]', contact('id')) } });
    // @ts-expect-error -- no number
    jsonNumber(contact('email'));
    // @ts-expect-error -- neither true nor false
    jsonBoolean(contact('status'));
    // @ts-expect-error -- it can hold its row
    is(field(contact('email'), ['a']), 'x');
    expect(is(field(contact('email'), ['a'], { invalid: 'empty' }), 'x')).toMatchObject({ in: ['x'] });
  });

  it('is in what is made of all rows', () => {
    const row = map.from('public.contacts');
    const users = row.joinAll('users', 'public.users', {
      on: { name: row('last_name') },
      columns: (user) => {
        // @ts-expect-error -- a name is no number
        sum(user('name'));
        // @ts-expect-error -- no column of that name
        max(user('nmae'));
        // @ts-expect-error -- of the driving row
        textOf(', ', row('last_name'));
        // @ts-expect-error -- of the driving row
        user.join('account', 'public.accounts', { on: { owner_id: row('id') } });
        const account = user.join('other', 'public.accounts', { on: { owner_id: user('id') } });
        // @ts-expect-error -- no column of that name
        max(account('nmae'));
        // @ts-expect-error -- it could hold the row
        arrayOf(convert<string, 'joined row'>('trim', user('name')));
        return { n: count(), total: sum(user('id')), ids: arrayOf<'integer[]'>(user('id')), active: max(user('active')) };
      },
    });
    // @ts-expect-error -- it makes no column of that name
    users('name');
    // @ts-expect-error -- of no row there is no sum
    map.table('crm.person', { from: row, columns: { ...whole, id: users('total') }, key: [] });
    map.table('crm.person', { from: row, columns: { ...whole, id: users('n') }, key: ['id'] });
    // @ts-expect-error -- an array of other things
    map.table('crm.person', { from: row, columns: { ...whole, tags: users('ids') }, key: ['id'] });
    // @ts-expect-error -- no label of that name
    is(users('active'), 'x');
    // @ts-expect-error -- a column is nothing that is made of many
    row.joinAll('x', 'public.users', { on: { id: row('id') }, columns: (user) => ({ id: user('id') }) });
    expect(is(users('active'), 't', null)).toEqual({ is: { column: 'active', of: 'users' }, in: ['t', null] });
  });

  it('is a key that is no UUID', () => {
    const NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    const rule = map.table('crm.person', { ...from, columns: { ...whole, token: uuid(NAMESPACE, contact('account_id')) } });
    expect(rule.columns['token']).toEqual({ uuid: NAMESPACE, input: { column: 'account_id' } });
    expect(parsed(rule)).toEqual(rule);
    // @ts-expect-error -- a number is none
    map.table('crm.person', { ...from, columns: { ...whole, token: contact('account_id') } });
    // @ts-expect-error -- a namespace is one too
    uuid('contacts', contact('account_id'));
    // @ts-expect-error -- null stays null
    map.table('crm.person', { ...from, columns: { ...whole, family_name: uuid(NAMESPACE, contact('account_id')) } });
    map.table('crm.person', { ...from, columns: { ...whole, family_name: uuid(NAMESPACE, contact('id')) } });
    // @ts-expect-error -- what it is made of can hold its row
    is(uuid(NAMESPACE, convert<string, 'public.contacts'>('trim', contact('email'))), null);
  });

  it('is a condition that can never be', () => {
    // @ts-expect-error -- no label of that name
    is(contact('status'), 'ACTIV');
    // @ts-expect-error -- never null
    is(contact('status'), null);
    is(contact('deleted'), 't', null);
  });

  it('is a row of another rule', () => {
    const user = map.from('public.users');
    // @ts-expect-error -- of the users
    map.table('crm.person', { ...from, columns: { ...whole, family_name: user('name') } });
    // @ts-expect-error -- of the users
    map.table('crm.person', { ...from, columns: { ...whole, family_name: first(contact('email'), user('name')) } });
    // @ts-expect-error -- of the users
    map.table('crm.person', { ...from, where: is(user('name'), 'Ada') });
    // @ts-expect-error -- of the users
    map.table('crm.person', { ...from, requires: [{ parent: 'crm.account', key: [user('id')] }] });
    const row = map.from('public.contacts');
    // @ts-expect-error -- a join's where sees the joined row alone
    row.join('a', 'public.accounts', { on: { id: row('account_id') }, where: () => is(row('status'), 'ACTIVE') });
    // @ts-expect-error -- of the users
    row.join('b', 'public.accounts', { on: { id: user('id') } });
  });

  it('is a conversion that would hold a row where none can be held', () => {
    const holding = convert<string | null, 'public.contacts'>('trim', contact('email'));
    const empty = convert<string | null, 'public.contacts', 'empty'>('trim', contact('email'), { invalid: 'empty' });
    // @ts-expect-error -- in a condition
    is(holding, 'x');
    is(empty, 'x');
    // @ts-expect-error -- in the key of a parent
    map.table('crm.person', { ...from, requires: [{ parent: 'crm.account', key: [holding] }] });
    map.table('crm.person', { ...from, requires: [{ parent: 'crm.account', key: [empty] }], columns: { ...whole, email: holding } });
    // @ts-expect-error -- in what a join equals
    map.from('public.contacts').join('a', 'public.accounts', { on: { id: holding } });
  });
});

describe('what introspection tells beside the columns', () => {
  type Told = {
    'crm.account': { row: { id: `${number}`; name: string; shown?: never }; key: ['id']; unique: never };
    'crm.person': {
      row: { id: `${number}`; name: string; email?: string | null; account_id?: `${number}` | null; boss_id?: `${number}` | null };
      key: ['id'] | ['email'];
      unique: ['email'] | ['account_id', 'name'];
      references: { 'crm.account': ['account_id']; 'crm.elsewhere': ['boss_id'] };
    };
    'crm.note': { row: { at: string; text?: string | null }; key: never; unique: never };
    'crm.tag': { row: { a: string; b?: string | null }; key: ['a', 'b']; unique: ['a'] | string[] };
  };
  const told = mapping<Source, Told>();
  const row = told.from('public.contacts');
  const person = { from: row, columns: { id: row('id'), name: row('last_name'), email: row('email') }, key: ['id'] } as const;
  const account = { from: row, columns: { id: row('id'), name: row('last_name') }, key: ['id'] } as const;

  it('is taken', () => {
    expect(told.table('crm.person', { ...person, key: ['email'] }).key).toEqual(['email']);
    told.table('crm.person', { ...person, unique: [{ columns: ['email'], otherwise: 'empty' }] });
    told.table('crm.person', { ...person, unique: [{ columns: ['account_id', 'name'], otherwise: 'held' }] });
    told.table('crm.person', { ...person, requires: [{ parent: 'crm.account', key: [row('account_id')] }] });
    told.table('crm.tag', {
      from: row,
      columns: { a: row('last_name'), b: row('email') },
      key: ['a', 'b'],
      unique: [{ columns: ['b'], otherwise: 'empty' }],
    });
    // Of a database without foreign keys, any.
    told.table('crm.account', { ...account, requires: [{ parent: 'crm.person', key: [row('id')] }] });
  });

  it('is a key of the target', () => {
    // @ts-expect-error -- no key, and no unique index
    told.table('crm.person', { ...person, key: ['name'] });
    // @ts-expect-error -- more than the key
    told.table('crm.person', { ...person, key: ['id', 'email'] });
    // @ts-expect-error -- less than the key
    told.table('crm.tag', { from: row, columns: { a: row('last_name') }, key: ['a'] });
    // @ts-expect-error -- it has none
    told.table('crm.note', { from: row, columns: { at: row('created') }, key: ['at'] });
    // A column of the key that is null holds its row.
    told.table('crm.tag', { from: row, columns: { a: row('email'), b: row('email') }, key: ['a', 'b'] });
    // @ts-expect-error -- and one that is in no key is not null
    told.table('crm.person', { ...person, columns: { ...person.columns, name: row('email') } });
    expect(row.joins).toEqual([]);
  });

  it('is a unique index of the target', () => {
    // @ts-expect-error -- none over these columns
    told.table('crm.person', { ...person, unique: [{ columns: ['name'], otherwise: 'held' }] });
    // @ts-expect-error -- not over this one alone
    told.table('crm.person', { ...person, unique: [{ columns: ['account_id'], otherwise: 'empty' }] });
    // @ts-expect-error -- with the name left empty the row would be refused
    told.table('crm.person', { ...person, unique: [{ columns: ['account_id', 'name'], otherwise: 'empty' }] });
    // @ts-expect-error -- it has none
    told.table('crm.account', { ...account, unique: [{ columns: ['name'], otherwise: 'held' }] });
    const tag = { from: row, columns: { a: row('last_name') }, key: ['a', 'b'] } as const;
    // @ts-expect-error -- over an expression, but of a column that is there
    told.table('crm.tag', { ...tag, unique: [{ columns: ['c'], otherwise: 'held' }] });
    expect(row.joins).toEqual([]);
  });

  it('is a foreign key of the target', () => {
    // @ts-expect-error -- it does not refer to this one
    told.table('crm.person', { ...person, requires: [{ parent: 'crm.tag', key: [row('id')] }] });
    // @ts-expect-error -- this one is not among the types
    told.table('crm.person', { ...person, requires: [{ parent: 'crm.elsewhere', key: [row('id')] }] });
    expect(row.joins).toEqual([]);
  });

  it('is a column that nobody can write', () => {
    // @ts-expect-error -- computed by the target
    told.table('crm.account', { ...account, columns: { ...account.columns, shown: row('last_name') } });
    // @ts-expect-error -- whatever it is
    told.table('crm.account', { ...account, columns: { ...account.columns, shown: unchecked({ column: 'last_name' }) } });
    const named = { shown: row('last_name') };
    // @ts-expect-error -- nor where it comes with others
    told.table('crm.account', { ...account, columns: { ...account.columns, ...named } });
    expect(row.joins).toEqual([]);
  });
});

describe('rows that are merged', () => {
  type Merged = NonNullable<Parameters<typeof map.table<'public.contacts', 'crm.person', readonly ['id'], never>>[1]['merge']>;
  const merged = (merge: Merged): TableRule => map.table('crm.person', { ...from, name: 'contacts', merge });

  it('are said with what they are merged by, which comes first, and what becomes of columns', () => {
    const rule = merged({
      by: contact('email'),
      order: [{ column: 'created', descending: true }],
      columns: {
        family_name: 'longest',
        email: { text: ', ' },
        created_at: { least: 'date' },
        score: { greatest: 'number' },
        tags: { array: 'postgres' },
        data: { array: 'json' },
      },
    });
    expect(rule.merge).toEqual({
      by: { column: 'email' },
      order: [{ column: 'created', descending: true }],
      columns: {
        family_name: 'longest',
        email: { text: ', ' },
        created_at: { least: 'date' },
        score: { greatest: 'number' },
        tags: { array: 'postgres' },
        data: { array: 'json' },
      },
      atMost: 100,
    });
    const short = merged({ by: contact('email'), columns: { family_name: 'longest' } });
    expect(parsed(short)).toEqual(short);
  });

  it('join what only their key reads', () => {
    const said = map.from('public.contacts');
    const account = said.join('account', 'public.accounts', { on: { id: said('account_id') } });
    const rule = map.table('crm.person', { ...from, from: said, name: 'contacts', merge: { by: account('name') } });
    expect(rule.joins?.map(({ as }) => as)).toEqual(['account']);
  });

  it('give their key to who refers to them', () => {
    const person = { parent: 'crm.person', rule: 'contacts', key: [contact('account_id')] } as const;
    expect(map.keyOf(person, 'id')).toEqual({ keyOf: 'crm.person', rule: 'contacts', keyColumn: 'id', key: [{ column: 'account_id' }] });
    const score = map.table('crm.person', { ...from, columns: { ...whole, score: map.keyOf(person, 'id') }, requires: [person] });
    expect(Object.keys(score.columns)).toContain('score');
    // @ts-expect-error -- no such table
    map.keyOf({ ...person, parent: 'crm.peron' }, 'id');
    // @ts-expect-error -- no such column
    map.keyOf(person, 'di');
    // @ts-expect-error -- null where the key is
    map.table('crm.person', { ...from, columns: { ...whole, family_name: map.keyOf(person, 'id') } });
    // @ts-expect-error -- a number is no UUID
    map.table('crm.person', { ...from, columns: { ...whole, token: map.keyOf(person, 'id') } });
    const ofAccount = { parent: 'crm.account', key: [map.from('public.accounts')('id')] } as const;
    // @ts-expect-error -- of another row
    map.table('crm.person', { ...from, columns: { ...whole, score: map.keyOf(ofAccount, 'id') } });
  });

  it('are held against both tables', () => {
    const by = contact('email');
    // @ts-expect-error -- without a key nothing is merged
    expect(() => merged({})).toThrow();
    // @ts-expect-error -- no column of the source
    merged({ by, order: [{ column: 'creatd' }] });
    // @ts-expect-error -- no column of the target
    merged({ by, columns: { famly_name: 'first' } });
    // @ts-expect-error -- no such word
    merged({ by, columns: { family_name: 'frist' } });
    // @ts-expect-error -- a text is no number
    merged({ by, columns: { family_name: { least: 'number' } } });
    // @ts-expect-error -- of labels no other text can be made
    merged({ by, columns: { status: { text: ', ' } } });
    // @ts-expect-error -- no array
    merged({ by, columns: { score: { array: 'json' } } });
    // @ts-expect-error -- it can hold its row
    merged({ by: convert('trim', contact('email')) });
    // @ts-expect-error -- of another row
    merged({ by: map.from('public.accounts')('name') });
    expect(merged({ by }).merge?.atMost).toBe(100);
  });
});
