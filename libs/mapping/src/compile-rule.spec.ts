import { ChangeoverError } from '@changeover/core';
import fc from 'fast-check';

import { compileRule } from './compile-rule.js';
import { compileRules } from './compile-rules.js';
import {
  ConversionProblem,
  type CompiledJoin,
  type CompiledRule,
  type Converters,
  type JoinedRows,
  type Numbering,
  type SourceTable,
} from './compiled-rule.js';
import { parseMapping } from './mapping.js';
import type { Aggregate, Condition, Expression, Order, TableRule } from './rule.js';

const TABLES = new Map<string, SourceTable>([
  ['a.person', { columns: ['id', 'name', 'boss', 'constructor'], key: ['id'] }],
  ['a.phone', { columns: ['owner', 'kind', 'number'], key: ['owner', 'kind'] }],
  ['a.log', { columns: ['line'], key: [] }],
]);

const CONVERTERS: Converters = {
  upper: () => (text) => (text === 'bad' ? new ConversionProblem('bad value') : text === 'none' ? null : text.toUpperCase()),
  cut: (options) => (text) => text.slice(0, Number(options)),
};

const RULE: TableRule = { source: 'a.person', target: 't.person', columns: { id: { column: 'id' } }, key: ['id'] };
const numbering: Numbering =
  ({ name, start }) =>
  (text) =>
    name === 'full' ? new ConversionProblem('no number is left') : `${name} ${String(start)}: ${text}`;
const compiled = (change: Partial<TableRule> = {}): CompiledRule => compileRule({ ...RULE, ...change }, TABLES, CONVERTERS, numbering);

const value = (expression: Expression, rows: JoinedRows): unknown => {
  const joins = [{ as: 'phone', table: 'a.phone', on: { owner: { column: 'id' } } }];
  const derived = compiled({ joins, columns: { id: { column: 'id' }, x: expression } }).derive(rows);
  return 'values' in derived ? derived.values[1] : derived.problems;
};

const is = (column: string, ...accepted: (string | null)[]): Condition => ({ is: { column }, in: accepted });

