import { ChangeoverError } from '@changeover/core';

import { ConversionProblem, type Converters } from './compiled-rule.js';
import { canonicalMapping, IDENTITY, parseMapping } from './mapping.js';
import type { JoinRule, TableRule } from './rule.js';

const FORM = 'must be of the form schema.table; the first dot separates the two';

const problems = (input: unknown, converters?: Converters): readonly string[] => {
  try {
    parseMapping(input, converters);
  } catch (error) {
    if (!(error instanceof ChangeoverError) || error.code !== 'MAPPING_INVALID') throw error;
    return error.message.replace(/^the mapping has \d+ problem\(s\): /u, '').split(/; (?=rules|tables|mapping)/u);
  }
  return [];
};

describe('tables that pass through', () => {
  test.each([
    [{ tables: { k: {} } }, `tables.k: ${FORM}`],
    [{ tables: { 'public.': {} } }, `tables.public.: ${FORM}`],
    [{ tables: { 'public.k': { to: 'k' } } }, `tables.public.k.to: ${FORM}`],
    [{ tables: { 'public.k': { columns: { '': 'x' } } } }, 'tables.public.k.columns.: Too small: expected string to have >=1 characters'],
    [{ tables: { 'public.k': { too: 'x' } } }, 'tables.public.k: Unrecognized key: "too"'],
    [{ tables: { 'a.k': { to: 'b.k' }, 'b.k': {} } }, 'tables.b.k: a.k and b.k both go to b.k'],
    [{ tables: { 'a.k': { columns: { x: 'z', y: 'z' } } } }, 'tables.a.k.columns: two columns of a.k go to a.k.z'],
  ])('%j: the message names the place, and what belongs there', (input, problem) => {
    expect(() => parseMapping(input)).toThrow(
      expect.objectContaining({ code: 'MAPPING_INVALID', message: `the mapping has 1 problem(s): ${problem}` }),
    );
  });

  test('may have dots in their names', () => {
    expect(parseMapping({ tables: { 'public.o.d': { to: 'crm.order.detail' } } })).toEqual({
      tables: { 'public.o.d': { to: 'crm.order.detail' } },
      rules: [],
    });
  });
});

const RULE = { source: 'public.contacts', target: 'crm.person', columns: { id: { column: 'id' } }, key: ['id'] } as const;
const AT = 'rules[0] (crm.person)';
const HELD = { convert: 'strict', input: { column: 'v' }, invalid: 'held' } as const;

