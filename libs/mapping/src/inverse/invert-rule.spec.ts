import { ConversionProblem, type Converters, type JoinedRows, type SourceTable } from '../compiled-rule.js';
import type { Expression, JoinRule, TableRule, ValidationRule } from '../rule.js';
import type { Inverses } from './inverse.js';
import { invertRule } from './invert-rule.js';

const TABLES = new Map<string, SourceTable>([
  ['old.person', { columns: ['id', 'name', 'mail', 'stage', 'office'], key: ['id'] }],
  ['old.office', { columns: ['id', 'city'], key: ['id'] }],
]);
const CONVERTERS: Converters = {
  lower: () => (text) => (text === 'BAD' ? new ConversionProblem('bad value') : text.toLowerCase()),
  hash: () => () => '#',
  unknown: () => (text) => text,
};
const INVERSES: Inverses = {
  lower: () => ({ kind: 'kept', reason: 'capital letters', write: (value) => value }),
  hash: () => ({ kind: 'lossy', reason: 'it is a hash' }),
};
const JOINS: readonly JoinRule[] = [
  { as: 'office', table: 'old.office', on: { id: { column: 'office' } } },
  { as: 'offices', table: 'old.office', on: { id: { column: 'office' } }, all: { columns: { n: { count: 'rows' } }, atMost: 10 } },
];
const UUIDS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

const ruleOf = (columns: Readonly<Record<string, Expression>>): TableRule => ({
  ...{ source: 'old.person', target: 'new.person', joins: JOINS, key: ['id'] },
  columns: { id: { column: 'id' }, ...columns },
});
const invert = (columns: Readonly<Record<string, Expression>>) => invertRule(ruleOf(columns), TABLES, CONVERTERS, INVERSES);

const [name, mail, stage]: readonly Expression[] = [{ column: 'name' }, { column: 'mail' }, { column: 'stage' }];
const lower = (input: Expression, invalid: 'held' | 'empty' = 'held'): Expression => ({ convert: 'lower', input, invalid });
const cases = (otherwise: string | null, ...values: readonly (readonly (string | null)[])[]): Expression => ({
  when: values.map(([to, ...accepted]) => ({ if: { is: stage as Expression, in: accepted }, then: { constant: to as string } })),
  otherwise: { constant: otherwise },
});

