import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { formatRows } from '@changeover/events';
import { columnProfilerContract } from '@changeover/testing';

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

columnProfilerContract('DuckDB', () => Bed.open());

describe('DuckDbProfiler', () => {
  it('cuts the fields of long lines', async () => {
    await using bed = await Bed.open();
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
