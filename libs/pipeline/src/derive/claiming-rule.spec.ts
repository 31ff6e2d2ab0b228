import {
  compileRule,
  ConversionProblem,
  type Converters,
  type Expression,
  type Row,
  type SourceTable,
  type TableRule,
} from '@changeover/mapping';
import fc from 'fast-check';

import { claimingRule } from './claiming-rule.js';
import { valuesText } from './source-mirror.js';

const COLUMNS = ['id', 'a', 'b'];
const TABLES = new Map<string, SourceTable>(['s', 'j', 'k', 'l'].map((name) => [name, { columns: COLUMNS, key: ['id'] }]));
const CONVERTERS: Converters = { strict: () => (text) => (text === 'bad' ? new ConversionProblem('bad value') : text.toUpperCase()) };

const column = fc.record({ column: fc.constantFrom(...COLUMNS), of: fc.constantFrom('', 'j', 'k', 'l') });
const plain: fc.Arbitrary<Expression> = column.map(({ of, ...rest }) => (of === '' ? rest : { ...rest, of }));
const convertedOf = (input: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
  fc.record({ convert: fc.constant('strict'), input, invalid: fc.constantFrom('held' as const, 'empty' as const) });
const simple = fc.oneof(plain, convertedOf(plain), convertedOf(convertedOf(plain)));
const expression: fc.Arbitrary<Expression> = fc.oneof(
  { weight: 4, arbitrary: simple },
  { weight: 1, arbitrary: simple.map((input) => ({ uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', input })) },
  { weight: 1, arbitrary: fc.array(simple, { minLength: 1, maxLength: 2 }).map((first) => ({ first })) },
  { weight: 1, arbitrary: fc.array(simple, { minLength: 1, maxLength: 2 }).map((concat) => ({ concat, separator: ' ' })) },
);
const targetColumn = fc.constantFrom('x', 'y', 'z');

const rule: fc.Arbitrary<TableRule> = fc
  .record({
    columns: fc.record({ id: fc.constant({ column: 'id' }), x: expression, y: expression, z: expression }),
    key: fc.constantFrom(['id'], ['x']),
    required: fc.uniqueArray(targetColumn, { maxLength: 1 }),
    unique: fc.uniqueArray(targetColumn, { minLength: 1, maxLength: 2 }),
    where: fc.option(
      plain.map((is) => ({ any: [{ not: { is, in: ['1'] } }, { is, in: [null] }] })),
      { nil: undefined },
    ),
  })
  .map(({ where, unique, ...rest }) => ({
    source: 's',
    target: 't.t',
    joins: [
      { as: 'j', table: 'j', on: { id: { column: 'a' } } },
      { as: 'k', table: 'k', on: { id: { column: 'b', of: 'j' } } },
      { as: 'l', table: 'l', on: { id: { column: 'id' } } },
    ],
    ...rest,
    unique: [{ columns: unique, order: [{ column: 'b' }], otherwise: 'held' }],
    ...(where === undefined ? {} : { where }),
  }));

const value = fc.constantFrom('1', '2', 'bad', null);
const row: fc.Arbitrary<Row> = fc.tuple(fc.constantFrom('1', '2'), value, value);

/** What a row wants under a rule: by unique rule its values and its place among those that want them too; null: it is held, or refused. */
function wanted(of: TableRule, driving: Row, rows: Readonly<Record<string, Row | null>>): unknown {
  const compiled = compileRule(of, TABLES, CONVERTERS);
  const joined: [Row, ...(Row | null)[]] = [driving];
  for (const join of compiled.joins) joined.push(join.lookup(joined) === null ? null : (rows[join.table] ?? null));
  if (!compiled.accepts(joined)) return null;
  const derived = compiled.derive(joined);
  if ('problems' in derived) return null;
  return compiled.uniques.map(({ columns, orderOf }) => [valuesText(derived.values, columns), orderOf(driving)]);
}

describe('what of a rule decides what a row wants', () => {
  it('wants the same as all of it, whatever the rows', () => {
    let [wanting, shorter] = [0, 0];
    fc.assert(
      fc.property(rule, row, fc.record({ j: fc.option(row), k: fc.option(row), l: fc.option(row) }), (whole, driving, joined) => {
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
});
