import type { Clock, CrashPoint } from '@changeover/core';
import {
  formatRows,
  HELD_NOW_TABLE,
  HELD_TABLE,
  tableName,
  type EventLog,
  type RowRepair,
  type StreamName,
  type TableSchema,
  type TargetReader,
  type TargetSnapshot,
} from '@changeover/events';

import { valuesOf, type DifferingRow, type TableComparison } from './compare-table.js';
import { entryId, heldSince, type Since } from './held-since.js';
import { heldAt, untilThere } from './one-place.js';
import { TouchedRows } from './touched-rows.js';

/** Rows that one repair takes on: they are brought in order in one transaction, while load is held. */
const MOST_ROWS = 10_000;
/** What a row takes in memory beside its lines. */
const ROW_BYTES = 300;

/**
 * What became of a row that differed.
 *
 * `repaired`: it was as it was found, load had not touched it, and it is what it should be now. Left are: `loaded`, load has brought it since, so that only another comparison can
 * say what it is; `changed`, somebody else has changed it since; `refused`, the target does not take it; `unwanted`, it should not be there, and nobody said that
 * such rows are to go; `listed`, the target refuses a version of it, which load tries again by itself, without a record of `writes`; `maybe-kept`, the list of held rows differs too, and it may be the version that is kept; `unnumbered`, texts of the source have lost their numbers, and what rows should be is not known any more; `no-key`, nothing finds it; `beyond`, there were too many.
 */
const RESULTS = ['repaired', 'loaded', 'changed', 'refused', 'unwanted', 'listed', 'maybe-kept', 'unnumbered', 'no-key', 'beyond'] as const;
export type RepairResult = (typeof RESULTS)[number];

export type RepairedRow = {
  /** `schema.table` at the target. */
  readonly table: string;
  readonly kind: DifferingRow['kind'];
  /** As the target has it; null: nothing finds it. */
  readonly key: readonly (string | null)[] | null;
  readonly result: RepairResult;
  /** Of `refused`: a word, or a SQLSTATE and the constraint. */
  readonly reason?: string;
};

type RepairedResult = Pick<RepairedRow, 'result' | 'reason'>;

export type RepairReport = {
  /** The record of `changes` at which the rows differed. */
  readonly seq: number;
  readonly counts: Readonly<Record<RepairResult, number>>;
  /** The first of them. */
  readonly rows: readonly RepairedRow[];
};

/** Rows that differ, as many as may be in memory. */
export class DifferingRows {
  readonly #rows: DifferingRow[] = [];
  #bytesLeft: number;
  #beyond = 0;

  constructor(bytes: number) {
    this.#bytesLeft = bytes;
  }

  get rows(): readonly DifferingRow[] {
    return this.#rows;
  }

  /** How many there were for which there was no room. */
  get beyond(): number {
    return this.#beyond;
  }

  add(row: DifferingRow): void {
    const bytes = ROW_BYTES + (row.expected?.length ?? 0) + (row.found?.length ?? 0);
    if (this.#rows.length >= MOST_ROWS || bytes > this.#bytesLeft) {
      this.#beyond++;
      return;
    }
    this.#bytesLeft -= bytes;
    this.#rows.push(row);
  }
}

export type RepairOptions = {
  readonly log: EventLog;
  readonly writes: StreamName;
  readonly target: TargetReader;
  /** What the rows were compared in. */
  readonly snapshot: TargetSnapshot;
  readonly differing: DifferingRows;
  /** What the comparison came to. */
  readonly tables: readonly TableComparison[];
  /** The comparison may have given texts of the source other numbers than they had. */
  readonly numbersUnsure: boolean;
  /** Whether rows that should not be there are deleted. */
  readonly deleteExtra: boolean;
  /** Rows that are named. */
  readonly named: number;
  readonly clock: Clock;
  /** How long what passes by itself is tried again. */
  readonly patienceMs: number;
  readonly crashPoint: CrashPoint;
};

/**
 * Brings rows in order that differ, while people go on and load with them. What was found is of the place where it was compared, and load has gone on: so it is held, the records of
 * `writes` from there to where it stands are looked through, and rows that they touch are left, whatever they hold. Without that a row could be given back
 * what its source has changed since: the one that was found wrong may be right by now, and look the same. The others are written in one transaction that load can not get before, each if it still
 * is as it was found.
 */
export async function repairRows(options: RepairOptions, signal: AbortSignal): Promise<RepairReport> {
  const { differing, snapshot, named } = options;
  const results = new Map<DifferingRow, RepairedResult>();
  const doubtful = doubtsAbout(options);
  const due = differing.rows.filter((row) => {
    const left = whyLeft(row);
    if (left !== null) results.set(row, { result: left });
    return left === null;
  });
  if (due.length > 0) {
    // It may read the whole log: before anybody is held up, and once.
    const since = await heldSince(new Set(due.filter(isMissingEntry).map(entryOf)), options, signal);
    await untilThere(() => repairThose(options, { due, since, results }, signal), { ...options, began: options.clock.monotonic() }, signal);
  }
  const counts = Object.fromEntries(RESULTS.map((result) => [result, 0])) as Record<RepairResult, number>;
  for (const { result } of results.values()) counts[result]++;
  counts.beyond += differing.beyond;
  const rows = differing.rows.slice(0, named).map((row): RepairedRow => {
    const { table, kind, id } = row;
    return { table: tableName(table), kind, key: id === null ? null : valuesOf(id), ...(results.get(row) as RepairedResult) };
  });
  return { seq: snapshot.progress.changes.seq, counts, rows };

  function whyLeft(row: DifferingRow): RepairResult | null {
    if (row.id === null) return 'no-key';
    if (options.numbersUnsure) return 'unnumbered';
    if (row.refused === 'yes') return 'listed';
    if (row.expected === null && !options.deleteExtra) return 'unwanted';
    return doubtful(row) ? 'maybe-kept' : null;
  }
}