describe('an expression', () => {
  const rows: JoinedRows = [
    ['1', 'ada', null, 'x'],
    ['1', 'main', '+1'],
  ];
  const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
  const upper = (input: Expression, invalid: 'held' | 'empty' = 'held'): Expression => ({ convert: 'upper', input, invalid });
  test.each<[Expression, unknown]>([
    [{ column: 'name' }, 'ada'],
    [{ column: 'boss' }, null],
    [{ column: 'constructor' }, 'x'],
    [{ column: 'number', of: 'phone' }, '+1'],
    [{ constant: '' }, ''],
    [{ constant: null }, null],
    [{ first: [{ column: 'boss' }, { column: 'name' }, { constant: 'no' }] }, 'ada'],
    [{ first: [{ column: 'boss' }] }, null],
    [{ concat: [{ column: 'boss' }, { column: 'name' }, { constant: '' }, { column: 'id' }], separator: '-' }, 'ada--1'],
    [{ concat: [{ column: 'boss' }, { constant: null }], separator: '-' }, null],
    [{ uuid: DNS, input: { column: 'name' } }, '21495524-a02f-5695-82e2-b117addc0b1e'],
    [{ uuid: DNS, input: { column: 'boss' } }, null],
    [{ uuid: DNS, input: upper({ constant: 'bad' }) }, [{ reason: 'bad value', column: 'x' }]],
    [{ stride: 10, offset: 3, input: { column: 'id' }, invalid: 'held' }, '13'],
    [{ allocated: 'keys', start: 5, step: 1, input: { column: 'name' } }, 'keys 5: ada'],
    [{ allocated: 'keys', start: 5, step: 1, input: { column: 'boss' } }, null],
    [{ allocated: 'full', start: 5, step: 1, input: { column: 'name' } }, [{ reason: 'no number is left', column: 'x' }]],
    [{ allocated: 'full', start: 5, step: 1, input: { column: 'boss' } }, null],
    [{ stride: -2, offset: 0, input: { constant: '-4611686018427387903' }, invalid: 'held' }, '9223372036854775806'],
    [{ stride: 2, offset: 0, input: { constant: '4611686018427387904' }, invalid: 'held' }, [{ reason: 'out of range', column: 'x' }]],
    [{ stride: 2, offset: 0, input: { constant: '1.0' }, invalid: 'held' }, [{ reason: 'not an integer', column: 'x' }]],
    [{ stride: 2, offset: 0, input: { constant: '' }, invalid: 'empty' }, null],
    [{ split: ', ', part: 1, input: { constant: 'a, b, ' } }, 'a'],
    [{ split: ', ', part: 3, input: { constant: 'a, b, ' } }, ''],
    [{ split: ', ', part: 4, input: { constant: 'a, b, ' } }, null],
    [{ split: ', ', part: -2, input: { constant: 'a, b, ' } }, 'b'],
    [{ split: ', ', part: -4, input: { constant: 'a, b, ' } }, null],
    [{ split: '/', part: 1, input: { column: 'boss' } }, null],
    [
      {
        when: [
          { if: is('name', 'bob'), then: { constant: '1' } },
          { if: is('boss', null), then: { column: 'id' } },
        ],
      },
      '1',
    ],
    [{ when: [{ if: is('name', 'bob'), then: { constant: '1' } }] }, null],
    [{ when: [{ if: is('name', 'bob'), then: upper({ constant: 'bad' }) }], otherwise: { column: 'name' } }, 'ada'],
    [{ when: [{ if: is('name', 'ada'), then: upper({ constant: 'bad' }) }] }, [{ reason: 'bad value', column: 'x' }]],
    [{ field: ['a', 0], input: { constant: '{"a": [1.50]}' }, invalid: 'held' }, '1.50'],
    [{ field: ['a', 0], input: { column: 'name' }, invalid: 'held' }, [{ reason: 'not JSON', column: 'x' }]],
    [
      {
        object: {
          name: { column: 'name' },
          'the "boss"': { column: 'boss' },
          id: { json: 'number', input: { column: 'id' }, invalid: 'held' },
          old: { json: 'boolean', input: { constant: 'f' }, invalid: 'held' },
          more: { json: 'any', input: { constant: '[1]' }, invalid: 'held' },
          list: { array: [{ column: 'boss' }, { column: 'name' }, { object: {} }], as: 'json' },
          text: { first: [{ object: {} }, { column: 'id' }] },
        },
      },
      '{"name": "ada", "the \\"boss\\"": null, "id": 1, "old": false, "more": [1], "list": ["ada", {}], "text": "{}"}',
    ],
    [{ object: { x: { when: [{ if: is('id', '1'), then: { object: {} } }] } } }, '{"x": {}}'],
    [{ array: [{ column: 'name' }, { column: 'boss' }, { constant: 'a"\\b' }], as: 'postgres' }, '{"ada","a\\"\\\\b"}'],
    [{ array: [{ column: 'boss' }], as: 'json' }, '[]'],
    [{ json: 'number', input: { constant: 'NaN' }, invalid: 'held' }, [{ reason: 'not a number', column: 'x' }]],
    [{ json: 'number', input: { constant: '-1.50e+20' }, invalid: 'held' }, '-1.50e+20'],
    [{ json: 'number', input: { constant: '01' }, invalid: 'empty' }, null],
    [{ json: 'boolean', input: { constant: 'yes' }, invalid: 'held' }, [{ reason: 'not a boolean', column: 'x' }]],
    [{ json: 'any', input: { constant: '{' }, invalid: 'held' }, [{ reason: 'not JSON', column: 'x' }]],
    [upper({ column: 'name' }), 'ADA'],
    [upper({ column: 'boss' }), null],
    [upper({ constant: 'none' }), null],
    [upper({ constant: 'bad' }), [{ reason: 'bad value', column: 'x' }]],
    [upper({ constant: 'bad' }, 'empty'), null],
    [{ first: [upper({ constant: 'bad' }, 'empty'), { column: 'name' }] }, 'ada'],
    [{ first: [upper({ constant: 'bad' }), { column: 'name' }] }, [{ reason: 'bad value', column: 'x' }]],
    [
      { concat: [upper({ column: 'name' }), { convert: 'cut', options: 1, input: { column: 'name' }, invalid: 'held' }], separator: '' },
      'ADAa',
    ],
  ])('%j gives %j', (expression, expected) => {
    expect(value(expression, rows)).toEqual(expected);
  });

  it('is null where nothing was joined', () => {
    expect(value({ column: 'number', of: 'phone' }, [['1', 'ada', null, null], null])).toBeNull();
  });
});

