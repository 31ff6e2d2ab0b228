import {
  compileRule,
  invertRule,
  type Expression,
  type Row,
  type SourceTable,
  type TableRule,
  type ValidationRule,
} from '@changeover/mapping';
import fc from 'fast-check';

import { CLEANERS, CONVERTERS, INVERSES } from './cleaners.js';

const COLUMNS = ['id', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const TABLES = new Map<string, SourceTable>([['old.t', { columns: COLUMNS, key: ['id'], numbers: ['id'] }]]);
const NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

/** Each cleaner with the options of its examples, and texts that it takes. */
const CLEANED = CLEANERS.flatMap(({ name, examples }) =>
  examples.map(({ options, from }) => ({ convert: name, ...(options !== undefined && { options }), from })),
);

/** Functions of a mapping's own with an inverse: of one value, of two, and such that several values become the same by. */
const OWN: readonly Pick<Own, 'custom' | 'fn' | 'inverse'>[] = [
  {
    custom: 'turned',
    fn: "(a) => a === null ? null : [...a].reverse().join('')",
    inverse: { fn: "(a) => [a === null ? null : [...a].reverse().join('')]", exact: true },
  },
  { custom: 'given', fn: "(a) => a ?? ''", inverse: { fn: '(a) => [a]', exact: false } },
  { custom: 'lowered', fn: '(a) => a === null ? null : a.toLowerCase()', inverse: { fn: '(a) => [a]', exact: false } },
  {
    custom: 'listed',
    // Of what no database holds, JSON would make a text that one could.
    fn: "(a, b) => { if ([a, b].some((one) => /\\0/.test(one ?? '') || one?.isWellFormed() === false)) throw a; return JSON.stringify([a, b]); }",
    inverse: { fn: '(text) => JSON.parse(text)', exact: true },
  },
];
type Own = Extract<Expression, { readonly custom: string }>;

const TEXTS = [
  '',
  ' ',
  'ada',
  'Ada Lovelace',
  'Ada  King Lovelace',
  'a-b',
  'yes',
  'N',
  'open',
  'won',
  'lost',
  ...CLEANED.map(({ from }) => from),
];
const invalid = fc.constantFrom('held' as const, 'empty' as const);
const text = fc.option(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...TEXTS) }, fc.string({ unit: 'binary', maxLength: 6 })), {
  freq: 6,
});

/** Over columns that it may use, each of them once or, now and then, twice. */
function expression(columns: readonly string[], depth: number): fc.Arbitrary<Expression> {
  const column = fc.constantFrom(...columns).map((name): Expression => ({ column: name }));
  if (depth === 0) return column;
  const inner = expression(columns, depth - 1);
  const [left, right] = halves(columns);
  const two = fc.tuple(expression(left, depth - 1), expression(right, depth - 1));
  return fc.oneof(
    column,
    fc
      .tuple(fc.constantFrom(...CLEANED), inner, invalid)
      .map(([{ from: _, ...cleaner }, input, how]): Expression => ({ ...cleaner, input, invalid: how })),
    inner.map((input): Expression => ({ uuid: NAMESPACE, input })),
    fc
      .tuple(fc.constantFrom(...OWN), inner, two, invalid)
      .map(([own, one, both, how]): Expression => ({ ...own, inputs: own.custom === 'listed' ? both : [one], invalid: how })),
    fc
      .tuple(fc.constantFrom(1, 2, -1, -2), fc.constantFrom(' ', '-'), inner)
      .map(([part, split, input]): Expression => ({ split, part, input })),
    two.map((first): Expression => ({ first })),
    two.map(([one, other]): Expression => ({ first: [one, other, { constant: 'nobody' }] })),
    fc.tuple(two, fc.constantFrom(' ', '-', '')).map(([concat, separator]): Expression => ({ concat, separator })),
    fc.tuple(column, fc.constantFrom(null, 'other', '1')).map(([is, otherwise]): Expression => ({
      when: [
        { if: { is, in: ['open', 'yes'] }, then: { constant: '1' } },
        { if: { is, in: ['won', 'open'] }, then: { constant: '2' } },
        { if: { is, in: [null] }, then: { constant: '3' } },
      ],
      otherwise: { constant: otherwise },
    })),
  );
}

