import { ChangeoverError } from '@changeover/core';
import fc from 'fast-check';

import { compileRule } from './compile-rule.js';
import type { Row, SourceTable } from './compiled-rule.js';
import { parseMapping } from './mapping.js';
import { momentText } from './moment.js';
import { printValidation } from './print-rule.js';
import type { Check, Comparison, Severity, TableRule, ValidationRule } from './rule.js';
import { traceRule } from './trace-rule.js';

const TABLES = new Map<string, SourceTable>([['s.t', { columns: ['id', 'a', 'b'], key: ['id'] }]]);
const RULE: TableRule = {
  source: 's.t',
  target: 't.t',
  columns: { id: { column: 'id' }, a: { column: 'a' }, b: { column: 'b' } },
  key: ['id'],
};

const named = (check: Check, severity: Severity = 'hold'): ValidationRule => ({ name: 'the rule', column: 'a', severity, ...check });
const derived = (validate: readonly ValidationRule[], a: string | null, b: string | null = null) =>
  compileRule({ ...RULE, validate }, TABLES, {}).derive([['1', a, b]]);
const accepts = (check: Check, a: string | null, b: string | null = null): boolean => 'values' in derived([named(check)], a, b);

const LARGE = 'x'.repeat(5 * 1024 * 1024);
const DIGITS = '12345678901234567890123456789012345678';