/** Once; the results are those of the last time. */
async function repairThose(
  { log, writes, target, snapshot }: RepairOptions,
  {
    due,
    since,
    results,
  }: {
    readonly due: readonly DifferingRow[];
    readonly since: ReadonlyMap<string, Since>;
    readonly results: Map<DifferingRow, RepairedResult>;
  },
  signal: AbortSignal,
): Promise<true> {
  const loaded = new TouchedRows({
    log,
    stream: writes,
    from: snapshot.progress.writes,
    rows: watched(due),
    asCompared: (table, lines) => snapshot.asCompared(table, lines),
  });
  // Most of it is read before anybody is held up.
  await loaded.readTo((await heldAt(target)).writes, signal);
  await using hold = await target.hold();
  if (hold.progress !== null) await loaded.readTo(hold.progress.writes, signal);
  const rows = due.filter((row) => {
    const touched = loaded.has(row.table, row.id as string);
    if (touched) results.set(row, { result: 'loaded' });
    return !touched;
  });
  const outcomes = await hold.repair(rows.map((row) => repairOf(row, since, snapshot)));
  rows.forEach((row, index) => {
    const { done, ...why } = outcomes[index] as (typeof outcomes)[number];
    results.set(row, { result: done, ...why });
  });
  return true;
}

function watched(rows: readonly DifferingRow[]): readonly { readonly table: TableSchema; readonly ids: ReadonlySet<string> }[] {
  const tables = new Map<TableSchema, Set<string>>();
  for (const { table, id } of rows) {
    const ids = tables.get(table) ?? new Set<string>();
    tables.set(table, ids.add(id as string));
  }
  return Array.from(tables, ([table, ids]) => ({ table, ids }));
}

/** An entry that the list of held rows lacks. */
type MissingEntry = DifferingRow & { readonly expected: Buffer };

function isMissingEntry(row: DifferingRow): row is MissingEntry {
  return row.table === HELD_NOW_TABLE && row.found === null && row.expected !== null;
}

function entryOf({ expected }: MissingEntry): string {
  const { target, source_key } = valuesByName(HELD_NOW_TABLE, expected);
  return entryId(target ?? '', source_key ?? '');
}

function repairOf(row: DifferingRow, told: ReadonlyMap<string, Since>, { progress }: TargetSnapshot): RowRepair {
  const { table, found, expected, refused } = row;
  if (!isMissingEntry(row)) return { table, found, expected, ...(refused === 'missed' && { isMissed: true }) };
  // Since when it is held only history knows; where that is gone, it is so here.
  const since = told.get(entryOf(row)) ?? { since_seq: String(progress.changes.seq), since_ms: String(progress.ts_ms) };
  const values: Readonly<Record<string, string | null>> = { ...valuesByName(HELD_NOW_TABLE, row.expected), ...since };
  return { table: HELD_TABLE, found, expected: formatRows([HELD_TABLE.columns.map(({ name }) => values[name] ?? null)]) };
}

function valuesByName({ columns }: TableSchema, line: Buffer): Readonly<Record<string, string | null>> {
  const values = valuesOf(line.toString('latin1', 0, line.length - 1));
  return Object.fromEntries(columns.map(({ name }, place) => [name, values[place] ?? null]));
}

/**
 * Which version of a held row is kept, its entry in the list alone says. Where entries of a table are missing, or say something else of that, a row that "should not be there" may be such a
 * version, and deleting it, or writing down that none is kept, would lose it: then a person has to look.
 */
function doubtsAbout({ tables, differing }: Pick<RepairOptions, 'tables' | 'differing'>): (row: DifferingRow) => boolean {
  const complete = (name: string): boolean => tables.some(({ table, unlooked }) => table === name && unlooked === 0);
  const isUnsure = differing.beyond > 0;
  const heldName = tableName(HELD_TABLE);
  const isAboutKept = ({ table, kind, columns }: DifferingRow): boolean =>
    table === HELD_NOW_TABLE && (kind === 'missing' || (kind === 'different' && columns.some((name) => name.startsWith('kept'))));
  const targetOf = ({ expected, found }: DifferingRow): string =>
    valuesByName(HELD_NOW_TABLE, (expected ?? found) as Buffer)['target'] ?? '';
  const doubted = new Set(differing.rows.filter(isAboutKept).map(targetOf));
  const withExtra = new Set(differing.rows.flatMap(({ table, kind }) => (kind === 'extra' ? [tableName(table)] : [])));
  return (row) => {
    if (isAboutKept(row)) return isUnsure || withExtra.has(targetOf(row)) || !complete(targetOf(row));
    if (row.kind !== 'extra' || row.table === HELD_NOW_TABLE) return false;
    return isUnsure || doubted.has(tableName(row.table)) || !complete(heldName);
  };
}
