import type { JoinedRows } from './compiled-rule.js';
import { compileRule } from './compile-rule.js';
import { parseMapping } from './mapping.js';
import { columnsNaming, keyFollowsMergeKey, nameOfMerged } from './merge.js';
import type { Expression, MergeRule, Survivor, TableRule } from './rule.js';

const SOURCES = new Map([['public.a', { columns: ['id', 'email', 'v', 'p'], key: ['id'], numbers: ['id'] }]]);
const BY: Expression = { column: 'email' };

const rule = (merge: Partial<MergeRule>, change: Partial<TableRule> = {}): TableRule => ({
  source: 'public.a',
  target: 'crm.t',
  name: 'one',
  columns: { id: { column: 'id' }, v: { column: 'v' } },
  key: ['id'],
  merge: { by: BY, atMost: 10, ...merge },
  ...change,
});

const survivors = (survivor: Survivor, values: readonly (string | null)[]): readonly unknown[] => {
  const { merge } = compileRule(rule({ columns: { v: survivor } }), SOURCES, {});
  const made = merge?.survivors(values.map((value, index) => [String(index), value]));
  return [made?.values[1], made?.from[1]];
};

describe('a column of a merged row', () => {
  it.each<[Survivor, readonly (string | null)[], string | null, number | null]>([
    ['first', [null, 'b', 'c'], 'b', 1],
    ['first', [null, null], null, -1],
    ['last', ['a', 'b', null], 'b', 1],
    ['longest', ['ab', 'abc', 'xyz', null], 'abc', 1],
    // One character, of two halves.
    ['longest', ['ab', '😀'], 'ab', 0],
    ['most-frequent', ['a', 'b', null, 'b'], 'b', 1],
    ['most-frequent', ['a', 'b', 'b', 'a'], 'a', 0],
    [{ least: 'number' }, ['10', '9', '9.0', 'none'], '9', 1],
    [{ greatest: 'number' }, ['none', '9', '10'], '10', 2],
    [{ greatest: 'number' }, ['none', 'nothing'], 'none', 0],
    [{ least: 'date' }, ['2024-02-01', '2024-01-31'], '2024-01-31', 1],
    [{ greatest: 'text' }, ['b', 'c', 'a'], 'c', 1],
    [{ text: ', ' }, ['b', null, 'a', 'b'], 'b, a', null],
    [{ text: ', ' }, [null], null, null],
    [{ array: 'json' }, ['b"', 'a', 'a'], '["b\\"", "a"]', null],
    [{ array: 'postgres' }, ['b', null], '{"b"}', null],
  ])('%j of %j is %j', (survivor, values, value, from) => {
    expect(survivors(survivor, values)).toEqual([value, from]);
  });
});

const KEY_OF = { keyOf: 'crm.t', rule: 'one', keyColumn: 'id', key: [{ column: 'p' }] } as const;
const REFERRING: TableRule = {
  source: 'public.a',
  target: 'crm.c',
  columns: { id: { column: 'id' }, p: KEY_OF },
  key: ['id'],
  requires: [{ parent: 'crm.t', rule: 'one', key: [{ column: 'p' }] }],
};

