import { mkdir } from 'node:fs/promises';

import { analyze, estimate, type AddedTable, type Analysis, type ColumnPlace, type Estimate } from '@changeover/analysis';
import { ChangeoverError, type Clock } from '@changeover/core';
import { countLines, tableName, type DescribedTable, type TableSchema, type TableSize } from '@changeover/events';
import { ReadBudget } from '@changeover/pipeline';
import { createSource, createSourceCatalogue, createTargetCatalogue, type AdapterContext, type CliSettings } from '@changeover/shell';

import { withSourceSnapshot } from '../source-snapshot.js';
import { openScratchFolder } from '../verify/scratch-state.js';
import { writing } from '../writing.js';

export type AnalyzeContext = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Tables of the source; left out: all. */
  readonly only?: ReadonlySet<string>;
  /** Rows of a table that are read, the first by its key. */
  readonly mostRows: number;
  /** Whether the target is not looked at. */
  readonly sourceOnly: boolean;
  readonly onStep: (step: AnalyzeStep) => void;
};

export type AnalyzeStep =
  | { readonly phase: 'reading'; readonly table: string; readonly rows: number; readonly expected: number | null }
  | { readonly phase: 'profiling' | 'references' | 'duplicates'; readonly place: ColumnPlace };

export type AnalyzeReport = Analysis & {
  readonly estimate: Estimate;
  /** Wall time, reading and all. */
  readonly seconds: number;
  readonly readSeconds: number;
  readonly readRows: number;
};

/** Of DuckDB; what does not fit goes to the disk. */
const MEMORY_BYTES = 512 * 1024 * 1024;
const THREADS = 2;
const LF = 0x0a;

/** Reads the source in one snapshot, no faster than the settings allow, and says what is in it. What it puts on the disk is gone when it ends. */
export async function runAnalyze(settings: CliSettings, context: AnalyzeContext): Promise<AnalyzeReport> {
  const { migration, limits } = settings;
  const { clock, signal, only, sourceOnly, onStep } = context;
  const adapters = { migration, limits, clock };
  const began = clock.monotonic();
  const tables = await selectedTables(settings, adapters, only);
  const targets = sourceOnly ? null : await createTargetCatalogue(settings.target, adapters).tables();
  if (targets?.length === 0)
    throw new ChangeoverError('BAD_SETTINGS', 'the target has no table yet; --source-only looks at the source alone');
  await using scratch = await openScratchFolder(settings.state, `${migration}.analyze`);
  const folder = await scratch.empty();
  await writing(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }));
  // Only who analyses pays for loading it.
  const { DuckDbProfiler } = await import('@changeover/profiler-duckdb');
  await using profiler = await DuckDbProfiler.open({ folder, memoryBytes: MEMORY_BYTES, threads: THREADS, signal });
  const added: AddedTable[] = [];
  let readRows = 0;
  // Let go before anything is counted.
  await withSourceSnapshot(settings, adapters, { tables: tables.map(({ form }) => form), signal }, async (snapshot) => {
    const budget = new ReadBudget(clock, settings.source.copy.bytesPerSecond ?? Infinity);
    for (const { form, described, size } of tables) {
      const table = tableName(form);
      const read = new FirstRows(snapshot.rows(form), { most: context.mostRows, budget, signal });
      const names = form.columns.map(({ name }) => name);
      await profiler.add(
        table,
        names,
        read.pieces((rows) =>
          onStep({ phase: 'reading', table, rows, expected: size === null ? null : Math.min(size.rows, context.mostRows) }),
        ),
      );
      readRows += read.rows;
      added.push({ described: { ...described, columns: described.columns.filter(({ name }) => names.includes(name)) }, whole: read.whole });
    }
  });
  const readSeconds = (clock.monotonic() - began) / 1000;
  const analysis = await analyze({ profiler, tables: added, targets, onStep });
  const sum = (of: (size: TableSize) => number): number => tables.reduce((total, { size }) => total + (size === null ? 0 : of(size)), 0);
  // Of a table that was read as a whole we know better than the source.
  const rows = analysis.tables.reduce(
    (total, { whole, rows: read }, index) => total + (whole ? read : Math.max(read, tables[index]?.size?.rows ?? 0)),
    0,
  );
  return {
    ...analysis,
    estimate: estimate(
      rows,
      sum(({ bytes }) => bytes),
      settings.source.copy.bytesPerSecond ?? Infinity,
    ),
    seconds: (clock.monotonic() - began) / 1000,
    readSeconds,
    readRows,
  };
}

type SelectedTable = { readonly form: TableSchema; readonly described: DescribedTable; readonly size: TableSize | null };

async function selectedTables(
  settings: CliSettings,
  adapters: AdapterContext,
  only: ReadonlySet<string> | undefined,
): Promise<readonly SelectedTable[]> {
  const source = createSource(settings.source, adapters);
  try {
    const [described, forms] = await Promise.all([createSourceCatalogue(settings.source, adapters).tables(), source.tables()]);
    const wanted = forms.filter((form) => only?.has(tableName(form)) ?? true);
    const missing = [...(only ?? [])].filter((name) => !wanted.some((form) => tableName(form) === name));
    if (missing.length > 0)
      throw new ChangeoverError('BAD_SETTINGS', `the source has no such table among those that the settings select: ${missing.join(', ')}`);
    const sizes = await source.sizes(wanted);
    const tables = wanted.flatMap((form, index) => {
      const known = described.find((table) => tableName(table) === tableName(form));
      return known === undefined ? [] : [{ form, described: known, size: sizes[index] ?? null }];
    });
    if (tables.length > 0) return tables;
    throw new ChangeoverError(
      'BAD_SETTINGS',
      'the source has no table that the settings select (source.schemas, source.tables, source.exclude)',
    );
  } finally {
    await source.stop();
  }
}

type Bounds = { readonly most: number; readonly budget: ReadBudget; readonly signal: AbortSignal };

/** A table's first rows, and whether those are all. */
class FirstRows {
  readonly #pieces: AsyncIterable<Buffer>;
  readonly #bounds: Bounds;
  rows = 0;
  whole = true;

  constructor(pieces: AsyncIterable<Buffer>, bounds: Bounds) {
    this.#pieces = pieces;
    this.#bounds = bounds;
  }

  async *pieces(onRows: (rows: number) => void): AsyncGenerator<Buffer, void, undefined> {
    const { most, budget, signal } = this.#bounds;
    for await (const piece of this.#pieces) {
      signal.throwIfAborted();
      budget.spend(piece.length);
      const lines = countLines(piece);
      if (this.rows + lines > most) {
        this.whole = false;
        const kept = firstLines(piece, most - this.rows);
        this.rows = most;
        if (kept.length > 0) yield kept;
        return;
      }
      this.rows += lines;
      onRows(this.rows);
      yield piece;
      await budget.ready(signal);
    }
  }
}

function firstLines(piece: Buffer, lines: number): Buffer {
  let end = 0;
  // A raw LF can only be a line's end.
  for (let line = 0; line < lines; line++) end = piece.indexOf(LF, end) + 1;
  return piece.subarray(0, end);
}