describe('a condition', () => {
  test.each<[Condition, boolean]>([
    [is('name', 'ada', 'bob'), true],
    [is('name', 'bob'), false],
    [is('boss', null), true],
    [is('boss', ''), false],
    [{ not: is('name', 'ada') }, false],
    [{ all: [is('name', 'ada'), is('id', '1')] }, true],
    [{ all: [is('name', 'ada'), is('id', '2')] }, false],
    [{ any: [is('name', 'bob'), is('id', '1')] }, true],
    [{ any: [is('name', 'bob'), is('id', '2')] }, false],
    [{ is: { convert: 'upper', input: { constant: 'bad' }, invalid: 'empty' }, in: [null] }, true],
  ])('%j: %j', (where, expected) => {
    expect(compiled({ where }).accepts([['1', 'ada', null, null]])).toBe(expected);
  });
});

describe('a row', () => {
  const columns = {
    id: { column: 'id' },
    name: { column: 'name' },
    boss: { convert: 'upper', input: { column: 'boss' }, invalid: 'held' },
  } as const;

  it('has all its problems told, those of a column once, and of no other row', () => {
    const { derive } = compiled({ columns, required: ['name', 'boss'] });
    const first = derive([['1', null, 'bad', null]]);
    expect(first).toEqual({
      problems: [
        { reason: 'bad value', column: 'boss' },
        { reason: 'empty', column: 'name' },
      ],
    });
    expect(derive([['1', 'ada', null, null]])).toEqual({ problems: [{ reason: 'empty', column: 'boss' }] });
    expect(derive([['1', 'ada', 'bob', null]])).toEqual({ values: ['1', 'ada', 'BOB'], notes: [] });
    expect(first).toMatchObject({ problems: { length: 2 } });
  });

  it('without its key is held: nobody could find it', () => {
    expect(compiled({ columns, key: ['name'] }).derive([['1', null, null, null]])).toEqual({
      problems: [{ reason: 'empty', column: 'name' }],
    });
  });

  it('keeps nothing of one whose converter failed', () => {
    const failing: Converters = {
      upper: () => (text) => {
        if (text === 'worse') throw new ChangeoverError('INTERNAL', 'a converter failed');
        return new ConversionProblem(text);
      },
    };
    const input = { column: 'name' } as const;
    const { derive } = compileRule(
      { ...RULE, columns: { id: { column: 'id' }, b: { convert: 'upper', input, invalid: 'held' }, c: { ...columns.boss } } },
      TABLES,
      failing,
    );
    expect(() => derive([['1', 'first', 'worse', null]])).toThrow('a converter failed');
    expect(derive([['1', null, null, null]])).toEqual({ values: ['1', null, null], notes: [] });
  });
});

