import {
  compileRule,
  compileRules,
  ConversionProblem,
  type Converters,
  type Expression,
  type Row,
  type SourceTable,
  type TableRule,
} from '@changeover/mapping';
import fc from 'fast-check';

import { claimingRule } from './claiming-rule.js';
import { wantedText } from './source-mirror.js';

const COLUMNS = ['id', 'a', 'b'];
const TABLES = new Map<string, SourceTable>(['s', 'j', 'k', 'l'].map((name) => [name, { columns: COLUMNS, key: ['id'] }]));
const CONVERTERS: Converters = { strict: () => (text) => (text === 'bad' ? new ConversionProblem('bad value') : text.toUpperCase()) };

const MAX = Object.fromEntries(COLUMNS.map((name) => [name, { max: { column: name } }]));

const column = fc.record({ column: fc.constantFrom(...COLUMNS), of: fc.constantFrom('', 'j', 'k', 'l') });
const plain: fc.Arbitrary<Expression> = column.map(({ of, ...rest }) => (of === '' ? rest : { ...rest, of }));
const convertedOf = (input: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
  fc.record({ convert: fc.constant('strict'), input, invalid: fc.constantFrom('held' as const, 'empty' as const) });
const simple = fc.oneof(plain, convertedOf(plain), convertedOf(convertedOf(plain)));
const expression: fc.Arbitrary<Expression> = fc.oneof(
  { weight: 4, arbitrary: simple },
  {
    weight: 1,
    arbitrary: fc.tuple(plain, simple, plain).map(([is, then, otherwise]) => ({ when: [{ if: { is, in: ['1'] }, then }], otherwise })),
  },
  { weight: 1, arbitrary: simple.map((input) => ({ object: { of: { stride: 2, offset: 1, input, invalid: 'held' as const } } })) },
  { weight: 1, arbitrary: simple.map((input) => ({ uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', input })) },
  { weight: 1, arbitrary: fc.array(simple, { minLength: 1, maxLength: 2 }).map((first) => ({ first })) },
  { weight: 1, arbitrary: fc.array(simple, { minLength: 1, maxLength: 2 }).map((concat) => ({ concat, separator: ' ' })) },
);
const targetColumn = fc.constantFrom('x', 'y', 'z');

const validation = fc.record({
  column: targetColumn,
  severity: fc.constantFrom('fix' as const, 'warn' as const, 'hold' as const, 'stop' as const),
  check: fc.constantFrom(
    { value: 'x', in: ['1', '2'] },
    { not: { value: 'y', in: ['2'] } },
    {
      any: [
        { value: 'z', in: [null] },
        { compare: 'text' as const, left: 'x', is: '<=' as const, right: 'y' },
      ],
    },
  ),
});

const rule: fc.Arbitrary<TableRule> = fc
  .record({
    columns: fc.record({ id: fc.constant({ column: 'id' }), x: expression, y: expression, z: expression }),
    key: fc.constantFrom(['id'], ['x']),
    required: fc.uniqueArray(targetColumn, { maxLength: 1 }),
    unique: fc.uniqueArray(targetColumn, { minLength: 1, maxLength: 2 }),
    counted: fc.option(fc.record({ value: targetColumn, in: fc.constantFrom(['1'], [null, '2']) }), { nil: undefined }),
    validate: fc.array(validation, { maxLength: 2 }).map((all) => all.map((one, index) => ({ ...one, name: String(index) }))),
    where: fc.option(
      plain.map((is) => ({ any: [{ not: { is, in: ['1'] } }, { is, in: [null] }] })),
      { nil: undefined },
    ),
  })
  .map(({ where, unique, counted, ...rest }) => ({
    source: 's',
    target: 't.t',
    joins: [
      { as: 'j', table: 'j', on: { id: { column: 'a' } } },
      { as: 'k', table: 'k', on: { id: { column: 'b', of: 'j' } } },
      { as: 'l', table: 'l', on: { id: { column: 'id' } }, all: { columns: MAX, atMost: 1 } },
    ],
    ...rest,
    unique: [{ columns: unique, ...(counted && { where: counted }), order: [{ column: 'b' }], otherwise: 'held' }],
    ...(where === undefined ? {} : { where }),
  }));

const value = fc.constantFrom('1', '2', 'bad', null);
const row: fc.Arbitrary<Row> = fc.tuple(fc.constantFrom('1', '2'), value, value);

const rows = fc.array(row, { maxLength: 2 });

/** What a row wants under a rule: by unique rule its values and its place among those that want them too; null: it is held, or refused. */
function wanted(of: TableRule, driving: Row, rows: Readonly<Record<string, readonly Row[]>>): unknown {
  const compiled = compileRule(of, TABLES, CONVERTERS);
  const joined: [Row, ...(Row | null)[]] = [driving];
  for (const { lookup, table, all } of compiled.joins) {
    const found = lookup(joined) === null ? [] : (rows[table] ?? []);
    if (all === null) joined.push(found[0] ?? null);
    // Held, or refused.
    else if (found.length > all.atMost) return null;
    else joined.push(all.rowOf(found.map((one) => [one])) as Row);
  }
  if (!compiled.accepts(joined)) return null;
  const derived = compiled.derive(joined);
  if ('problems' in derived) return null;
  return compiled.uniques.map((unique) => [wantedText(derived.values, unique), unique.orderOf(driving)]);
}

describe('what of a rule decides what a row wants', () => {
  it('wants the same as all of it, whatever the rows', () => {
    let [wanting, shorter] = [0, 0];
    fc.assert(
      fc.property(rule, row, fc.record({ j: rows, k: rows, l: rows }), (whole, driving, joined) => {
        const part = claimingRule(whole);
        const expected = wanted(whole, driving, joined);
        if (expected !== null) wanting++;
        if ((part.joins?.length ?? 0) < 3 && Object.keys(part.columns).length < 4) shorter++;
        expect(wanted(part, driving, joined)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
    expect([wanting > 500, shorter > 500]).toEqual([true, true]);
  });

  it('is a rule, also where a row without the key of another is held', () => {
    const [of, other] = [
      { parent: 't', key: [{ column: 'a' }] },
      { parent: 't', key: [{ column: 'b' }] },
    ];
    const columns = { id: { column: 'id' }, a: { keyOf: 't', keyColumn: 'id', key: of.key } };
    const part = claimingRule({ source: 's', target: 't', columns, key: ['id'], required: ['a'], requires: [other, of] });
    expect([part.columns, part.requires]).toEqual([columns, [of]]);
    expect(compileRules({ rules: [part] }, TABLES, CONVERTERS)).toHaveLength(1);
  });
});
