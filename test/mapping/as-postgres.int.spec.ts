import { compileRule, type Aggregate, type Expression, type Row, type SourceTable } from '@changeover/mapping';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import fc from 'fast-check';
import type pg from 'pg';

const TABLES = new Map<string, SourceTable>([
  ['s', { columns: ['id', 'text'], key: ['id'] }],
  ['j', { columns: ['id', 'v', 'n'], key: ['id'], numbers: ['id', 'n'] }],
]);
const V = { column: 'v' } as const;
const N = { column: 'n' } as const;
const AGGREGATES = {
  count: { count: 'rows' },
  sum: { sum: N },
  least: { min: V },
  most: { max: V },
  min: { min: N },
  max: { max: N },
  latest: { latest: { column: 'id' }, by: N },
  text: { text: V, separator: '; ' },
  array: { array: V, as: 'postgres' },
  json: { array: { object: { v: V, n: { json: 'number', input: N, invalid: 'empty' } } }, as: 'json' },
} as const satisfies Record<string, Aggregate>;

/** What PostgreSQL itself makes of the same rows; `as_*` holds ours against it. */
const SQL = `
  select count(*)::text, sum(n)::text, min(v collate "C") as least, max(v collate "C") as most,
    min(n) is not distinct from $2::numeric and max(n) is not distinct from $3::numeric as as_numbers,
    (array_agg(id::text order by n desc, id) filter (where n is not null))[1] as latest,
    string_agg(v, '; ' order by n, id) as text,
    coalesce(array_agg(v order by n, id) filter (where v is not null), '{}') = $4::text[] as as_array,
    coalesce(jsonb_agg(jsonb_build_object('v', v, 'n', n) order by n, id), '[]') = $5::jsonb as as_json
  from jsonb_to_recordset($1::jsonb) as rows (id int, v text, n numeric)`;

function made(rows: readonly Row[]): Readonly<Record<keyof typeof AGGREGATES, string | null>> {
  const [join] = compileRule(
    {
      source: 's',
      target: 't.t',
      joins: [{ as: 'j', table: 'j', on: { id: { column: 'id' } }, order: [{ column: 'n' }], all: { columns: AGGREGATES, atMost: 100 } }],
      columns: { id: { column: 'id' } },
      key: ['id'],
    },
    TABLES,
    {},
  ).joins;
  const row = join?.all?.rowOf(rows.toSorted(join.compare).map((one) => [one])) as Row;
  return Object.fromEntries(Object.keys(AGGREGATES).map((name, place) => [name, row[place]])) as ReturnType<typeof made>;
}

function evaluated(expression: Expression, text: string): string | null {
  const rule = { source: 's', target: 't.t', columns: { id: { column: 'id' }, x: expression }, key: ['id'] };
  const derived = compileRule(rule, TABLES, {}).derive([['1', text]]);
  if ('problems' in derived) throw new Error(JSON.stringify(derived.problems));
  return derived.values[1] ?? null;
}

describe('what rules make, as PostgreSQL makes it', () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await testDatabase();
    client = await database.connect();
  }, 120_000);
  afterAll(() => database[Symbol.asyncDispose]());

  const text = fc.string({
    unit: fc.constantFrom('a', 'B', '"', '\\', '{', '}', ',', ' ', 'NULL', '\n', 'é', '\uffff', '😀'),
    maxLength: 5,
  });

  it('of many rows', async () => {
    const number = fc.tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.nat({ max: 4 })).map(([digits, places]) => {
      const whole = String(digits < 0n ? -digits : digits).padStart(places + 1, '0');
      return `${digits < 0n ? '-' : ''}${whole.slice(0, whole.length - places)}${places === 0 ? '' : `.${whole.slice(-places)}`}`;
    });
    const values = fc.array(fc.tuple(fc.option(text), fc.option(fc.oneof(number, fc.constantFrom('1', '1.0', '-2', '10')))), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(values, async (cells) => {
        const rows = cells.map(([v, n], index): Row => [String(index + 1), v, n]);
        const { min, max, array, json, ...ours } = made(rows);
        const told = `[${rows.map(([id, v, n]) => `{"id": ${String(id)}, "v": ${JSON.stringify(v)}, "n": ${n ?? 'null'}}`).join()}]`;
        const { rows: theirs } = await client.query(SQL, [told, min, max, array, json]);
        expect(theirs).toEqual([{ ...ours, as_numbers: true, as_array: true, as_json: true }]);
      }),
      { numRuns: 500 },
    );
  }, 120_000);

  it('of one text: its parts, and what JSON holds', async () => {
    const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify({ a: value, b: [value, { c: 1.5 }] }));
    const path = fc.array(fc.constantFrom('a', 'b', 'c', 0, 1, '0'), { minLength: 1, maxLength: 3 });
    const part = fc.constantFrom(1, 2, 3, -1, -2);
    let [found, parts] = [0, 0];
    await fc.assert(
      fc.asyncProperty(json, path, text, part, async (document, steps, words, n) => {
        fc.pre(!document.includes('\\u0000') && !/\\ud[89a-f]/iu.test(document));
        const { rows } = await client.query<{ field: string | null; part: string | null }>(
          `select $1::json #>> $2::text[] as field,
             case when cardinality(string_to_array($3, ',')) >= abs($4::int) then split_part($3, ',', $4::int) end as part`,
          [document, steps, words, n],
        );
        const field = evaluated({ field: steps, input: { column: 'text' }, invalid: 'held' }, document);
        // PostgreSQL takes the text '0' for a place too; for us it is a name.
        if (!steps.includes('0')) expect(field).toBe(rows[0]?.field ?? null);
        const ours = evaluated({ split: ',', part: n, input: { column: 'text' } }, words);
        // string_to_array of an empty text has no part at all.
        if (words !== '') expect(ours).toBe(rows[0]?.part ?? null);
        if (field !== null) found++;
        if (ours !== null) parts++;
      }),
      { numRuns: 500 },
    );
    expect([found > 50, parts > 50]).toEqual([true, true]);
  }, 120_000);
});