describe('a join', () => {
  const [join] = compiled({
    joins: [
      {
        as: 'phone',
        table: 'a.phone',
        on: { owner: { column: 'id' }, kind: { first: [{ column: 'boss' }, { constant: 'main' }] } },
        where: { all: [{ not: { is: { column: 'number' }, in: [null] } }, { is: { column: 'kind', of: 'phone' }, in: ['main', 'work'] }] },
        order: [{ column: 'kind', descending: true }, { column: 'number' }],
      },
    ],
  }).joins;

  it('looks up what the rows before it say; null equals nothing', () => {
    expect(join?.columns).toEqual([0, 1]);
    expect(join?.lookup([['1', null, null, null]])).toEqual(['1', 'main']);
    expect(join?.lookup([[null, null, 'work', null]])).toBeNull();
  });

  it('accepts rows by their own columns', () => {
    expect(join?.accepts(['1', 'main', '+1'])).toBe(true);
    expect(join?.accepts(['1', 'main', null])).toBe(false);
    expect(join?.accepts(['1', 'home', '+1'])).toBe(false);
  });

  it('prefers them in its order', () => {
    expect(join?.compare(['1', 'main', '+1'], ['1', 'work', '+1'])).toBeGreaterThan(0);
    expect(join?.compare(['1', 'main', '+1'], ['2', 'main', '+2'])).toBeLessThan(0);
    expect(join?.compare(['1', 'main', '+1'], ['2', 'main', '+1'])).toBe(0);
  });

  it('is looked up by the rows of a join before it', () => {
    const on = (column: string, of?: string) => ({ owner: of === undefined ? { column } : { column, of } });
    const chain = compiled({
      joins: [
        { as: 'x', table: 'a.phone', on: on('id') },
        { as: 'y', table: 'a.phone', on: on('number', 'x') },
      ],
    });
    expect(
      chain.joins[1]?.lookup([
        ['1', null, null, null],
        ['1', 'main', '7'],
      ]),
    ).toEqual(['7']);
    expect(chain.joins[1]?.lookup([['1', null, null, null], null])).toBeNull();
  });
});

