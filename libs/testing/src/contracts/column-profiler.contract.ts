import type { ColumnProfiler, NormalForm } from '@changeover/analysis';
import { formatRows } from '@changeover/events';
import fc from 'fast-check';

import { InMemoryColumnProfiler } from '../fakes/in-memory-column-profiler.js';

/** A profiler that has taken in nothing yet; the bed closes it. */
export type ColumnProfilerBed = AsyncDisposable & { readonly profiler: ColumnProfiler };

type Rows = readonly (readonly (string | null)[])[];

const FORMS = ['exact', 'trimmed', 'caseless', 'email', 'phone', 'company'] as const satisfies readonly NormalForm[];

/** What every profiler counts. */
export function columnProfilerContract(name: string, open: () => Promise<ColumnProfilerBed>): void {
  describe(`column profiler: ${name}`, () => {
    let bed: ColumnProfilerBed;
    beforeEach(async () => {
      bed = await open();
    }, 60_000);
    afterEach(() => bed[Symbol.asyncDispose]());

    const add = (table: string, columns: readonly string[], ...pieces: readonly Rows[]): Promise<void> =>
      bed.profiler.add(table, columns, streamed(pieces));

    it('takes every text as it is, whatever tables and columns are called', async () => {
      const texts = ['', '\\N', '\\\\n', 'a\tb', 'a\nb', 'a\rb\r\n', '"', '"a,b"', "it's", '#', 'ü 伊藤 😀', '\\', '\b\f\v', 'a\\tb', ' '];
      const rows = texts.map((text, index) => [text, index % 2 === 0 ? null : 'x']);
      await add('public.a b"', ['odd "one', "o'ther"], rows.slice(0, 4), rows.slice(4));
      const { values, ...counts } = await bed.profiler.count({ table: 'public.a b"', column: 'odd "one' }, 100);
      expect(values.map(({ value }) => value).sort()).toEqual([...texts].sort());
      expect(counts).toMatchObject({ rows: texts.length, nulls: 0, distinct: texts.length, minLength: 0, maxLength: 6, blank: 2 });
      expect(await bed.profiler.count({ table: 'public.a b"', column: "o'ther" }, 100)).toEqual({
        ...{ rows: texts.length, nulls: 8, blank: 0, distinct: 1, minLength: 1, maxLength: 1, min: 'x', max: 'x' },
        values: [{ value: 'x', rows: 7 }],
      });
    });

    it('takes a table of one column, and one without rows', async () => {
      await add('one', ['v'], [[''], [null], ['x'], ['']], [['y']]);
      expect(await bed.profiler.count({ table: 'one', column: 'v' }, 10)).toMatchObject({ rows: 5, nulls: 1, blank: 2, distinct: 3 });
      await add('none', ['v', 'w']);
      const place = { table: 'none', columns: ['w'] };
      expect(await bed.profiler.count({ table: 'none', column: 'w' }, 10)).toEqual({
        ...{ rows: 0, nulls: 0, blank: 0, distinct: 0, min: null, max: null, minLength: null, maxLength: null, values: [] },
      });
      expect(await bed.profiler.lookUp(place, [{ table: 'one', columns: ['v'] }])).toEqual({ values: 0, found: [0] });
      expect(await bed.profiler.orphans(place, { table: 'one', columns: ['v'] })).toEqual({ rows: 0, orphans: 0 });
      expect(await bed.profiler.repeats('none', [{ column: 'w', form: 'exact' }])).toEqual({ groups: 0, surplus: 0 });
    });

    it('tells of a long value how long it is, and how it begins', async () => {
      const long = 'é😀'.repeat(1_500);
      await add('t', ['v'], [[long], ['short']]);
      const { maxLength, max, values } = await bed.profiler.count({ table: 't', column: 'v' }, 10);
      expect(maxLength).toBe(3_000);
      expect(max).toBe('é😀'.repeat(1_000));
      expect(values.map(({ value }) => value).sort()).toEqual(['short', 'é😀'.repeat(1_000)].sort());
    });

    it('orders numbers by value and texts by their bytes', async () => {
      await add(
        't',
        ['n', 'v'],
        [
          ['10', 'z'],
          ['9', 'é'],
          ['-2.5', 'A'],
          [null, null],
        ],
      );
      expect(await bed.profiler.count({ table: 't', column: 'n' }, 10)).toMatchObject({ min: '-2.5', max: '10' });
      expect(await bed.profiler.count({ table: 't', column: 'v' }, 10)).toMatchObject({ min: 'A', max: 'é' });
    });

    it('gives all values, or the most frequent ones and others, the same each time', async () => {
      await add(
        't',
        ['n'],
        Array.from({ length: 1_000 }, (_, index) => [String(index < 300 ? 7 : index)]),
      );
      const place = { table: 't', column: 'n' };
      expect((await bed.profiler.count(place, 701)).values).toHaveLength(701);
      const { distinct, values } = await bed.profiler.count(place, 100);
      expect(distinct).toBe(701);
      expect(values[0]).toEqual({ value: '7', rows: 300 });
      expect(new Set(values.map(({ value }) => value)).size).toBe(values.length);
      expect(values.length).toBeGreaterThan(80);
      expect(values.length).toBeLessThanOrEqual(100);
      expect((await bed.profiler.count(place, 100)).values).toEqual(values);
    });

    it('looks up a thousand values and no more', async () => {
      await add(
        'parents',
        ['id'],
        Array.from({ length: 3_000 }, (_, index) => [String(index)]),
      );
      await add(
        'children',
        ['parent'],
        Array.from({ length: 5_000 }, (_, index) => [String(2_000 + (index % 2_500))]),
      );
      const from = { table: 'children', columns: ['parent'] };
      const key = { table: 'parents', columns: ['id'] };
      const { values, found } = await bed.profiler.lookUp(from, [key]);
      expect(values).toBe(1_000);
      // Of 2,500 different ones 1,000 are keys.
      expect(found[0]).toBeGreaterThan(0);
      expect(found[0]).toBeLessThanOrEqual(1_000);
      expect(await bed.profiler.lookUp(from, [key])).toEqual({ values, found });
      expect(await bed.profiler.orphans(from, key)).toEqual({ rows: 5_000, orphans: 3_000 });
    });

    it('finds keys of one column, and what is missing', async () => {
      await add(
        'parents',
        ['id', 'name'],
        [
          ['1', 'a'],
          ['2', 'b'],
          ['3', null],
        ],
      );
      await add(
        'children',
        ['parent', 'kind'],
        [
          ['1', 'P'],
          ['2', null],
          ['9', 'P'],
          ['9', "Q'"],
          [null, 'P'],
          ['\u200b ', 'P'],
        ],
      );
      const from = { table: 'children', columns: ['parent'] };
      const key = { table: 'parents', columns: ['id'] };
      expect(await bed.profiler.lookUp(from, [key, { table: 'parents', columns: ['name'] }])).toEqual({ values: 3, found: [2, 0] });
      expect(await bed.profiler.orphans(from, key)).toEqual({ rows: 4, orphans: 2 });
      const when = (...values: readonly (string | null)[]): { column: string; values: typeof values } => ({ column: 'kind', values });
      expect(await bed.profiler.orphans(from, key, when("Q'"))).toEqual({ rows: 1, orphans: 1 });
      expect(await bed.profiler.orphans(from, key, when('P', null))).toEqual({ rows: 3, orphans: 1 });
      expect(await bed.profiler.orphans(from, key, when())).toEqual({ rows: 0, orphans: 0 });
    });

    it('finds keys of several columns: each by itself is not enough, and one that is blank refers to nothing', async () => {
      await add(
        'parents',
        ['no', 'tenant'],
        [
          ['1', 'a'],
          ['2', 'b'],
          ['2', 'c'],
        ],
      );
      await add(
        'children',
        ['tenant', 'no'],
        [
          ['a', '1'],
          ['a', '1'],
          ['a', '2'],
          ['b', '2'],
          ['b', null],
          [' ', '2'],
          ['d', '1'],
        ],
      );
      const from = { table: 'children', columns: ['tenant', 'no'] };
      const key = { table: 'parents', columns: ['tenant', 'no'] };
      expect(await bed.profiler.lookUp(from, [key, { table: 'parents', columns: ['no', 'tenant'] }])).toEqual({ values: 4, found: [2, 0] });
      expect(await bed.profiler.orphans(from, key)).toEqual({ rows: 5, orphans: 2 });
    });

    it.each([
      ['exact', ['a', 'a', 'a ', 'A', '', '', null, null], { groups: 2, surplus: 2 }],
      ['trimmed', ['a', 'a\u00a0', '\u3000a', 'A', '', ' ', null], { groups: 1, surplus: 2 }],
      ['caseless', ['Ä', 'ä ', 'a', ' ', ''], { groups: 1, surplus: 1 }],
      ['email', ['Ada@example.com ', 'ada@EXAMPLE\u200b.com\u00a0', 'ada@example.org', null, '', ' '], { groups: 1, surplus: 1 }],
      ['phone', ['+49 (0)171 3920012', '0171/39200-12', '12', '12', null], { groups: 1, surplus: 1 }],
      ['company', ['Müller & Söhne GmbH', 'MULLER SOHNE', 'Muller, Söhne Co. KG', 'Müller', 'S.A.', 'GmbH'], { groups: 1, surplus: 2 }],
    ] as const)('takes for the same what is, as %s', async (form, values, repeats) => {
      await add(
        't',
        ['v'],
        values.map((value) => [value]),
      );
      expect(await bed.profiler.repeats('t', [{ column: 'v', form }])).toEqual(repeats);
    });

    it('takes several columns together, of the rows that it is told', async () => {
      await add(
        't',
        ['tenant', 'mail', 'gone'],
        [
          ['1', 'ada@example.com', '0'],
          ['1', 'ADA@example.com', '0'],
          ['2', 'ada@example.com', '0'],
          ['2', 'Ada@example.com', '1'],
          ['2', null, '0'],
          ['2', null, null],
          [null, 'ada@example.com', '0'],
          [null, 'ada@example.com', '0'],
        ],
      );
      const both = [
        { column: 'tenant', form: 'exact' },
        { column: 'mail', form: 'email' },
      ] as const;
      expect(await bed.profiler.repeats('t', both)).toEqual({ groups: 2, surplus: 2 });
      expect(await bed.profiler.repeats('t', both, { column: 'gone', values: ['0', null] })).toEqual({ groups: 1, surplus: 1 });
    });

    it('counts what one that keeps all in memory counts', async () => {
      const values = fc.constantFrom(
        null,
        '',
        ' ',
        '\u00a0',
        'a',
        'A',
        ' a',
        'a\u2003',
        'b',
        '1',
        '01',
        'Co',
        'a co',
        '0171 3920012',
        '+49 171 3920012',
      );
      const rows = fc.array(fc.tuple(values, values), { maxLength: 12 });
      const when = fc.option(fc.record({ column: fc.constantFrom('a', 'b'), values: fc.uniqueArray(values, { maxLength: 3 }) }), {
        nil: undefined,
      });
      const columns = fc.constantFrom(['a'], ['b'], ['a', 'b'], ['b', 'a']);
      const form = fc.constantFrom(...FORMS);
      let number = 0;
      await fc.assert(
        fc.asyncProperty(rows, rows, columns, when, form, form, async (ones, others, of, only, first, second) => {
          const [one, other] = [`one${String(number)}`, `other${String(number++)}`];
          await using model = new InMemoryColumnProfiler();
          const ask = async (profiler: ColumnProfiler): Promise<unknown> => {
            await profiler.add(one, ['a', 'b'], streamed([ones]));
            await profiler.add(other, ['a', 'b'], streamed([others]));
            const [from, key] = [
              { table: one, columns: of },
              { table: other, columns: of },
            ];
            const forms = of.map((column, index) => ({ column, form: index === 0 ? first : second }));
            const counts = await profiler.count({ table: one, column: 'a' }, 20);
            return [
              // Of values that as many rows have either may come first, and of two ways to write a number either may be the least.
              {
                ...counts,
                values: [...counts.values].sort((a, b) => (a.value < b.value ? -1 : 1)),
                min: counts.min === null,
                max: counts.max === null,
              },
              await profiler.lookUp(from, [key, { table: one, columns: of.toReversed() }]),
              await profiler.orphans(from, key, only),
              await profiler.repeats(one, forms, only),
            ];
          };
          expect(await ask(bed.profiler)).toEqual(await ask(model));
        }),
        { numRuns: 30 },
      );
    }, 60_000);
  });
}

async function* streamed(pieces: readonly Rows[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield await Promise.resolve(formatRows(piece));
}