describe('a rule that merges', () => {
  const row = (...values: readonly (string | null)[]): JoinedRows => [values];

  it('names the merged row by the key, and no row without one', () => {
    const { merge } = compileRule(rule({}), SOURCES, {});
    expect(merge?.nameOf(row('1', 'a@b', 'x', null))).toBe(nameOfMerged('a@b'));
    expect(merge?.nameOf(row('1', 'A@b', 'x', null))).not.toBe(nameOfMerged('a@b'));
    expect(merge?.nameOf(row('1', null, 'x', null))).toBeNull();
    expect(nameOfMerged('a@b')).toMatch(/^[0-9a-f]{32}$/u);
  });

  it('asks a row alone what it asks a merged row, and a part nothing', () => {
    const compiled = compileRule(rule({ columns: { v: { array: 'json' } } }, { required: ['v'] }), SOURCES, {});
    expect(compiled.derive(row('1', null, 'x', null))).toEqual({ values: ['1', '["x"]'], notes: [] });
    expect(compiled.merge?.partOf(row('1', null, null, null))).toEqual({ values: ['1', null], problems: [] });
    expect(compiled.merge?.complete(['1', null])).toEqual({ problems: [{ reason: 'empty', column: 'v' }] });
  });

  it('orders its rows by the columns that it says, numbers by value, then by key', () => {
    const { merge } = compileRule(rule({ order: [{ column: 'v', descending: true }] }), SOURCES, {});
    const rows = [row('10', null, 'a', null), row('9', null, 'a', null), row('11', null, 'b', null), row('1', null, null, null)];
    const ordered = rows
      .map(([driving]) => ({ id: driving[0], order: merge?.orderOf(driving) ?? '' }))
      .sort((a, b) => (a.order < b.order ? -1 : 1));
    expect(ordered.map(({ id }) => id)).toEqual(['1', '11', '9', '10']);
  });

  it('needs a parent by the columns that read what names it, also over a join', () => {
    const joins = [{ as: 'j', table: 'public.a', on: { id: { column: 'p' } } }];
    const columns = { id: { column: 'id' }, v: { column: 'v', of: 'j' }, p: { column: 'p' } };
    expect(columnsNaming([{ column: 'p' }], { columns, joins })).toEqual([1, 2]);
    expect(columnsNaming([{ column: 'email' }], { columns, joins })).toEqual([]);
  });

  it.each<[string, Expression, boolean]>([
    ['the merge key', BY, true],
    ['a key made of it', { uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', input: { first: [BY, { column: 'id' }] } }, true],
    ['it with a constant', { concat: [{ constant: 'p' }, BY], separator: '-' }, true],
    ['the key of a row', { column: 'id' }, false],
    ['that before it', { first: [{ column: 'id' }, BY] }, false],
    ['both', { concat: [BY, { column: 'id' }], separator: '-' }, false],
  ])('has a key that stays where that is %s', (_, id, follows) => {
    expect(keyFollowsMergeKey(rule({}, { columns: { id, v: { column: 'v' } } }))).toBe(follows);
  });

  it('has one form, whatever was said that is the default', () => {
    const [short] = parseMapping({ rules: [rule({})] }).rules;
    const [long] = parseMapping({ rules: [rule({ order: [], columns: { v: 'first' } })] }).rules;
    expect(long).toEqual(short);
  });

  it.each<[string, readonly TableRule[]]>([
    ['rules[0] (crm.t).name: must be there, and not be merged, as rows of crm.t are merged', [rule({}, { name: 'merged' })]],
    ['rules[0] (crm.t).merge.columns.w: the rule makes no column w', [rule({ columns: { w: 'last' } })]],
    [
      'rules[0] (crm.t).merge.by.invalid: must be empty: only a column can hold its row',
      [rule({ by: { stride: 1, offset: 0, input: BY, invalid: 'held' } })],
    ],
    ['rules[1] (crm.t).merge: must be those of the rule one, which makes crm.t too', [rule({}), rule({ atMost: 9 }, { name: 'two' })]],
    [
      'rules[1] (crm.t).required: must be those of the rule one, which makes crm.t too',
      [rule({}), rule({}, { name: 'two', required: ['v'] })],
    ],
    ['rules[1] (crm.t).whileHeld: must be those', [rule({}), rule({}, { name: 'two', whileHeld: 'none' })]],
    [
      'rules[0] (crm.t).merge.columns.v: must be one of first, last, longest, most-frequent, or an object',
      [rule({ columns: { v: 'frist' as 'first' } })],
    ],
  ])('is refused: %s', (message, rules) => {
    expect(() => parseMapping({ rules })).toThrow(message);
  });

  it.each<[string, Partial<TableRule>, string]>([
    ['of a row that is not required', { requires: [] }, '.columns.p.keyOf: p has the key of a row of crm.t that is not among requires'],
    [
      'of no column of the key',
      { columns: { ...REFERRING.columns, p: { ...KEY_OF, keyColumn: 'v' } } },
      '.columns.p.keyColumn: must be a column of the key of crm.t (id)',
    ],
    ['in a key', { key: ['id', 'p'] }, '.columns.p: must not be of the key'],
    ['that is unique', { unique: [{ columns: ['p'], otherwise: 'held' }] }, '.columns.p: must not be in unique'],
    [
      'that is validated',
      { validate: [{ name: 'n', column: 'id', severity: 'warn', check: { compare: 'text', left: 'id', is: '<', right: 'p' } }] },
      '.columns.p: must not be in validate',
    ],
    [
      'in another value',
      { columns: { ...REFERRING.columns, p: { first: [KEY_OF] } } },
      '.columns.p.first[0]: must stand alone in a column',
    ],
    [
      'of which several are made one',
      { name: 'n', merge: { by: BY, columns: { p: 'longest' }, atMost: 9 } },
      '.merge.columns.p: must be first or last',
    ],
  ])('gives its key to no column %s', (_, change, message) => {
    expect(parseMapping({ rules: [rule({}), REFERRING] }).rules).toHaveLength(2);
    expect(() => parseMapping({ rules: [rule({}), { ...REFERRING, ...change }] })).toThrow(message);
  });

  it('has keys of other rows in a column by all its rules', () => {
    const one: TableRule = { ...REFERRING, name: 'n', merge: { by: BY, atMost: 9 } };
    const other = (p: Expression): TableRule => ({ ...one, name: 'm', requires: [], columns: { ...one.columns, p } });
    expect(parseMapping({ rules: [rule({}), one, other({ constant: null })] }).rules).toHaveLength(3);
    expect(() => parseMapping({ rules: [rule({}), one, other({ column: 'p' })] })).toThrow(
      '.columns.p: must be a key of another row in all rules',
    );
  });

  it('may merge by other values than another rule for the table', () => {
    const other = rule({ by: { constant: null }, order: [{ column: 'p' }] }, { name: 'two' });
    expect(parseMapping({ rules: [rule({}), other] }).rules).toHaveLength(2);
  });
});