describe('the way back of a column', () => {
  test.each<[Expression | undefined, string, readonly string[]]>([
    [name, 'exact', []],
    [{ column: 'city', of: 'office' }, 'lossy', ['it is a row of old.office that holds it']],
    [{ column: 'n', of: 'offices' }, 'lossy', ['it is made of many rows of old.office']],
    [{ constant: 'x' }, 'lossy', ['the rule says what it is']],
    [{ uuid: UUIDS, input: { column: 'office' } }, 'kept', ['the key where it is no UUID']],
    [{ stride: 2, offset: 1, input: { column: 'office' }, invalid: 'held' }, 'exact', []],
    [{ allocated: 'keys', start: 1, step: 1, input: { column: 'office' } }, 'kept', ['the key that has the number']],
    [lower(mail as Expression), 'kept', ['capital letters']],
    [lower(mail as Expression, 'empty'), 'kept', ['capital letters', 'what cannot be converted is left empty']],
    [{ convert: 'hash', input: mail as Expression, invalid: 'held' }, 'lossy', ['it is a hash']],
    [{ convert: 'unknown', input: mail as Expression, invalid: 'held' }, 'lossy', ['nobody knows the way back of unknown']],
    [
      lower({ stride: 1, offset: 1, input: { column: 'office' }, invalid: 'held' }),
      'lossy',
      ['capital letters', 'one conversion upon another'],
    ],
    [{ split: ' ', part: 2, input: name as Expression }, 'kept', ['the other parts of the text']],
    [{ first: [mail as Expression, name as Expression] }, 'kept', ['which of them it comes from']],
    [{ first: [{ constant: 'x' }, name as Expression] }, 'lossy', ['the rule says what it is']],
    [{ first: [mail as Expression, mail as Expression] }, 'lossy', ['which of them it comes from', 'mail is read more than once']],
    [{ concat: [mail as Expression, name as Expression], separator: ', ' }, 'kept', ['which of the parts they are']],
    [{ concat: [mail as Expression, name as Expression], separator: '' }, 'lossy', ['nothing stands between the parts']],
    [cases(null, ['1', 'open'], ['2', 'won']), 'exact', []],
    [cases(null, ['1', 'open', 'new'], ['2', 'won']), 'kept', ['several values become the same one']],
    [cases('2', ['1', 'open'], ['2', 'won']), 'kept', ['several values become the same one']],
    [cases('9', ['1', 'open'], ['2', 'won']), 'lossy', ['all other values become one']],
    [cases(null, ['1', null]), 'lossy', ['all other values become one']],
    [
      { when: [{ if: { is: stage as Expression, in: ['x'] }, then: name as Expression }] },
      'lossy',
      ['a condition decides where it comes from'],
    ],
    [{ field: ['a'], input: name as Expression, invalid: 'held' }, 'lossy', ['one value out of a JSON text']],
    [{ object: { a: name as Expression } }, 'lossy', ['several values in one text']],
    [{ keyOf: 'new.office', keyColumn: 'id', key: [{ column: 'office' }] }, 'lossy', ['it is the key of another row']],
    [{ json: 'boolean', input: stage as Expression, invalid: 'held' }, 'exact', []],
  ])('%j', (expression, kind, reasons) => {
    expect(invert({ x: expression as Expression }).columns.get('x')).toEqual({ kind, reasons });
  });

  test('says what was mended before it was written', () => {
    const fix = { name: 'n', severity: 'fix' } as const;
    const way = (columns: Readonly<Record<string, Expression>>, ...validate: readonly ValidationRule[]) =>
      invertRule({ ...ruleOf(columns), validate }, TABLES, CONVERTERS, INVERSES).columns.get('x');
    expect(way({ x: name as Expression }, { ...fix, column: 'x', atMost: 3 })).toEqual({ kind: 'kept', reasons: ['what is cut off'] });
    expect(way({ x: lower(name as Expression) }, { ...fix, column: 'x', atMost: 3 })?.kind).toBe('lossy');
    expect(way({ x: lower(name as Expression) }, { ...fix, column: 'x', oneOf: ['a'] })).toEqual({
      kind: 'kept',
      reasons: ['capital letters', 'what is left out as wrong'],
    });
  });

  test('says which others are made of the same column', () => {
    const both = { kind: 'kept', reasons: ['made of the same column as label'] };
    expect(invert({ name: name as Expression, label: lower(name as Expression) }).columns.get('name')).toEqual(both);
    expect(
      invert({ label: lower(mail as Expression), short: { split: '@', part: 1, input: mail as Expression } }).columns.get('label'),
    ).toEqual({
      kind: 'lossy',
      reasons: ['capital letters', 'made of the same column as short'],
    });
    // What follows without holding the row takes nothing from it.
    expect(invert({ name: name as Expression, label: { object: { name: name as Expression } } }).columns.get('name')?.kind).toBe('exact');
  });
});

describe('a row of the target', () => {
  const { put } = invert({
    ...{ city: { column: 'city', of: 'office' }, mail: lower(mail as Expression), stage: cases(null, ['1', 'open'], ['2', 'won']) },
    ...{ last: { split: ' ', part: -1, input: name as Expression } },
  });
  const rows: JoinedRows = [['1', 'Ada King Lovelace', 'ADA@X.ORG', 'open', '7'], ['7', 'London'], ['1']];

  test.each([
    ['nobody changed it', ['1', 'London', 'ada@x.org', '1', 'Lovelace'], { driving: rows[0] }],
    ['some columns changed', ['1', 'London', 'ada@y.org', '2', 'Byron'], { driving: ['1', 'Ada King Byron', 'ada@y.org', 'won', '7'] }],
    ['columns were emptied', ['1', 'London', null, null, null], { driving: ['1', null, null, null, '7'] }],
    [
      'a joined row would have to change',
      ['1', 'Paris', 'ada@x.org', '1', 'Lovelace'],
      { problems: [{ reason: 'no way back', column: 'city' }] },
    ],
    [
      'no text becomes that',
      ['1', 'London', 'ADA', '3', 'x y'],
      { problems: ['mail', 'stage', 'last'].map((column) => ({ reason: 'no way back', column })) },
    ],
  ])('%s', (_, target, expected) => {
    const put0 = put(target, rows);
    const sorted = 'problems' in put0 ? { problems: put0.problems.toSorted((a, b) => order(a.column) - order(b.column)) } : put0;
    expect(sorted).toEqual(expected);
  });
});

function order(column: string): number {
  return ['city', 'mail', 'stage', 'last'].indexOf(column);
}
