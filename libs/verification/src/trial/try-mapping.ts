import type { Clock } from '@changeover/core';
import {
  countLines,
  joinLines,
  scanLine,
  isNull,
  tableName,
  type ColumnTypes,
  type SourceSnapshot,
  type StateStore,
  type TableSchema,
} from '@changeover/events';
import { columnsUsed, type Converters, type Mapping } from '@changeover/mapping';
import { SnapshotDerivation, type RuleOutcome, type StartRangeThreads } from '@changeover/pipeline';

import { fillDerivation } from '../fill-derivation.js';
import { keyOfLine } from './key-of-line.js';
import { TableSample, type SampledTable, type SampleOptions } from './table-sample.js';

/** What is done with which table, and to how many of its rows so far. */
export type TrialStep = { readonly doing: 'reading' | 'deriving' | 'trying'; readonly table: string | null; readonly rows: number };

export type TrialOptions = {
  readonly migration: string;
  readonly mapping: Mapping;
  readonly converters: Converters;
  /** Shows all of `tables`, in these forms: the captured ones. It is disposed of when everything is read. */
  readonly snapshot: SourceSnapshot;
  readonly tables: readonly TableSchema[];
  /** What the mapping looks up at the target: forms, each with all rows, COPY text. */
  readonly references: readonly { readonly table: TableSchema; readonly rows: Buffer }[];
  readonly types: ColumnTypes;
  /** An empty state, of which nothing is kept. */
  readonly state: StateStore;
  readonly startThreads?: StartRangeThreads | undefined;
  readonly onStep: (step: TrialStep) => void;
  /** Some of the rows are written as well: into these tables, which are made first. */
  readonly sample?: (SampleOptions & { readonly replace: boolean }) | undefined;
  readonly clock: Clock;
  readonly limits: {
    readonly maxStateBytes: number;
    /** The most that is read of the source; Infinity: no bound. */
    readonly bytesPerSecond: number;
  };
};

/** Values of a column that the target would refuse. */
export type Misfit = {
  readonly target: string;
  readonly column: string;
  readonly type: string;
  /** With a value that the type does not take; without one, where there must be one. */
  readonly values: number;
  readonly nulls: number;
  /** Of the first such row the target's key, by column. */
  readonly first: Readonly<Record<string, string | null>>;
};

/** A column of the source that nothing is made of. */
export type UnusedColumn = { readonly table: string; readonly column: string; readonly rows: number };

/** What a mapping makes of the rows that are there. */
export type TrialReport = {
  readonly outcomes: readonly RuleOutcome[];
  /** By table of the target, the rows that it would hold. */
  readonly rows: Readonly<Record<string, number>>;
  readonly misfits: readonly Misfit[];
  /** Columns with something in them; of each the rows with a value that is not blank. */
  readonly unused: readonly UnusedColumn[];
  /** Empty where none is written. */
  readonly sampled: readonly SampledTable[];
};

/** Bytes of lines that are tried at a time. */
const PIECE_BYTES = 256 * 1024;

/**
 * Derives everything that the snapshot shows and writes nothing of it, or only a sample beside the target's tables: counts what would become of the rows, and asks the target's types whether
 * they would take them. So what a row of the sample is does not depend on which others are in it.
 */
