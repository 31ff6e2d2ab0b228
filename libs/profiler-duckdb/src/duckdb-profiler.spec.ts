import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { formatRows } from '@changeover/events';

import { DuckDbProfiler } from './duckdb-profiler.js';

type Rows = readonly (readonly (string | null)[])[];

class Bed implements AsyncDisposable {
  readonly stop = new AbortController();

  private constructor(
    readonly folder: string,
    public profiler: DuckDbProfiler,
  ) {}

  static async open(): Promise<Bed> {
    // A quote in the path: it stands in SQL.
    const folder = await mkdtemp(join(tmpdir(), "changeover-it's-"));
    const bed = new Bed(folder, undefined as unknown as DuckDbProfiler);
    bed.profiler = await DuckDbProfiler.open({ folder, memoryBytes: 256 * 1024 * 1024, threads: 2, signal: bed.stop.signal });
    return bed;
  }

  add(table: string, columns: readonly string[], ...pieces: readonly Rows[]): Promise<void> {
    return this.profiler.add(table, columns, streamed(pieces.map(formatRows)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.profiler[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}

async function* streamed(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

describe('DuckDbProfiler', () => {
  it('takes every text as it is', async () => {
    await using bed = await Bed.open();
    const texts = ['', '\\N', '\\\\n', 'a\tb', 'a\nb', 'a\rb\r\n', '"', '"a,b"', "it's", '#', 'ü 伊藤 😀', '\\', '\b\f\v', 'a\\tb', ' '];
    await bed.add(
      'public.a b"',
      ['odd "one', "o'ther"],
      texts.map((text, index) => [text, index % 2 === 0 ? null : 'x']),
    );
    const { values, ...counts } = await bed.profiler.count({ table: 'public.a b"', column: 'odd "one' }, 100);
    expect(values.map(({ value }) => value).sort()).toEqual([...texts].sort());
    expect(counts).toMatchObject({ rows: texts.length, nulls: 0, distinct: texts.length, minLength: 0, blank: 2 });
    expect(await bed.profiler.count({ table: 'public.a b"', column: "o'ther" }, 100)).toMatchObject({
      rows: texts.length,
      nulls: 8,
      blank: 0,
      distinct: 1,
      values: [{ value: 'x', rows: 7 }],
    });
  });

  it('takes a table of one column, an empty one and long lines', async () => {
    await using bed = await Bed.open();
    await bed.add('one', ['v'], [[''], [null], ['x'], ['']], [['y']]);
    expect(await bed.profiler.count({ table: 'one', column: 'v' }, 10)).toMatchObject({ rows: 5, nulls: 1, blank: 2, distinct: 3 });
    await bed.add('none', ['v', 'w']);
    expect(await bed.profiler.count({ table: 'none', column: 'w' }, 10)).toMatchObject({
      rows: 0,
      nulls: 0,
      distinct: 0,
      min: null,
      minLength: null,
      values: [],
    });
    const long = 'é\\'.repeat(2_000_000);
    await bed.add(
      'long',
      ['id', 'body'],
      [
        ['1', long],
        ['2', 'short'],
      ],
    );
    const { maxLength, values } = await bed.profiler.count({ table: 'long', column: 'body' }, 10);
    expect(maxLength).toBeGreaterThan(100_000);
    expect(values.map(({ value }) => value.length).sort((one, other) => one - other)).toEqual([5, 2_000]);
    expect(values.find(({ value }) => value.length === 2_000)?.value).toBe(long.slice(0, 2_000));
    expect((await bed.profiler.count({ table: 'long', column: 'id' }, 10)).values).toHaveLength(2);
  });

  it('orders numbers by value, and gives the most frequent values and others by chance, the same each time', async () => {
    await using bed = await Bed.open();
    const rows = Array.from({ length: 1_000 }, (_, index) => [String(index < 300 ? 7 : index)]);
    await bed.add('numbers', ['n'], rows);
    const place = { table: 'numbers', column: 'n' };
    const { min, max, distinct, values } = await bed.profiler.count(place, 100);
    expect({ min, max, distinct }).toEqual({ min: '7', max: '999', distinct: 701 });
    expect(values[0]).toEqual({ value: '7', rows: 300 });
    expect(values.length).toBeGreaterThan(80);
    expect(values.length).toBeLessThanOrEqual(100);
    expect((await bed.profiler.count(place, 100)).values).toEqual(values);
  });

  it('finds keys and what is missing', async () => {
    await using bed = await Bed.open();
    await bed.add(
      'parents',
      ['id', 'name'],
      [
        ['1', 'a'],
        ['2', 'b'],
        ['3', 'c'],
      ],
    );
    await bed.add(
      'children',
      ['parent', 'kind'],
      [
        ['1', 'P'],
        ['2', 'P'],
        ['9', 'P'],
        ['9', "Q'"],
        [null, 'P'],
        ['', 'P'],
      ],
    );
    const from = { table: 'children', columns: ['parent'] };
    const key = { table: 'parents', columns: ['id'] };
    expect(await bed.profiler.lookUp(from, [key, { table: 'parents', columns: ['name'] }])).toEqual({ values: 3, found: [2, 0] });
    expect(await bed.profiler.orphans(from, key)).toEqual({ rows: 4, orphans: 2 });
    expect(await bed.profiler.orphans(from, key, { column: 'kind', values: ["Q'"] })).toEqual({ rows: 1, orphans: 1 });
  });

  it('takes for the same what people do', async () => {
    await using bed = await Bed.open();
    await bed.add(
      't',
      ['mail', 'phone', 'firm'],
      [
        ['Ada@example.com ', '+49 (0)171 3920012', 'Müller & Söhne GmbH'],
        ['ada@EXAMPLE.com', '0171/39200-12', 'MULLER SOHNE'],
        ['ada@example.org', '12', 'Muller, Söhne Ltd.'],
        [null, '12', 'Müller'],
        ['', null, 'S.A.'],
      ],
    );
    expect(await bed.profiler.repeats('t', [{ column: 'mail', form: 'email' }])).toEqual({ groups: 1, surplus: 1 });
    expect(await bed.profiler.repeats('t', [{ column: 'phone', form: 'phone' }])).toEqual({ groups: 1, surplus: 1 });
    expect(await bed.profiler.repeats('t', [{ column: 'firm', form: 'company' }])).toEqual({ groups: 1, surplus: 2 });
  });

  it('ends with the reason of who stops it, and leaves no rows behind but in its database', async () => {
    await using bed = await Bed.open();
    await bed.add('t', ['a'], [['1']]);
    expect((await readdir(bed.folder)).filter((name) => name.endsWith('.copy'))).toEqual([]);
    const reason = new Error('enough');
    async function* endless(): AsyncGenerator<Buffer> {
      yield formatRows([['1']]);
      bed.stop.abort(reason);
      yield await Promise.resolve(formatRows([['2']]));
    }
    await expect(bed.profiler.add('u', ['a'], endless())).rejects.toBe(reason);
    expect((await readdir(bed.folder)).filter((name) => name.endsWith('.copy'))).toEqual([]);
    await expect(bed.profiler.count({ table: 't', column: 'a' }, 1)).rejects.toBe(reason);
  });

  it('says what failed without a word of the rows', async () => {
    await using bed = await Bed.open();
    // A line with a field too many, as no source gives one.
    const failing = bed.profiler.add('t', ['a', 'b'], streamed([Buffer.from('secret\tsecret\tsecret\n')]));
    const error: unknown = await failing.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ANALYSIS_FAILED' });
    expect(error).not.toHaveProperty('cause');
    expect(String(error)).not.toContain('secret');
  });

  it('stops a question that takes long', async () => {
    await using bed = await Bed.open();
    const rows = Array.from({ length: 30_000 }, (_, index) => [`${String(index)} ${'x'.repeat(200)}`]);
    await bed.add('t', ['a'], rows);
    const reason = new Error('enough');
    const counting = bed.profiler.count({ table: 't', column: 'a' }, 10);
    bed.stop.abort(reason);
    await expect(counting).rejects.toBe(reason);
  });
});