describe('rules', () => {
  const whole: TableRule = {
    ...RULE,
    joins: [
      { as: 'account', table: 'public.accounts', on: { id: { column: 'account_id' } } },
      {
        as: 'phone',
        table: 'public.phones',
        on: { owner: { column: 'id', of: 'account' }, kind: { constant: 'main' } },
        where: { all: [{ is: { column: 'deleted' }, in: ['N', null] }, { not: { is: { column: 'number', of: 'phone' }, in: [null] } }] },
        order: [{ column: 'position', descending: true }, { column: 'id' }],
      },
      {
        as: 'orders',
        table: 'public.orders',
        on: { account_id: { column: 'id', of: 'account' } },
        all: {
          atMost: 50,
          columns: { last: { latest: { column: 'number' }, by: { column: 'made' } }, total: { sum: { column: 'amount', of: 'line' } } },
          joins: [{ as: 'line', table: 'public.lines', on: { id: { column: 'line' } }, order: [{ column: 'id', descending: true }] }],
        },
      },
    ],
    where: { any: [{ is: { column: 'status', of: 'account' }, in: ['A'] }] },
    columns: {
      id: { column: 'id' },
      email: { ...HELD, options: { b: 1, a: [true, null] } },
      name: { concat: [{ column: 'first' }, { first: [{ column: 'last' }, { constant: '?' }] }], separator: ' ' },
      data: {
        object: {
          address: { field: ['a', 0], input: { column: 'data' }, invalid: 'empty' },
          sizes: { array: [{ json: 'number', input: { split: 'x', part: 1, input: { column: 'size' } }, invalid: 'held' }], as: 'json' },
        },
      },
      nr: { stride: 2, offset: -1, input: { column: 'nr' }, invalid: 'held' },
      kind: { when: [{ if: { is: { column: 'a' }, in: ['1'] }, then: { constant: 'one' } }], otherwise: { constant: 'many' } },
      owner: { uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', input: { column: 'owner' } },
      boss: { keyOf: 'crm.person', keyColumn: 'id', key: [{ column: 'boss' }] },
    },
    required: ['name'],
    requires: [{ parent: 'crm.person', key: [{ column: 'boss' }] }],
    unique: [{ columns: ['email'], order: [{ column: 'created' }], otherwise: 'empty' }],
    whileHeld: 'none',
  };

  test('of every shape are taken, and are the same when they come back as JSON', () => {
    const mapping = parseMapping({ rules: [whole] });
    expect(mapping).toEqual({ tables: {}, rules: [whole] });
    expect(parseMapping(JSON.parse(JSON.stringify(mapping)))).toEqual(mapping);
  });

  const changed = (change: object): object => ({ rules: [{ ...RULE, ...change }] });
  const join = { as: 'j', table: 'public.a', on: { id: { column: 'a' } } };
  test.each<[object, string]>([
    [
      changed({ columns: { id: { colum: 'id' } } }),
      '.columns.id: must be an object with one of column, constant, convert, first, concat, uuid, stride, allocated, split, when, field, object, array, json, custom, keyOf',
    ],
    [changed({ columns: { id: { column: 'id', off: 'x' } } }), '.columns.id: Unrecognized key: "off"'],
    [changed({ columns: { id: { first: [] } } }), '.columns.id.first: Too small: expected array to have >=1 items'],
    [
      changed({ columns: { id: { first: [{ column: 'id' }, { constant: 7 }] } } }),
      '.columns.id.first[1].constant: Invalid input: expected string, received number',
    ],
    [
      changed({ columns: { id: { convert: 'x', input: { column: 'id' } } } }),
      '.columns.id.invalid: Invalid option: expected one of "held"|"empty"',
    ],
    [changed({ columns: { id: { stride: 0, offset: 1, input: { column: 'id' }, invalid: 'held' } } }), '.columns.id.stride: must not be 0'],
    [
      changed({ columns: { id: { stride: 1.5, offset: 1, input: { column: 'id' }, invalid: 'held' } } }),
      '.columns.id.stride: Invalid input: expected int, received number',
    ],
    [
      changed({ columns: { id: { split: ' ', part: 0, input: { column: 'id' } } } }),
      '.columns.id.part: counts from 1, or from -1 at the end',
    ],
    [
      changed({ columns: { id: { object: { a: { array: [{ column: 'a', of: 'k' }], as: 'json' } } } } }),
      '.columns.id.object.a.array[0].of: there is no join k that can be read here',
    ],
    [
      changed({ columns: { id: { when: [{ if: { is: HELD, in: ['1'] }, then: HELD }] } } }),
      '.columns.id.when[0].if.is.invalid: must be empty: only a column can hold its row',
    ],
    [
      changed({ columns: { id: { when: [{ if: { is: { column: 'a' }, in: ['1'] }, then: HELD }], otherwise: { column: 'a', of: 'k' } } } }),
      '.columns.id.otherwise.of: there is no join k that can be read here',
    ],
    [
      changed({ where: { is: { when: [{ if: { is: { column: 'a' }, in: ['1'] }, then: HELD }] }, in: ['1'] } }),
      '.where.is.when[0].then.invalid: must be empty: only a column can hold its row',
    ],
    [changed({ columns: { id: { uuid: '7', input: { column: 'id' } } } }), '.columns.id.uuid: must be a UUID in lower case'],
    [changed({ where: { is: { column: 'id' }, in: [] } }), '.where.in: Too small: expected array to have >=1 items'],
    [changed({ where: { isnt: 1 } }), '.where: must be an object with one of is, not, all, any'],
    [changed({ columns: {} }), '.columns: makes no column'],
    [changed({ source: 'contacts' }), `.source: ${FORM}`],
    [changed({ key: ['nr'] }), '.key[0]: the rule makes no column nr'],
    [changed({ key: ['id', 'id'] }), '.key[1]: id is named twice'],
    [changed({ required: ['constructor'] }), '.required[0]: the rule makes no column constructor'],
    [changed({ unique: [{ columns: ['id', 'x'], otherwise: 'held' }] }), '.unique[0].columns[1]: the rule makes no column x'],
    [changed({ requires: [{ parent: 'crm.account', key: [{ column: 'a' }] }] }), '.requires[0].parent: no rule makes crm.account'],
    [changed({ unique: [{ columns: ['id'], otherwise: 'empty' }] }), '.unique[0].otherwise: must be held: id cannot be left empty'],
    [
      changed({ unique: [{ columns: ['id'], where: { not: { value: 'x', in: [null] } }, otherwise: 'held' }] }),
      '.unique[0].where.not.value: the rule makes no column x',
    ],
    [
      changed({
        columns: { id: { column: 'id' }, a: { column: 'a' } },
        unique: [
          { columns: ['id'], where: { value: 'a', in: [null] }, otherwise: 'held' },
          { columns: ['a'], where: { value: 'a', in: ['x'] }, otherwise: 'empty' },
        ],
      }),
      '.unique[0].where: must not look at a: another rule of unique may leave it empty',
    ],
    [
      changed({ unique: [{ columns: ['id'], where: { value: 'id', in: [] }, otherwise: 'held' }] }),
      '.unique[0].where.in: Too small: expected array to have >=1 items',
    ],
    [
      changed({ columns: { id: { allocated: 'Keys', start: 1, step: 1, input: { column: 'id' } } } }),
      '.columns.id.allocated: must be a letter, then letters, digits, _, . or -, all lower case',
    ],
    [
      changed({ columns: { id: { allocated: 'keys', start: 1, step: 0, input: { column: 'id' } } } }),
      '.columns.id.step: Too small: expected number to be >=1',
    ],
    [
      changed({ where: { is: { allocated: 'keys', start: 1, step: 1, input: { column: 'id' } }, in: ['1'] } }),
      '.where.is.allocated: must not be here: only what a column holds is given a number',
    ],
    [
      changed({
        columns: {
          id: { allocated: 'keys', start: 1, step: 1, input: { column: 'id' } },
          a: { first: [{ allocated: 'keys', start: 2, step: 1, input: { column: 'a' } }] },
        },
      }),
      '.columns.a.first[0].allocated: keys has start 1 and step 1 elsewhere: it is one sequence',
    ],
    [changed({ joins: [join, join] }), '.joins[1].as: j is the name of another join too'],
    [
      changed({ joins: [{ ...join, all: { joins: [join], columns: { n: { count: 'rows' } }, atMost: 1 } }] }),
      '.joins[0].all.joins[0].as: j is the name of another join too',
    ],
    [
      changed({ joins: [{ ...join, all: { joins: [{ ...join, as: 'k', all: {} }], columns: { n: { count: 'rows' } }, atMost: 1 } }] }),
      '.joins[0].all.joins[0]: Unrecognized key: "all"',
    ],
    [changed({ joins: [{ ...join, all: { columns: {}, atMost: 1 } }] }), '.joins[0].all.columns: makes no column'],
    [
      changed({ joins: [{ ...join, all: { columns: { n: { count: 'rows' } }, atMost: 0 } }] }),
      '.joins[0].all.atMost: Too small: expected number to be >=1',
    ],
    [
      changed({ joins: [{ ...join, all: { columns: { n: { avg: 1 } }, atMost: 1 } }] }),
      '.joins[0].all.columns.n: must be an object with one of count, sum, min, max, latest, text, array',
    ],
    [
      changed({ joins: [{ ...join, all: { columns: { n: { latest: { column: 'a' }, by: { column: 'a', of: 'k' } } }, atMost: 1 } }] }),
      '.joins[0].all.columns.n.by.of: there is no join k that can be read here',
    ],
    [
      changed({ joins: [{ ...join, all: { columns: { n: { max: HELD } }, atMost: 1 } }] }),
      '.joins[0].all.columns.n.max.invalid: must be empty: only a column can hold its row',
    ],
    [
      changed({ joins: [{ ...join, all: { columns: { n: { count: 'rows' } }, atMost: 1 } }], columns: { id: { column: 'a', of: 'j' } } }),
      '.columns.id.column: the join j has no column a',
    ],
    [changed({ joins: [{ ...join, on: {} }] }), '.joins[0].on: names no column'],
    [
      changed({
        joins: [
          { ...join, on: { id: { column: 'a', of: 'k' } } },
          { ...join, as: 'k' },
        ],
      }),
      '.joins[0].on.id.of: there is no join k that can be read here',
    ],
    [
      changed({ joins: [{ ...join, on: { id: { column: 'a', of: 'j' } } }] }),
      '.joins[0].on.id.of: there is no join j that can be read here',
    ],
    [
      changed({ joins: [join, { ...join, as: 'k', where: { is: { column: 'a', of: 'j' }, in: ['1'] } }] }),
      '.joins[1].where.is.of: there is no join j that can be read here',
    ],
    [
      changed({ where: { not: { is: { column: 'a', of: 'j' }, in: [null] } } }),
      '.where.not.is.of: there is no join j that can be read here',
    ],
    [changed({ where: { any: [{ is: HELD, in: ['1'] }] } }), '.where.any[0].is.invalid: must be empty: only a column can hold its row'],
    [
      changed({ requires: [{ parent: 'crm.person', key: [HELD] }] }),
      '.requires[0].key[0].invalid: must be empty: only a column can hold its row',
    ],
    [changed({ joins: [{ ...join, on: { id: HELD } }] }), '.joins[0].on.id.invalid: must be empty: only a column can hold its row'],
  ])('%j: the message names the place', (input, problem) => {
    expect(problems(input)).toEqual([`${AT}${problem}`]);
  });

  test('each make a table of their own, which no table passes into either', () => {
    expect(problems({ rules: [RULE, { ...RULE, source: 'public.leads' }] })).toEqual([
      'rules[1] (crm.person).target: the rule for public.contacts and the rule for public.leads both go to crm.person',
    ]);
    expect(problems({ tables: { 'crm.person': {} }, rules: [RULE] })).toEqual([
      `${AT}.target: crm.person and the rule for public.contacts both go to crm.person`,
    ]);
  });

  test('make one table together where each has a name, and they have its columns, key and unique values in common', () => {
    const unique = [{ columns: ['id'], otherwise: 'held' }] as const;
    const [one, two] = [
      { ...RULE, name: 'contact', unique },
      { ...RULE, source: 'public.leads', name: 'lead', unique: [{ ...unique[0], order: [{ column: 'made' }] }] },
    ];
    expect(problems({ rules: [one, two] })).toEqual([]);
    const AT_TWO = 'rules[1] (crm.person)';
    expect(problems({ rules: [one, { ...two, name: undefined }] })).toEqual([
      `${AT_TWO}.target: the rule for public.contacts and the rule for public.leads both go to crm.person`,
    ]);
    expect(problems({ rules: [one, { ...two, name: 'contact' }] })).toEqual([
      `${AT_TWO}.name: contact is the name of another rule for crm.person too`,
    ]);
    const other = { ...two, columns: { nr: { column: 'id' } }, key: ['nr'], unique: [] };
    expect(problems({ rules: [one, other] })).toEqual(
      ['columns', 'key', 'unique'].map((part) => `${AT_TWO}.${part}: must be those of the rule contact, which makes crm.person too`),
    );
    expect(problems({ rules: [{ ...one, name: 'A b' }] })).toEqual([
      `${AT}.name: must be a letter, then letters, digits, _ or -, all lower case`,
    ]);
    const child = (rule?: string) => {
      const requires = [{ parent: 'crm.person', key: [{ column: 'id' }], ...(rule === undefined ? {} : { rule }) }];
      return problems({ rules: [one, two, { ...RULE, target: 'crm.note', requires }] });
    };
    expect(child('lead')).toEqual([]);
    const named = 'rules[2] (crm.note).requires[0].rule: must name one of the rules for crm.person: contact, lead';
    expect([child(), child('leads')]).toEqual([[named], [named]]);
  });

  test('tell all their problems, not only the first', () => {
    expect(
      problems({
        rules: [
          { ...RULE, key: ['a', 'b'], required: ['c'] },
          { ...RULE, target: 'crm.x', key: ['d'] },
        ],
      }),
    ).toEqual([
      `${AT}.key[0]: the rule makes no column a`,
      `${AT}.key[1]: the rule makes no column b`,
      `${AT}.required[0]: the rule makes no column c`,
      'rules[1] (crm.x).key[0]: the rule makes no column d',
    ]);
  });

  test('name only converters that there are, with options that they take, where these are known', () => {
    const strict: Converters[string] = (options) => {
      if (options !== undefined) throw new ChangeoverError('MAPPING_INVALID', 'converter strict: there is no option x');
      return (text) => (text === '' ? new ConversionProblem('empty') : text);
    };
    const converting = (...change: readonly object[]) =>
      changed({ columns: { id: { first: change.map((one) => ({ ...HELD, ...one })) } } });
    expect(problems(converting({}), { strict })).toEqual([]);
    expect(problems(converting({ options: { x: 1 } }, { convert: 'strikt' }, { convert: 'toString' }), { strict })).toEqual([
      `${AT}.columns.id.first[0].options: converter strict: there is no option x`,
      `${AT}.columns.id.first[1].convert: there is no converter strikt`,
      `${AT}.columns.id.first[2].convert: there is no converter toString`,
    ]);
    expect(problems(converting({ convert: 'strikt' }))).toEqual([]);
  });
});

describe('what a file gives', () => {
  class Column {
    readonly column = 'id';
  }
  const circle: Record<string, unknown> = {};
  circle['tables'] = circle;
  test.each<[string, unknown, string]>([
    ['a function', { rules: () => [] }, 'rules: is no plain data (function)'],
    ['an instance', { rules: [{ ...RULE, columns: { id: new Column() } }] }, `${AT}.columns.id: is no plain data (an object of a class)`],
    [
      'an inherited column',
      { rules: [{ ...RULE, columns: Object.create(RULE.columns) as object }] },
      `${AT}.columns: is no plain data (an object of a class)`,
    ],
    [
      'NaN',
      { rules: [{ ...RULE, columns: { id: { ...HELD, options: [NaN] } } }] },
      `${AT}.columns.id.options[0]: is no number that JSON has`,
    ],
    ['a zero byte', { tables: { 'a.b': { to: 'a.\0' } } }, 'tables.a.b.to: holds a character that a database cannot keep'],
    ['half a character', { tables: { 'a.\ud800': {} } }, 'tables.a.\ud800: holds a character that a database cannot keep'],
    ['a circle', circle, `${'tables.'.repeat(101).slice(0, -1)}: is nested too deep`],
    [
      'the prototype',
      JSON.parse('{"tables":{"__proto__":{"to":"crm.other"}}}'),
      'tables.__proto__: is a name that JavaScript gives a meaning',
    ],
    ['nothing', undefined, 'mapping: is no plain data (undefined)'],
  ])('%s is no mapping', (_what, input, problem) => {
    expect(problems(input)).toEqual([problem]);
  });

  test('may leave things undefined', () => {
    expect(parseMapping({ tables: undefined, rules: [{ ...RULE, where: undefined }] })).toEqual({ tables: {}, rules: [RULE] });
  });

  test('is not changed', () => {
    const input = { rules: [{ ...RULE, required: [] }] };
    const before = structuredClone(input);
    parseMapping(input);
    expect(input).toEqual(before);
  });
});

describe('the canonical text', () => {
  const other: TableRule = { ...RULE, columns: { id: { column: 'id' }, nr: { column: 'nr' } } };
  const of = (rule: TableRule): string => canonicalMapping({ tables: {}, rules: [rule] });

  test('is as it was before there were rules, where there are none', () => {
    expect(canonicalMapping(IDENTITY)).toBe('{"tables":{}}');
    expect(canonicalMapping(parseMapping({ tables: { 'a.b': { columns: { y: 'z', x: 'w' } } } }))).toBe(
      '{"tables":{"a.b":{"to":null,"columns":{"x":"w","y":"z"}}}}',
    );
  });

  test('is the same for all ways to write the same', () => {
    const turned = Object.fromEntries(Object.entries(other).reverse()) as TableRule;
    const columns = { nr: { column: 'nr' }, id: { column: 'id' } };
    const written: TableRule = { ...turned, columns, joins: [], required: [], requires: [], unique: [], whileHeld: 'last' };
    expect(of(written)).toBe(of(other));
    const unique = { columns: ['nr'], otherwise: 'empty' } as const;
    expect(of({ ...other, unique: [{ ...unique, order: [{ column: 'a', descending: false }] }] })).toBe(
      of({ ...other, unique: [{ ...unique, order: [{ column: 'a' }] }] }),
    );
    expect(of({ ...other, unique: [{ ...unique, order: [] }] })).toBe(of({ ...other, unique: [unique] }));
    const join = { as: 'j', table: 'a.b', on: { id: { column: 'id' } } };
    const all = { columns: { n: { count: 'rows' } }, atMost: 5 } as const;
    const joined = (one: JoinRule): string => of({ ...other, joins: [one] });
    expect(joined({ ...join, all: { ...all, joins: [] } })).toBe(joined({ ...join, all }));
    const ordered = (descending: object) => ({
      ...join,
      all: { ...all, joins: [{ ...join, as: 'k', order: [{ column: 'a', ...descending }] }] },
    });
    expect(joined(ordered({ descending: false }))).toBe(joined(ordered({})));
    expect(joined(ordered({ descending: true }))).not.toBe(joined(ordered({})));
    expect(joined({ ...join, all: { ...all, atMost: 6 } })).not.toBe(joined({ ...join, all }));
  });

  test('is what parsing keeps: the order of columns too, whatever JSON has gone through', () => {
    const columns = { nr: { column: 'nr' }, id: { column: 'id' } };
    const parsed = parseMapping({ rules: [{ ...other, columns }] });
    expect(Object.keys(parsed.rules[0]?.columns ?? {})).toEqual(['id', 'nr']);
    expect(canonicalMapping(parsed)).toBe(of(other));
  });

  test.each<[string, Partial<TableRule>]>([
    ['a column', { columns: { id: { column: 'id' }, nr: { column: 'no' } } }],
    ['the key', { key: ['nr'] }],
    ['the source', { source: 'a.b' }],
    ['what is required', { required: ['nr'] }],
    ['what stands while held', { whileHeld: 'none' }],
    ['a filter', { where: { is: { column: 'a' }, in: [null] } }],
    ['an order', { unique: [{ columns: ['nr'], otherwise: 'empty', order: [{ column: 'a', descending: true }] }] }],
  ])('is another for another one: %s', (_what, change) => {
    expect(of({ ...other, ...change })).not.toBe(of(other));
  });
});