export async function tryMapping(options: TrialOptions, signal: AbortSignal): Promise<TrialReport> {
  const { migration, mapping, converters, tables, references, state, startThreads, limits, onStep, types, snapshot, sample } = options;
  const derivation = new SnapshotDerivation({
    migration,
    mapping,
    converters,
    tables: [...tables, ...references.map(({ table }) => table)],
    state,
    startThreads,
    maxStateBytes: limits.maxStateBytes,
  });
  const unused = new UnusedColumns(mapping);
  const written = new Map(
    [...derivation.unkeyed.map(({ target }) => target), ...derivation.targets].map((table) => [tableName(table), table]),
  );
  await sample?.tables.make([...written.values()], sample);
  const sampled: SampledTable[] = [];
  await fillDerivation(derivation, snapshot, { ...options, onLines: (table, lines) => unused.look(table, lines) }, signal);
  for (const { table, rows } of references) await derivation.fill(table, rows);
  const misfits: Misfit[] = [];
  const rows: Record<string, number> = {};
  const tryRows = async (table: TableSchema, pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> => {
    const trial = new TableTrial(table);
    const chosen = sample && new TableSample(table, sample);
    for await (const lines of pieces) {
      trial.add(lines, await types.refusals(table, lines));
      await chosen?.add(lines);
      onStep({ doing: 'trying', table: tableName(table), rows: trial.rows });
      signal.throwIfAborted();
    }
    rows[tableName(table)] = trial.rows;
    misfits.push(...trial.misfits);
    if (chosen !== undefined) sampled.push(await chosen.end());
  };
  for (const { source, target } of derivation.unkeyed) await tryRows(target, snapshot.rows(source));
  // What keeps it open keeps others from TRUNCATE and ALTER TABLE.
  await snapshot[Symbol.asyncDispose]();
  onStep({ doing: 'deriving', table: null, rows: 0 });
  await derivation.derive([], signal);
  for (const table of derivation.targets) await tryRows(table, joinLines(derivation.rows(table), PIECE_BYTES));
  const outcomes: RuleOutcome[] = [];
  for await (const outcome of derivation.outcomes(signal)) outcomes.push(outcome);
  return { outcomes, rows, misfits, unused: unused.found, sampled };
}

/** Counts what is in columns that no rule reads, of tables that rules read and that do not pass by. */
class UnusedColumns {
  readonly #mapping: Mapping;
  readonly #used: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #counts = new Map<TableSchema, Map<number, number>>();

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
    this.#used = columnsUsed(mapping.rules);
  }

  look(table: TableSchema, lines: Buffer): void {
    const counts = this.#of(table);
    if (counts.size === 0) return;
    const starts = new Int32Array(table.columns.length + 1);
    for (let at = 0; at < lines.length;) {
      const { end } = scanLine(lines, at, starts);
      for (const [column, count] of counts) {
        const [from, to] = [starts[column] as number, (starts[column + 1] as number) - 1];
        if (!isNull(lines, from, to) && !isBlank(lines, from, to)) counts.set(column, count + 1);
      }
      at = end + 1;
    }
  }

  get found(): readonly UnusedColumn[] {
    return [...this.#counts].flatMap(([table, counts]) =>
      [...counts].flatMap(([at, rows]) => (rows === 0 ? [] : [{ table: tableName(table), column: table.columns[at]?.name ?? '', rows }])),
    );
  }

  #of(table: TableSchema): Map<number, number> {
    let counts = this.#counts.get(table);
    if (counts === undefined) {
      const name = tableName(table);
      const used = this.#used.get(name);
      const all = used === undefined || Object.hasOwn(this.#mapping.tables, name);
      counts = new Map(all ? [] : table.columns.flatMap((column, at) => (used.has(column.name) || column.key ? [] : [[at, 0]])));
      this.#counts.set(table, counts);
    }
    return counts;
  }
}

/** Of one table of the target, what its columns do not take. */
class TableTrial {
  readonly #table: TableSchema;
  readonly #found = new Map<string, Misfit>();
  rows = 0;

  constructor(table: TableSchema) {
    this.#table = table;
  }

  get misfits(): readonly Misfit[] {
    return [...this.#found.values()];
  }

  add(lines: Buffer, refusals: Awaited<ReturnType<ColumnTypes['refusals']>>): void {
    this.rows += countLines(lines);
    for (const { column, type, values, nulls } of refusals) {
      const known = this.#found.get(column);
      const first = known?.first ?? keyOfLine(this.#table, lines, Math.min(...values.slice(0, 1), ...nulls.slice(0, 1)));
      const target = tableName(this.#table);
      this.#found.set(column, {
        ...{ target, column, type, first },
        values: (known?.values ?? 0) + values.length,
        nulls: (known?.nulls ?? 0) + nulls.length,
      });
    }
  }
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0x20) return false;
  return true;
}