describe('a check', () => {
  test.each<[Check, (string | null)[], (string | null)[]]>([
    [
      { atMost: 3 },
      ['', 'abc', '\u{1f600}\u{1f600}\u{1f600}', '\ud800\ud800\ud800', 'e\u0301x', null],
      ['abcd', '\u{1f600}'.repeat(4), '\udc00\ud800ab', LARGE],
    ],
    [
      { range: 'number', from: '-1.50', to: DIGITS },
      ['-1.5', '-1.5000', '0', '1e3', DIGITS, `${DIGITS}.000`, '-0', null],
      [
        '-1.500000000000000000000001',
        `${DIGITS}.1`,
        '1e38',
        'NaN',
        'Infinity',
        '-Infinity',
        '',
        'ten',
        '1,5',
        ' 1',
        '1e999999999999',
        '0x10',
        'constructor',
        LARGE,
      ],
    ],
    [{ range: 'number', from: '0' }, ['0', '1e100', 'Infinity', 'NaN'], ['-1e-100', '-Infinity', 'x']],
    [{ range: 'number', to: '0' }, ['0', '-5', '-Infinity'], ['0.1', 'Infinity', 'NaN']],
    [
      { range: 'date', from: '1900-01-01', to: '2030-12-31 23:59:59.5' },
      ['1900-01-01', '1900-01-01 01:00:00+01', '2000-02-29', '2030-12-31T23:59:59.500Z', '2031-01-01 00:00:00+12', null],
      [
        '1899-12-31',
        '1900-01-01 00:59:59+01',
        '2030-12-31 23:59:59.500001',
        '2001-02-29',
        '1900-00-10',
        '0001-01-01 BC',
        '12345-01-01',
        'infinity',
        'today',
        '',
        LARGE,
      ],
    ],
    [
      { range: 'date', from: '0044-03-15 BC' },
      ['0044-03-15 BC', '0043-01-01 BC', '0001-01-01', 'infinity'],
      ['0044-03-14 BC', '-infinity'],
    ],
    [{ range: 'text', from: 'b', to: '\uff5e' }, ['b', 'ba', '\u00fc', '\uff5e'], ['a', 'B', '', '\u{1f600}']],
    [{ matches: '^[^@\\s]+@[^@\\s]+$' }, ['a@b', '\ud800@x', null], ['a', 'a@b@c', '', 'a@b\n', LARGE, `a@${'b'.repeat(10_000)}`]],
    [{ rejects: '(?i)^n/?a$' }, ['', 'na na', 'x', null], ['NA', 'n/a', LARGE]],
    [{ oneOf: ['x', ''] }, ['x', '', null], ['X', ' x', LARGE]],
  ])('%j', (check, accepted, refused) => {
    expect(accepted.filter((value) => !accepts(check, value))).toEqual([]);
    expect(refused.filter((value) => accepts(check, value))).toEqual([]);
  });

  const compare = (is: '<' | '<=' | '=' | '<>' | '>=' | '>', as: 'number' | 'date' | 'text' = 'number'): Comparison => {
    return { compare: as, left: 'a', is, right: 'b' };
  };
  test.each<[Comparison, [string | null, string | null][], [string | null, string | null][]]>([
    [
      compare('<'),
      [['9', '10']],
      [
        ['10', '9'],
        ['1', '1.0'],
      ],
    ],
    [
      compare('<='),
      [
        ['9', '10'],
        ['1', '1.0'],
      ],
      [['10', '9']],
    ],
    [
      compare('='),
      [
        ['1', '1.00'],
        ['NaN', 'NaN'],
      ],
      [['1', '2']],
    ],
    [compare('<>'), [['1', '2']], [['1', '1.00']]],
    [
      compare('>='),
      [
        ['2', '1'],
        ['1', '1.0'],
      ],
      [['1', '2']],
    ],
    [
      compare('>'),
      [['10', '9']],
      [
        ['9', '10'],
        ['1', '1.0'],
      ],
    ],
    // Neither is more, nor as much.
    [
      compare('<>'),
      [],
      [
        ['x', '1'],
        ['1', ''],
      ],
    ],
    [
      compare('>=', 'date'),
      [
        ['2024-01-01', '2024-01-01 00:00:00+00'],
        [null, '2024-01-01'],
        ['2024-01-01', null],
      ],
      [['2024-01-01', '2024-01-02']],
    ],
    [
      compare('<', 'text'),
      [
        ['B', 'a'],
        [null, null],
      ],
      [['10', '1']],
    ],
    // Null makes neither true.
    [
      { not: compare('<') },
      [
        ['2', '1'],
        [null, '1'],
      ],
      [['1', '2']],
    ],
    [
      { all: [compare('<'), { value: 'b', in: ['2'] }] },
      [
        ['1', '2'],
        [null, '2'],
        ['1', null],
      ],
      [
        ['1', '3'],
        ['2', '2'],
        [null, '3'],
      ],
    ],
    [
      { any: [compare('<'), { value: 'b', in: ['2'] }] },
      [
        ['1', '3'],
        ['3', '2'],
        [null, '5'],
      ],
      [['3', '1']],
    ],
    [
      { value: 'a', in: ['x'] },
      [
        ['x', null],
        [null, null],
      ],
      [['y', null]],
    ],
    [
      { value: 'a', in: [null, 'x'] },
      [
        ['x', null],
        [null, null],
      ],
      [['y', null]],
    ],
    [{ not: { value: 'a', in: [null] } }, [['x', null]], [[null, null]]],
  ])('%j', (check, accepted, refused) => {
    expect(accepted.filter(([a, b]) => !accepts({ check }, a, b))).toEqual([]);
    expect(refused.filter(([a, b]) => accepts({ check }, a, b))).toEqual([]);
  });

  it('has dates in their order, to the microsecond, as days and times are counted elsewhere', () => {
    const moment = fc.tuple(fc.integer({ min: -60_000_000_000_000, max: 250_000_000_000_000 }), fc.nat({ max: 999 }));
    const textOf = ([ms, micros]: readonly [number, number]): string =>
      `${new Date(ms).toISOString().slice(0, -1).replace('T', ' ')}${String(micros).padStart(3, '0')}`;
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const [left, right] = [momentText(textOf(a)) as string, momentText(textOf(b)) as string];
        expect(Math.sign(left < right ? -1 : left > right ? 1 : 0)).toBe(Math.sign(a[0] - b[0] || a[1] - b[1]));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no longer than a text is, whatever the pattern and the digits', () => {
    const began = performance.now();
    for (const value of [LARGE, `${'1'.repeat(1_000_000)}x`, `1${'0'.repeat(2_000_000)}1`, 'x'.repeat(9_999)])
      for (const check of [{ matches: '(x+x+)+y' }, { range: 'number' as const, to: '1' }, { range: 'date' as const, to: '2000-01-01' }])
        expect(accepts(check, value)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('what becomes of a row', () => {
  const note = (reason: string, severity: Severity) => ({ reason, column: 'a', rule: 'the rule', severity });
  const long = named({ atMost: 2 });
  it.each<[Check, string, string, string | null]>([
    [{ atMost: 2 }, 'abc', 'too long', 'ab'],
    [{ atMost: 2 }, 'a\u{1f600}c', 'too long', 'a\u{1f600}'],
    [{ atMost: 1 }, '\udc00\u{1f600}', 'too long', '\udc00'],
    [{ range: 'number', to: '5' }, 'NaN', 'out of range', null],
    [{ matches: 'x' }, 'abc', 'not as the pattern has it', null],
    [{ rejects: 'a' }, 'abc', 'not as the pattern has it', null],
    [{ oneOf: ['x'] }, 'abc', 'not among the values', null],
    [{ check: { value: 'a', in: ['x'] } }, 'abc', 'does not hold', null],
  ])('%j of %j', (check, value, word, fixed) => {
    const fix = note(`${'atMost' in check ? 'cut' : 'left empty'}: the rule`, 'fix');
    expect(derived([named(check, 'fix')], value)).toEqual({ values: ['1', fixed, null], notes: [fix] });
    expect(derived([named(check, 'warn')], value)).toEqual({ values: ['1', value, null], notes: [note(`${word}: the rule`, 'warn')] });
    for (const severity of ['hold', 'stop'] as const)
      expect(derived([named(check, severity)], value)).toEqual({ problems: [note(`${word}: the rule`, severity)] });
  });

  it('without a value it has to have is filled in, noted or held, and what else it has to be is asked of what was filled in', () => {
    const there = (severity: Severity, instead: object = {}): ValidationRule => ({ ...named({ required: true }, severity), ...instead });
    const fix = there('fix', { with: 'xyz' });
    expect(derived([fix], null)).toEqual({ values: ['1', 'xyz', null], notes: [note('filled in: the rule', 'fix')] });
    expect(derived([there('fix', { with: '' })], null)).toMatchObject({ values: ['1', '', null] });
    expect(derived([there('warn')], null)).toEqual({ values: ['1', null, null], notes: [note('empty: the rule', 'warn')] });
    for (const severity of ['hold', 'stop'] as const)
      expect(derived([there(severity)], null)).toEqual({ problems: [note('empty: the rule', severity)] });
    for (const rule of [fix, there('warn'), there('hold')])
      for (const value of ['', 'x']) expect(derived([rule], value)).toEqual({ values: ['1', value, null], notes: [] });
    const short: ValidationRule = { ...named({ atMost: 2 }, 'fix'), name: 'short' };
    expect(derived([fix, short], null)).toMatchObject({ values: ['1', 'xy', null], notes: [{ rule: 'the rule' }, { rule: 'short' }] });
    const waives = (name: string, looked: Row): boolean => name === 'the rule' && looked.length === 1 && looked[0] === null;
    expect(compileRule({ ...RULE, validate: [there('hold')] }, TABLES, {}).derive([['1', null, null]], waives)).toEqual({
      values: ['1', null, null],
      notes: [note('accepted: the rule', 'warn')],
    });
  });

  it('sees what the rules before it have fixed, has all notes and all problems, and nothing of a row that cannot be made', () => {
    const cut: ValidationRule = { ...long, severity: 'fix' };
    const still: ValidationRule = { ...named({ oneOf: ['ab'] }), name: 'two' };
    expect(derived([cut, still], 'abc')).toEqual({ values: ['1', 'ab', null], notes: [note('cut: the rule', 'fix')] });
    expect(derived([still, cut], 'abc')).toEqual({ problems: [{ ...note('not among the values: two', 'hold'), rule: 'two' }] });
    expect(derived([long, still], 'abc')).toMatchObject({ problems: [{ rule: 'the rule' }, { rule: 'two' }] });
    const lacking = compileRule({ ...RULE, required: ['b'], validate: [long] }, TABLES, {}).derive([['1', 'abc', null]]);
    expect(lacking).toEqual({ problems: [{ reason: 'empty', column: 'b' }] });
  });

  it('is waived by its name and what it looks at, as that is then; nothing else is, and it is noted', () => {
    const cut: ValidationRule = { ...long, severity: 'fix' };
    const still: ValidationRule = { ...named({ oneOf: ['x'] }, 'stop'), name: 'two' };
    const both: ValidationRule = {
      ...named({ check: { all: [{ compare: 'text', left: 'a', is: '=', right: 'b' }] } }),
      name: 'three',
    };
    const { derive } = compileRule({ ...RULE, validate: [cut, still, both] }, TABLES, {});
    const looked: unknown[] = [];
    const waive =
      (...names: readonly string[]) =>
      (name: string, values: unknown) => {
        looked.push([name, values]);
        return names.includes(name);
      };
    const accepted = (name: string) => ({ reason: `accepted: ${name}`, column: 'a', rule: name, severity: 'warn' });
    expect(derive([['1', 'abc', null]], waive('two'))).toEqual({
      values: ['1', 'ab', null],
      notes: [note('cut: the rule', 'fix'), accepted('two')],
    });
    expect(derive([['1', 'abc', 'q']], waive('two', 'three', 'the rule'))).toMatchObject({
      values: ['1', 'ab', 'q'],
      notes: [{ rule: 'the rule', severity: 'fix' }, accepted('two'), accepted('three')],
    });
    expect(derive([['1', 'abc', 'q']], waive('three'))).toMatchObject({ problems: [{ rule: 'two', severity: 'stop' }] });
    expect(looked).toEqual([
      ['two', ['ab']],
      ['two', ['ab']],
      ['three', ['ab', 'q']],
      ['two', ['ab']],
      ['three', ['ab', 'q']],
    ]);
  });

  it('is traced, rule by rule', () => {
    const validate: readonly ValidationRule[] = [
      { ...named({ atMost: 2 }, 'fix'), name: 'short' },
      { ...named({ oneOf: ['x'] }), name: 'known' },
      { ...named({ rejects: 'z' }), name: 'no z' },
    ];
    const trace = traceRule({ ...RULE, validate, required: ['b'] }, TABLES, {});
    const { columns, validations } = trace([['1', 'abc', 'b']]);
    expect(columns.map(({ value, problem }) => [value, problem])).toEqual([
      ['1', null],
      ['ab', 'not among the values: known'],
      ['b', null],
    ]);
    expect(validations.map(({ rule, problem }) => [printValidation(rule), problem?.reason ?? null])).toEqual([
      ['short: a of at most 2 characters', 'cut: short'],
      ["known: a one of 'x'", 'not among the values: known'],
      ['no z: a does not match z', null],
    ]);
    expect(trace([['1', 'abc', null]]).validations).toEqual([]);
  });

  it.each<[Check, string]>([
    [{ range: 'number', from: '0', to: '150' }, 'the rule: a from 0 to 150'],
    [{ range: 'date', to: '2030-01-01' }, 'the rule: a to 2030-01-01'],
    [{ matches: '^x' }, 'the rule: a matches ^x'],
    [
      { check: { any: [{ not: { value: 'a', in: ['x', null] } }, { all: [{ compare: 'date', left: 'a', is: '>=', right: 'b' }] }] } },
      "the rule: any(not(is(a, 'x', null)), all(a >= b))",
    ],
    [{ required: true }, 'the rule: a is there'],
    [{ required: true, with: "n/a's" }, "the rule: a is there, else 'n/a\\'s'"],
  ])('is told: %j', (check, text) => {
    expect(printValidation(named(check))).toBe(text);
  });
});

describe('a mapping', () => {
  const problemsOf = (validate: readonly unknown[], rule: Partial<TableRule> = {}): string => {
    try {
      parseMapping({ rules: [{ ...RULE, ...rule, validate }] });
    } catch (error) {
      expect(error).toBeInstanceOf(ChangeoverError);
      return (error as Error).message;
    }
    return '';
  };

  it.each<[unknown, string]>([
    [named({ atMost: 0 }), 'validate[0].atMost: '],
    [{ ...named({ atMost: 1 }), column: 'c' }, 'validate[0].column: the rule makes no column c'],
    [{ ...named({ atMost: 1 }), severity: 'ignore' }, 'validate[0].severity: '],
    [{ ...named({ atMost: 1 }), name: 'a\u202eb' }, 'validate[0].name: must be of 1 to 100 characters that can be seen'],
    [{ ...named({ atMost: 1 }), limit: 2 }, 'validate[0]: '],
    [{ name: 'x', column: 'a', severity: 'hold' }, 'validate[0]: must be an object with one of required, atMost, range, '],
    [named({ required: true }, 'fix'), 'validate[0].with: is what the severity fix writes instead of null'],
    [named({ required: true, with: 'x' }, 'hold'), 'validate[0].with: is what the severity fix writes instead of null'],
    [{ ...named({ required: true }), required: false }, 'validate[0].required: '],
    [{ ...named({ required: true, with: 'x' }, 'fix'), column: 'id' }, 'validate[0].severity: must not be fix: id is of the key'],
    [{ ...named({ required: true }), column: 'id' }, 'validate[0].column: id is required already'],
    [named({ range: 'number' }), 'validate[0]: must say from where, or to where'],
    [named({ range: 'number', from: 'x' }), 'validate[0].from: is no number'],
    [named({ range: 'date', to: '2001-02-29' }), 'validate[0].to: is no date'],
    [named({ range: 'number', from: '10', to: '9' }), 'validate[0].to: must not be below from'],
    [named({ matches: 'a(?=b)' }), 'validate[0].matches: is no pattern of RE2: '],
    [named({ rejects: '(' }), 'validate[0].rejects: is no pattern of RE2: '],
    [named({ oneOf: [] }), 'validate[0].oneOf: '],
    [named({ check: { compare: 'number', left: 'a', is: '<', right: 'c' } }), 'validate[0].check.right: the rule makes no column c'],
    [named({ check: { not: { any: [{ value: 'c', in: ['x'] }] } } }), 'validate[0].check.not.any[0].value: the rule makes no column c'],
    [{ ...named({ atMost: 1 }, 'fix'), column: 'id' }, 'validate[0].severity: must not be fix: id is of the key'],
  ])('says what is wrong with %j', (validation, message) => {
    expect(problemsOf([validation])).toContain(`rules[0] (t.t).${message}`);
  });

  it('lets nothing be left empty that is required, and no name be given twice', () => {
    const oneOf = named({ oneOf: ['x'] }, 'fix');
    expect(problemsOf([oneOf], { required: ['a'] })).toContain('validate[0].severity: must not be fix: a cannot be left empty');
    expect(problemsOf([named({ atMost: 2 }, 'fix')], { required: ['a'] })).toBe('');
    expect(problemsOf([oneOf, named({ atMost: 2 })])).toContain('validate[1].name: the rule is the name of another rule');
  });

  it('asks once whether a column is there, fills in what its other rules take, and leaves it empty in no other way', () => {
    const fix = named({ required: true, with: 'xyz' }, 'fix');
    const other = (check: Check, severity: Severity = 'hold'): ValidationRule => ({ ...named(check, severity), name: 'two' });
    expect(problemsOf([fix])).toBe('');
    expect(problemsOf([fix], { required: ['a'] })).toContain('validate[0].column: a is required already');
    expect(problemsOf([fix, other({ required: true })])).toContain('validate[1].column: a is required already');
    expect(problemsOf([fix, { ...other({ required: true }), column: 'b' }])).toBe('');
    for (const check of [{ atMost: 2 }, { range: 'text', from: 'y' }, { matches: '^z' }, { rejects: 'y' }, { oneOf: ['x'] }] as const)
      expect(problemsOf([fix, other(check)])).toContain('validate[0].with: is refused by the rule two');
    expect(problemsOf([fix, other({ atMost: 3 }), { ...other({ oneOf: ['x'] }), column: 'b', name: 'three' }])).toBe('');
    expect(problemsOf([fix, other({ matches: '(' })])).not.toContain('with');
    const empties = other({ rejects: 'q' }, 'fix');
    expect(problemsOf([fix, empties])).toContain('validate[1].severity: must not be fix: a cannot be left empty');
    expect(problemsOf([named({ required: true }, 'warn'), empties])).toBe('');
    const unique = { unique: [{ columns: ['a'], otherwise: 'empty' as const }] };
    expect(problemsOf([fix], unique)).toContain('unique[0].otherwise: must be held: a cannot be left empty');
    expect(problemsOf([named({ required: true }, 'warn')], unique)).toBe('');
  });

  it('has another form with another rule, and none without', () => {
    const parsed = (validate: readonly ValidationRule[]) => parseMapping({ rules: [{ ...RULE, validate }] }).rules[0];
    expect(parsed([])).not.toHaveProperty('validate');
    expect(parsed([named({ atMost: 2 })])?.validate).toEqual([named({ atMost: 2 })]);
  });
});