describe('a join to all rows', () => {
  type Rows = readonly (readonly [string, string, string | null])[];
  const on = { owner: { column: 'id' } } as const;
  const made = (aggregate: Aggregate, rows: Rows, numbers: readonly string[] = []): unknown => {
    const joins = [{ as: 'all', table: 'a.phone', on, all: { columns: { x: aggregate }, atMost: 9 } }];
    const tables = new Map([...TABLES].map(([name, table]) => [name, { ...table, numbers }]));
    const rule = { ...RULE, joins, columns: { id: { column: 'id' }, x: { column: 'x', of: 'all' } } } as const;
    const { all } = compileRule(rule, tables, CONVERTERS).joins[0] as CompiledJoin;
    const row = all?.rowOf(rows.map((one) => [one]));
    return row instanceof ConversionProblem ? row.reason : row?.[0];
  };
  const [kind, number] = [{ column: 'kind' }, { column: 'number' }];
  const ROWS: Rows = [
    ['1', 'main', '10'],
    ['1', 'work', '9'],
    ['1', 'home', null],
    ['1', 'other', '9.0'],
  ];
  // Of its rows; of the same where the numbers are known to be some; of none.
  test.each<[Aggregate, unknown, unknown, unknown]>([
    [{ count: 'rows' }, '4', '4', '0'],
    [{ count: number }, '3', '3', '0'],
    [{ sum: number }, '28.0', '28.0', null],
    [{ sum: kind }, 'not a number', 'not a number', null],
    [{ min: number }, '10', '9', null],
    [{ max: number }, '9.0', '10', null],
    [{ max: { ...number, of: 'all' } }, '9.0', '10', null],
    [{ max: { first: [number] } }, '9.0', '9.0', null],
    [{ latest: kind, by: number }, 'other', 'main', null],
    [{ latest: number, by: { constant: 'x' } }, '10', '10', null],
    [{ latest: kind, by: { constant: null } }, null, null, null],
    [{ text: number, separator: ', ' }, '10, 9, 9.0', '10, 9, 9.0', null],
    [{ array: number, as: 'postgres' }, '{"10","9","9.0"}', '{"10","9","9.0"}', '{}'],
    [
      { array: { object: { n: { json: 'number', input: number, invalid: 'empty' } } }, as: 'json' },
      '[{"n": 10}, {"n": 9}, {"n": null}, {"n": 9.0}]',
      expect.anything(),
      '[]',
    ],
    [{ array: number, as: 'json' }, '["10", "9", "9.0"]', '["10", "9", "9.0"]', '[]'],
    [
      { array: { convert: 'upper', input: kind, invalid: 'empty' }, as: 'json' },
      '["MAIN", "WORK", "HOME", "OTHER"]',
      expect.anything(),
      '[]',
    ],
  ])('makes %j of them', (aggregate, ofTexts, ofNumbers, ofNone) => {
    expect([made(aggregate, ROWS), made(aggregate, ROWS, ['number']), made(aggregate, [])]).toEqual([ofTexts, ofNumbers, ofNone]);
  });

  it('quotes what arrays would take as their own', () => {
    const rows: Rows = [['1', 'a', '"\\,{} NULL\n']];
    expect(made({ array: number, as: 'postgres' }, rows)).toBe('{"\\"\\\\,{} NULL\n"}');
    expect(JSON.parse(made({ array: number, as: 'json' }, rows) as string)).toEqual(['"\\,{} NULL\n']);
  });

  it('joins others to each of its rows', () => {
    const inner = [
      { as: 'owner', table: 'a.person', on: { id: { column: 'owner' } } },
      { as: 'boss', table: 'a.person', on: { id: { column: 'boss', of: 'owner' } }, where: { is: { column: 'name' }, in: ['bob'] } },
    ] as const;
    const columns = { x: { text: { concat: [number, { column: 'name', of: 'boss' }], separator: '-' }, separator: ', ' } } as const;
    const { all } = compiled({ joins: [{ as: 'all', table: 'a.phone', on, all: { joins: inner, columns, atMost: 9 } }] })
      .joins[0] as CompiledJoin;
    const phone = ['1', 'main', '+1'];
    const ada = ['1', 'ada', '7', null];
    const bob = ['7', 'bob', null, null];
    expect([all?.joins[0]?.lookup([phone]), all?.joins[1]?.lookup([phone, ada]), all?.joins[1]?.lookup([phone, null])]).toEqual([
      ['1'],
      ['7'],
      null,
    ]);
    expect([all?.joins[1]?.accepts(bob), all?.joins[1]?.accepts(ada)]).toEqual([true, false]);
    expect(
      all?.rowOf([
        [phone, ada, bob],
        [phone, ada, null],
      ]),
    ).toEqual(['+1-bob, +1']);
  });

  it('is read like a row, tells of its first column in the rule, and knows whether the filter reads it', () => {
    const all = { columns: { numbers: { count: 'rows' }, first: { min: number } }, atMost: 2 } as const;
    const joins = [
      { as: 'all', table: 'a.phone', on, all },
      { as: 'one', table: 'a.person', on: { id: { column: 'first', of: 'all' } } },
    ];
    const rule = (change: Partial<TableRule>): CompiledRule => compiled({ joins, ...change });
    const told = ({ joins: [first] }: CompiledRule): unknown => [first?.all?.column, first?.all?.decides];
    const columns = { id: { column: 'id' }, x: { column: 'name', of: 'one' }, y: { column: 'numbers', of: 'all' } } as const;
    const whole = rule({ columns });
    expect(
      whole.derive([
        ['1', null, null, null],
        ['2', '+1'],
        ['7', 'ada', null, null],
      ]),
    ).toEqual({ values: ['1', 'ada', '2'], notes: [] });
    expect(
      whole.joins[1]?.lookup([
        ['1', null, null, null],
        ['2', '+1'],
      ]),
    ).toEqual(['+1']);
    expect(told(whole)).toEqual(['x', false]);
    expect(told(rule({ columns, where: { is: { column: 'name', of: 'one' }, in: [null] } }))).toEqual(['x', true]);
    expect(told(rule({ where: { is: { column: 'numbers', of: 'all' }, in: ['1'] } }))).toEqual(['id', true]);
  });
});

