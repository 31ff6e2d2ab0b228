import type { CrashPoint, Position } from '@changeover/core';
import {
  OWN_TABLES,
  tableName,
  tableSchemaHash,
  textColumn,
  type DescribedColumn,
  type DescribedTable,
  type Line,
  type TableName,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';

import { asStored, compareTable, shapeOf, type CompareLimits, type Difference } from '../compare-table.js';
import { KeyPlaces, RowSums } from '../row-sums.js';
import { compareRefused, RefusedSide } from './refused-side.js';
import { whileBothHeld, type BothOptions } from './both-held.js';

/** A table as it is called at both ends, and its rows' columns. */
export type TablePair = { readonly live: TableSchema; readonly rebuilt: TableSchema };

/** One side of a table: so many rows, and the sum of their hashes, which is the same for the same rows. */
export type TableDigest = { readonly rows: number; readonly digest: string };

export type PairComparison = {
  /** `schema.table`, as people know it. */
  readonly table: string;
  /** Without rows that either side refuses. */
  readonly live: TableDigest;
  readonly rebuilt: TableDigest;
  /** Rows that differ, as far as they were named: `expected` is what is live. */
  readonly differences: readonly Difference[];
  /** How many they are, at least. */
  readonly differing: number;
  /** Rows that the target refuses on either side, by key; `differing`: of which not the same is wanted; `otherwise`: instead of which not the same stands. */
  readonly refused: { readonly rows: number; readonly differing: number; readonly otherwise: number };
};

export type TargetsComparison = {
  /** The record of `changes` at which both were, its position and commit time (ms since the epoch). */
  readonly seq: number;
  readonly position: Position;
  readonly ts_ms: number;
  /** How long both loads were held, in milliseconds. */
  readonly heldMs: number;
  readonly equal: boolean;
  readonly tables: readonly PairComparison[];
};

export type CompareTargetsOptions = BothOptions & {
  readonly tables: readonly TablePair[];
  readonly limits: CompareLimits;
  readonly onRows: (table: string, rows: number) => void;
};

/** Our own tables without whose their rows are: nothing else of them may differ, not even since when. */
const OWN_OF_ANY: readonly TableSchema[] = OWN_TABLES.map((table) =>
  withHash({ ...table, columns: table.columns.filter(({ name }) => name !== 'migration') }),
);

/**
 * How a table's rows are compared: by all of its columns, also those that nothing of ours writes, as people may have filled them in and would miss it. `live` as the target's
 * catalogue describes it, `written` as rows of it are written.
 */
export function pairOf(
  { schema, table, columns }: Pick<DescribedTable, 'schema' | 'table'> & { readonly columns: readonly Pick<DescribedColumn, 'name'>[] },
  written: TableSchema,
  { schema: rebuiltSchema }: TableName,
): TablePair {
  const keys = written.columns.filter(({ key }) => key).map(({ name }) => name);
  const form = { table, columns: columns.map(({ name }) => textColumn(name, keys.includes(name))), identity: 'full' as const };
  return { live: withHash({ ...form, schema }), rebuilt: withHash({ ...form, schema: rebuiltSchema }) };
}

/**
 * Compares tables that two loads have filled from the same log, as both were at one record of `changes`. They are held until both are there and two snapshots are taken; then both go on.
 */
export async function compareTargets(options: CompareTargetsOptions, signal: AbortSignal): Promise<TargetsComparison> {
  const { tables, clock, crashPoint } = options;
  const { progress, live, rebuilt, heldMs } = await whileBothHeld(options, signal, async (both) => {
    const held = clock.monotonic();
    const first = await both.live.snapshot();
    const other = await both.rebuilt.snapshot().catch(async (error: unknown) => {
      await first[Symbol.asyncDispose]();
      throw error;
    });
    return { progress: first.progress, live: first, rebuilt: other, heldMs: clock.monotonic() - held };
  });
  await using _live = live;
  await using _rebuilt = rebuilt;
  const compared: PairComparison[] = [];
  for (const pair of [...tables, ...OWN_OF_ANY.map((table) => ({ live: table, rebuilt: table }))])
    compared.push(await comparePair(pair, { live, rebuilt, options, signal, crashPoint }));
  const { changes, position, ts_ms } = progress;
  const equal = compared.every(({ differing, refused }) => differing === 0 && refused.differing === 0);
  return { seq: changes.seq, position, ts_ms, heldMs, equal, tables: compared };
}

type Sides = {
  readonly live: TargetSnapshot;
  readonly rebuilt: TargetSnapshot;
  readonly options: Pick<CompareTargetsOptions, 'limits' | 'onRows'>;
  readonly signal: AbortSignal;
  readonly crashPoint: CrashPoint;
};

async function comparePair(pair: TablePair, { live, rebuilt, options, signal, crashPoint }: Sides): Promise<PairComparison> {
  const { limits, onRows } = options;
  const table = tableName(pair.live);
  let rows = 0;
  const counted = (some: number): void => onRows(table, (rows += some));
  const first = await RefusedSide.of(live, pair.live);
  const other = await RefusedSide.of(rebuilt, pair.rebuilt);
  const apart = new Set([...first.keys, ...other.keys]);
  const ours = await summedUp(first.rows(apart), pair.live, { partitions: limits.partitions, onRows: counted, signal });
  const theirs = await summedUp(other.rows(apart), pair.rebuilt, { partitions: limits.partitions, onRows: counted, signal });
  crashPoint('rebuild.compared');
  const equal = {
    table,
    live: digestOf(ours),
    rebuilt: digestOf(theirs),
    differences: [],
    differing: 0,
    refused: compareRefused(first, other, apart),
  };
  const partitions = ours.differing(theirs).length;
  if (partitions === 0) return equal;
  // Which rows: both sides are read once more, in the same snapshots.
  const found = await compareTable({
    table: pair.rebuilt,
    // Both sides are as compared already, and what is refused is compared by itself.
    snapshot: asStored(() => other.rows(apart)),
    expected: () => linesOf(first.rows(apart), pair.live),
    limits,
    onRows: () => undefined,
    signal,
  });
  const named = Object.values(found.counts).reduce((sum, count) => sum + count, 0);
  return { ...equal, differences: found.differences, differing: Math.max(named + found.unlooked, partitions) };
}

/** What a snapshot holds of a table, without rows that the target refuses, and how many those are. */
export async function digestTable(
  snapshot: TargetSnapshot,
  table: TableSchema,
  signal: AbortSignal,
): Promise<TableDigest & { readonly refused: number }> {
  const side = await RefusedSide.of(snapshot, table);
  const sums = await summedUp(side.rows(side.keys), table, { partitions: 1, onRows: () => undefined, signal });
  return { ...digestOf(sums), refused: side.keys.size };
}

function digestOf({ rows, digest }: RowSums): TableDigest {
  return { rows, digest };
}

async function summedUp(
  rows: AsyncIterable<Buffer>,
  table: TableSchema,
  { partitions, onRows, signal }: { readonly partitions: number; readonly onRows: (rows: number) => void; readonly signal: AbortSignal },
): Promise<RowSums> {
  const sums = new RowSums(partitions, shapeOf(table));
  for await (const lines of rows) {
    signal.throwIfAborted();
    const before = sums.rows;
    sums.add(lines);
    onRows(sums.rows - before);
  }
  return sums;
}

async function* linesOf(rows: AsyncIterable<Buffer>, table: TableSchema): AsyncGenerator<Line> {
  const places = new KeyPlaces(shapeOf(table));
  for await (const bytes of rows) for (const { start, end } of places.of(bytes)) yield { bytes, start, end };
}

function withHash({ schema, table, columns, identity }: Omit<TableSchema, 'hash'>): TableSchema {
  const form = { schema, table, columns, identity };
  return { ...form, hash: tableSchemaHash(form) };
}