function halves<T>(all: readonly T[]): readonly [readonly T[], readonly T[]] {
  const middle = Math.ceil(all.length / 2);
  return all.length === 1 ? [all, all] : [all.slice(0, middle), all.slice(middle)];
}

/** What cuts, empties or holds. */
const validations = fc.subarray<ValidationRule>([
  { name: 'length of x', column: 'x', atMost: 5, severity: 'fix' },
  { name: 'length of y', column: 'y', atMost: 12, severity: 'hold' },
  { name: 'values of w', column: 'w', oneOf: ['ada', 'yes', 'open', '1'], severity: 'fix' },
  { name: 'pattern of z', column: 'z', rejects: '-', severity: 'stop' },
  { name: 'y before z', column: 'z', check: { compare: 'text', left: 'y', is: '<=', right: 'z' }, severity: 'fix' },
]);

const rules = fc
  .tuple(expression(['a', 'b', 'c'], 3), expression(['d', 'e'], 2), expression(['f', 'g'], 2), expression(['g', 'h'], 1), validations)
  .map(([x, y, z, w, validate]): TableRule => ({
    ...{ source: 'old.t', target: 'new.t', key: ['id'], validate },
    columns: { id: { stride: 10, offset: 3, input: { column: 'id' }, invalid: 'held' }, w, x, y, z },
  }));

const rows = fc.tuple(fc.bigInt({ min: -9_000n, max: 9_000n }).map(String), text, text, text, text, text, text, text, text);

type Case = { readonly rule: TableRule; readonly source: Row; readonly other: Row };

/** What is wrong with the way back of a row that became another one in all columns that can be changed; undefined: the rule does not take both. */
function broken({ rule, source, other }: Case, claimed: Map<string, number>): string | null | undefined {
  const { derive } = compileRule(rule, TABLES, CONVERTERS);
  const inverted = invertRule(rule, TABLES, CONVERTERS, INVERSES);
  const [was, is] = [derive([source]), derive([other])];
  if (!('values' in was) || !('values' in is)) return undefined;
  const same = inverted.put(was.values, [source]);
  if (!('driving' in same) || same.driving.join('|') !== source.join('|')) return 'what nobody changed does not stay';
  const ways = Object.keys(rule.columns).map((column) => inverted.columns.get(column)?.kind ?? 'lossy');
  for (const kind of ways) claimed.set(kind, (claimed.get(kind) ?? 0) + 1);
  const changed = ways.map((kind, place) => (kind === 'lossy' ? was : is).values[place] ?? null);
  const put = inverted.put(changed, [source]);
  if (!('driving' in put)) return `no way back: ${put.problems.map(({ column }) => column).join()}`;
  const again = derive([put.driving]);
  if (!('values' in again)) return 'the row that is written is held';
  return ways.every((kind, place) => kind === 'lossy' || again.values[place] === changed[place])
    ? null
    : 'the row that is written becomes another';
}

describe('a rule the other way', () => {
  it('gives back what nobody changed, and takes whatever its columns may become', () => {
    const claimed = new Map<string, number>();
    fc.assert(
      fc.property(fc.record({ rule: rules, source: rows, other: rows }), (one) => {
        const problem = broken(one, claimed);
        fc.pre(problem !== undefined);
        expect(problem).toBeNull();
      }),
      { numRuns: 1500, ...(process.env['SEED'] !== undefined && { seed: Number(process.env['SEED']) }) },
    );
    for (const kind of ['exact', 'kept', 'lossy']) expect(claimed.get(kind)).toBeGreaterThan(250);
  });
});