describe('the order of rows', () => {
  const text = fc.option(fc.string({ unit: fc.constantFrom('a', 'b', '\u0001', '/', '~', 'é', '\uffff', '😀'), maxLength: 4 }), {
    freq: 5,
  });
  const row = fc.tuple(text, text, fc.constant(null), fc.constant(null));
  const orders = fc.tuple(fc.boolean(), fc.boolean()).map(([first, second]): Order => [
    { column: 'id', descending: first },
    { column: 'name', descending: second },
  ]);

  it('is that of the bytes, column by column, and the text of an order has the same', () => {
    const bytes = (a: string | null, b: string | null): number => {
      if (a === null || b === null) return Number(a === null) - Number(b === null);
      return Buffer.compare(Buffer.from(a), Buffer.from(b));
    };
    fc.assert(
      fc.property(row, row, orders, (a, b, order) => {
        const rule = compiled({
          joins: [{ as: 'p', table: 'a.person', on: { id: { column: 'id' } }, order }],
          unique: [{ columns: ['id'], order, otherwise: 'held' }],
        });
        const expected =
          order
            .map(({ descending }, at) => (descending === true ? -1 : 1) * bytes(a[at] ?? null, b[at] ?? null))
            .find((sign) => sign !== 0) ?? 0;
        expect(Math.sign(rule.joins[0]?.compare(a, b) ?? NaN)).toBe(expected);
        const [left, right] = [a, b].map((one) => Buffer.from(rule.uniques[0]?.orderOf(one) ?? ''));
        expect(Buffer.compare(left as Buffer, right as Buffer)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('is by value where the columns hold numbers, those of the key too', () => {
    const tables = new Map([['a.person', { columns: ['id', 'name', 'boss', 'constructor'], key: ['id'], numbers: ['id', 'boss'] }]]);
    const ordered = (order: Order): ((a: string, b: string) => readonly [number, number]) => {
      const joins = [{ as: 'p', table: 'a.person', on: { name: { column: 'name' } }, order }];
      const rule = compileRule({ ...RULE, joins, unique: [{ columns: ['id'], order, otherwise: 'held' }] }, tables, CONVERTERS);
      const row = (id: string) => [id, 'x', id, null];
      const rank = (id: string) => Buffer.from(rule.uniques[0]?.orderOf(row(id)) ?? '');
      return (a, b) => [Math.sign(rule.joins[0]?.compare(row(a), row(b)) ?? NaN), rank(a).compare(rank(b))];
    };
    for (const order of [[{ column: 'id' }], [{ column: 'boss' }], [{ column: 'name' }], []]) {
      expect([ordered(order)('9001', '10001'), ordered(order)('2', '-10'), ordered(order)('3', '3')]).toEqual([
        [-1, -1],
        [1, 1],
        [0, 0],
      ]);
    }
    expect(ordered([{ column: 'id', descending: true }])('9001', '10001')).toEqual([1, 1]);
  });
});

describe('unique rules', () => {
  const columns = { id: { column: 'id' }, name: { column: 'name' } } as const;
  const byKey = { columns: [1], otherwise: 'held' };

  it('are one more for the key of the target, where two source rows could have the same', () => {
    expect(compiled({ columns, key: ['id'] }).uniques).toEqual([]);
    expect(compiled({ columns, key: ['name'] }).uniques).toMatchObject([byKey]);
    expect(compiled({ columns, key: ['id', 'name'] }).uniques).toEqual([]);
    const converted = { ...columns, id: { convert: 'upper', input: { column: 'id' }, invalid: 'held' } } as const;
    expect(compiled({ columns: converted }).uniques).toMatchObject([{ columns: [0], otherwise: 'held' }]);
    const joined = {
      joins: [{ as: 'p', table: 'a.person', on: { id: { column: 'boss' } } }],
      columns: { id: { column: 'id', of: 'p' } },
    } as const;
    expect(compiled(joined).uniques).toMatchObject([{ columns: [0], otherwise: 'held' }]);
  });

  it('are one more for the key of a target that other rules make too', () => {
    expect(compiled({ columns, key: ['id'], name: 'one' }).uniques).toMatchObject([{ columns: [0], otherwise: 'held' }]);
  });

  it('come before those that are declared', () => {
    const unique = [{ columns: ['id'], otherwise: 'empty' }] as const;
    expect(compiled({ columns, key: ['name'], unique }).uniques).toMatchObject([byKey, { columns: [0], otherwise: 'empty' }]);
  });
});

describe('what does not fit the tables', () => {
  const problems = (...rules: readonly Partial<TableRule>[]): string => {
    const mapping = parseMapping({ rules: rules.map((change, index) => ({ ...RULE, target: `t.${String(index)}`, ...change })) });
    try {
      compileRules(mapping, TABLES, CONVERTERS);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  test.each<[Partial<TableRule>, string]>([
    [{ source: 'a.nobody' }, 'source: the source gives no table a.nobody'],
    [{ source: 'a.log', columns: { id: { column: 'line' } } }, 'source: a.log has no key, by which its rows are found again'],
    [{ columns: { id: { first: [{ column: 'id' }, { column: 'nr' }] } } }, 'columns.id.first[1].column: a.person has no column nr'],
    [{ columns: { id: { column: 'toString' } } }, 'columns.id.column: a.person has no column toString'],
    [{ where: { not: { is: { column: 'x' }, in: ['1'] } } }, 'where.not.is.column: a.person has no column x'],
    [{ joins: [{ as: 'p', table: 'a.tel', on: { id: { column: 'id' } } }] }, 'joins[0].table: the source gives no table a.tel'],
    [{ joins: [{ as: 'p', table: 'a.phone', on: { id: { column: 'id' } } }] }, 'joins[0].on.id: a.phone has no column id'],
    [
      { joins: [{ as: 'p', table: 'a.phone', on: { owner: { column: 'id' } }, where: { is: { column: 'name' }, in: ['1'] } }] },
      'joins[0].where.is.column: a.phone has no column name',
    ],
    [
      { joins: [{ as: 'p', table: 'a.phone', on: { owner: { column: 'id' } }, order: [{ column: 'id' }] }] },
      'joins[0].order[0].column: a.phone has no column id',
    ],
    [
      {
        joins: [
          { as: 'p', table: 'a.phone', on: { owner: { column: 'id' } }, all: { columns: { n: { sum: { column: 'id' } } }, atMost: 1 } },
        ],
      },
      'joins[0].all.columns.n.sum.column: a.phone has no column id',
    ],
    [
      {
        joins: [
          {
            as: 'p',
            table: 'a.phone',
            on: { owner: { column: 'id' } },
            all: { joins: [{ as: 'o', table: 'a.person', on: { id: { column: 'name' } } }], columns: { n: { count: 'rows' } }, atMost: 1 },
          },
        ],
      },
      'joins[0].all.joins[0].on.id.column: a.phone has no column name',
    ],
    [
      { unique: [{ columns: ['id'], order: [{ column: 'age' }], otherwise: 'held' }] },
      'unique[0].order[0].column: a.person has no column age',
    ],
    [
      { requires: [{ parent: 't.0', key: [{ column: 'id' }, { column: 'name' }] }] },
      'requires[0].key: must name a row of a.person by its key (id)',
    ],
    [
      { columns: { id: { convert: 'lower', input: { column: 'id' }, invalid: 'held' } } },
      'columns.id.convert: there is no converter lower',
    ],
  ])('%j is told with its place', (change, problem) => {
    expect(problems(change)).toBe(`the mapping has 1 problem(s): rules[0] (t.0).${problem}`);
  });

  it('is told all at once', () => {
    expect(problems({ columns: { id: { column: 'x' } } }, { columns: { id: { column: 'y' } } })).toBe(
      'the mapping has 2 problem(s): rules[0] (t.0).columns.id.column: a.person has no column x; rules[1] (t.1).columns.id.column: a.person has no column y',
    );
  });

  it('and what does makes one converter of the same options', () => {
    const made: string[] = [];
    const counting: Converters = {
      upper: (options) => {
        made.push(JSON.stringify(options));
        return (text) => text;
      },
    };
    const columns = (options: number) => ({ id: { convert: 'upper', options, input: { column: 'id' }, invalid: 'held' } }) as const;
    const rules = [1, 2, 1].map((options, index) => ({ ...RULE, target: `t.${String(index)}`, columns: columns(options) }));
    const mapping = parseMapping({ rules });
    const before = made.length;
    expect(compileRules(mapping, TABLES, counting).map((rule) => rule.derive([['7', null, null, null]]))).toHaveLength(3);
    // Once more each for the check.
    expect(made.slice(before).sort()).toEqual(['1', '1', '1', '2', '2']);
  });
});
