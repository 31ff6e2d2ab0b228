import { ChangeoverError, type Clock, type CrashPoint, type Position } from '@changeover/core';
import {
  ALLOCATED_TABLE,
  CORRECTION_TABLE,
  tableName,
  HELD_NOW_TABLE,
  HELD_TABLE,
  parseRows,
  REFERENCE_TABLE,
  type EventLog,
  type Line,
  type SourceSnapshot,
  type SourceSnapshots,
  type StateStore,
  type TableSchema,
  type TargetReader,
  type TargetSnapshot,
} from '@changeover/events';
import { isReference, mappingHash, tableUse, type Converters, type Mapping } from '@changeover/mapping';
import { SnapshotDerivation, type DerivedSoFar, type StartRangeThreads, type ToldVersion } from '@changeover/pipeline';

import { compareTable, shapeOf, type CompareLimits, type DifferingRow, type TableComparison } from './compare-table.js';
import { fillDerivation } from './fill-derivation.js';
import { takeOnePlace, type OnePlace } from './one-place.js';
import { DifferingRows, repairRows, type RepairReport } from './repair.js';
import { KeyPlaces } from './row-sums.js';
import { learnNumbers } from './told-numbers.js';
import { encodeUnfinished, type Unfinished } from './unfinished.js';

type VerificationLimits = CompareLimits & {
  /** Bytes of the state that is filled for it which may be in memory. */
  readonly maxStateBytes: number;
  /** How long it may take until both ends are at one place. */
  readonly patienceMs: number;
  /** The most that is read of the source; Infinity: no bound. */
  readonly bytesPerSecond: number;
};

/** What is done with which table, and to how many of its rows so far; of the source while they are read, of the target while they are compared. */
export type VerificationStep = {
  readonly doing: 'placing' | 'reading' | 'deriving' | 'comparing' | 'repairing';
  readonly table: string | null;
  readonly rows: number;
};

export type VerificationOptions = {
  readonly migration: string;
  readonly changes: string;
  readonly writes: string;
  readonly log: EventLog;
  readonly snapshots: SourceSnapshots;
  readonly target: TargetReader;
  readonly mapping: Mapping;
  readonly converters: Converters;
  /** The tables (`schema.table`) that are captured now: of others the source is not followed any more. */
  readonly captured: ReadonlySet<string>;
  /** Tables of the target to compare; left out: all. */
  readonly only?: ReadonlySet<string>;
  /** An empty state. */
  readonly openState: () => Promise<StateStore>;
  /** Starts threads that derive large tables; left out: all is done in this one. */
  readonly startThreads?: StartRangeThreads | undefined;
  readonly requestBarrier: () => Promise<string>;
  readonly onStep: (step: VerificationStep) => void;
  /** From then on {@link resumeVerification} could go on over the state, if this one did not end. Left out: nothing is kept for that. */
  readonly onResumable?: () => void;
  readonly crashPoint: CrashPoint;
  readonly clock: Clock;
  readonly limits: VerificationLimits;
};

export type VerificationReport = {
  readonly migration: string;
  /** The record of `changes` at which both ends were compared, its position and commit time (ms since the epoch). */
  readonly seq: number;
  readonly position: Position;
  readonly ts_ms: number;
  readonly mapping: string;
  /** How long load was held, and how many snapshots of the source it took. */
  readonly heldMs: number;
  readonly takes: number;
  readonly seconds: number;
  readonly tables: readonly TableComparison[];
  /** Tables of the source that are mapped and not followed any more, so that nothing can be said of what became of them. */
  readonly notCompared: readonly string[];
};

export function isEqual({ tables }: Pick<VerificationReport, 'tables'>): boolean {
  return tables.every(({ counts, unlooked }) => unlooked === 0 && Object.values(counts).every((count) => count === 0));
}

/**
 * Compares the target with what the mapping makes of the source, both as they were at one record of `changes`, while people go on in both.
 *
 * The rows that should be there are derived anew from a snapshot of the source, over a state of its own: neither the live mirror nor what was written is looked at. It shares the
 * code that derives them, so it proves that everything arrived, not that the mapping is right. What of a held row only history knows comes from the list of held rows, and what operators have corrected from the list of corrections.
 */
export async function verify(options: VerificationOptions, signal: AbortSignal): Promise<VerificationReport> {
  return compareBoth(options, {}, signal);
}

export type RepairedReport = VerificationReport & {
  /** What was done about what differed at first, before all of the report. */
  readonly repair: RepairReport;
};

/**
 * The same, and brings rows in order that differ ({@link repairRows}); after that everything is compared once more, which is what the report is of. `deleteExtra`: also by deleting rows that should
 * not be there.
 */
export async function verifyAndRepair(
  options: VerificationOptions,
  { deleteExtra }: { readonly deleteExtra: boolean },
  signal: AbortSignal,
): Promise<RepairedReport> {
  const { log, writes, target, clock, limits, crashPoint, onStep } = options;
  const differing = new DifferingRows(limits.bytesLookedAt);
  let repair: RepairReport | null = null;
  const compared = {
    onDiffering: (row: DifferingRow) => {
      differing.add(row);
    },
    onCompared: async (snapshot: TargetSnapshot, tables: readonly TableComparison[], numbersUnsure: boolean) => {
      onStep({ doing: 'repairing', table: null, rows: differing.rows.length });
      const { named, patienceMs } = limits;
      repair = await repairRows(
        { log, writes, target, snapshot, differing, tables, numbersUnsure, deleteExtra, named, clock, patienceMs, crashPoint },
        signal,
      );
    },
  };
  const first = await compareBoth(options, compared, signal);
  const done = repair as unknown as RepairReport;
  if (done.counts.repaired > 0) crashPoint('verify.repaired');
  // Rows that load has brought meanwhile may be right by now.
  const isAsItWas = done.counts.repaired === 0 && done.counts.loaded === 0 && done.counts.changed === 0;
  return { ...(isAsItWas ? first : await verify(options, signal)), repair: done };
}

type Compared = {
  readonly onDiffering?: (row: DifferingRow) => void;
  /** What was compared is still open. */
  readonly onCompared?: (snapshot: TargetSnapshot, tables: readonly TableComparison[], numbersUnsure: boolean) => Promise<void>;
};

async function compareBoth(
  options: VerificationOptions,
  { onDiffering, onCompared }: Compared,
  signal: AbortSignal,
): Promise<VerificationReport> {
  const { migration, mapping, captured, clock, limits, onStep, only } = options;
  const [began, began_ms] = [clock.monotonic(), clock.now()];
  const uses = (table: TableSchema): boolean => {
    const { passed, read } = tableUse(mapping, table);
    return passed !== null || read;
  };
  onStep({ doing: 'placing', table: null, rows: 0 });
  const hash = mappingHash(mapping);
  const isRead = (table: TableSchema): boolean => captured.has(tableName(table)) && uses(table);
  const place = await takeOnePlace({ ...options, mapping: hash, isRead, patienceMs: limits.patienceMs }, signal);
  options.crashPoint('verify.placed');
  const placed_ms = clock.now();
  await using _source = place.source;
  await using _target = place.target;
  await using state = await options.openState();
  const { position, ts_ms, writes } = place.target.progress;
  const { seq, at: changes, heldMs, takes } = place;
  const { generation } = place.target;
  const tables: TableComparison[] = [];
  let numbersDiffer = false;
  const from = [...place.tables, ...place.told.filter((table) => isReference(tableName(table)) && uses(table))];
  const soFar = (derived: DerivedSoFar): Unfinished => {
    const where = { seq, position, ts_ms, changes, writes, generation, placed_ms };
    const effort = { heldMs, takes, seconds: (clock.monotonic() - began) / 1000 };
    const compared = tables.map((table) => ({ ...table, seq }));
    return { mapping: hash, ...where, ...effort, tables: from, notCompared: notCompared(place), compared, numbersDiffer, derived };
  };
  const placeOf = options.onResumable && ((derived: DerivedSoFar) => encodeUnfinished(soFar(derived)));
  const derivation = new SnapshotDerivation({ ...options, tables: from, state, maxStateBytes: limits.maxStateBytes, placeOf });
  requireKnown(only, [...comparedTables(derivation), ...derivation.unkeyed.map(({ target }) => target)], 'writes');
  await fillDerivation(derivation, place.source, options, signal);
  const compare = async (table: TableSchema, expected: () => Iterable<Line> | AsyncIterable<Line>): Promise<void> => {
    if (only !== undefined && !only.has(tableName(table))) return;
    let rows = 0;
    const onRows = (some: number): void => onStep({ doing: 'comparing', table: tableName(table), rows: (rows += some) });
    tables.push(
      await compareTable({ table, snapshot: place.target, expected, limits, onRows, signal, ...(onDiffering && { onDiffering }) }),
    );
  };
  for (const { source, target } of derivation.unkeyed) await compare(target, () => linesOf(place.source, source));
  // What keeps it open keeps others from TRUNCATE and ALTER TABLE.
  await place.source[Symbol.asyncDispose]();
  for await (const lines of place.target.rows(CORRECTION_TABLE)) await derivation.correct(lines);
  for await (const lines of place.target.rows(REFERENCE_TABLE)) await derivation.refer(lines);
  const onNumbers = (rows: number): void => onStep({ doing: 'reading', table: tableName(ALLOCATED_TABLE), rows });
  const learned = derivation.allocates
    ? await learnNumbers(derivation, { ...options, snapshot: place.target, onRows: onNumbers }, signal)
    : null;
  numbersDiffer = learned?.differs === true;
  await derivation.tell(keptVersions(place.target));
  await derivation.mark();
  options.onResumable?.();
  options.crashPoint('verify.read');
  await deriveRest(derivation, options, signal);
  for (const { table, expected } of comparable(derivation)) {
    await compare(table, expected);
    await derivation.mark();
    options.crashPoint('verify.compared');
  }
  if (numbersDiffer) tables.push(numbersUnlooked(tables));
  // Where the log has told all of them, none that a row would have to have was given here.
  await onCompared?.(place.target, tables, numbersDiffer || (learned?.by === 'target' && derivation.numbersGiven > 0));
  const seconds = (clock.monotonic() - began) / 1000;
  const report = { migration, seq, position, ts_ms, mapping: hash, heldMs, takes, seconds, tables, notCompared: notCompared(place) };
  const equal = isEqual(report);
  const isFull = only === undefined;
  const came = { kind: isFull ? 'full' : 'tables', outcome: equal ? 'equal' : 'different', isBase: isFull && equal } as const;
  const rows = tables.reduce((sum, { found }) => sum + found, 0);
  const at = { changes, writes, generation, mapping: hash, numbers: learned?.numbers ?? null };
  await options.target.record({ ...came, ...at, ended_ms: clock.now(), seconds, rows }, began_ms);
  return report;

  function notCompared({ told }: OnePlace): readonly string[] {
    const isGone = (name: string): boolean => !captured.has(name) && !isReference(name);
    return told.filter((table) => uses(table) && isGone(tableName(table))).map(tableName);
  }
}

/** The list of numbers was held against itself, if it was, and is known to differ from what was told: in which rows nobody can say. Takes what was said of it. */
export function numbersUnlooked(tables: TableComparison[]): TableComparison {
  const table = tableName(ALLOCATED_TABLE);
  const at = tables.findIndex((one) => one.table === table);
  const [said] = at === -1 ? [] : tables.splice(at, 1);
  const counts = { missing: 0, extra: 0, different: 0, refused: 0 };
  return { table, expected: 0, found: 0, refused: 0, counts, differences: [], ...said, unlooked: (said?.unlooked ?? 0) + 1 };
}

export function requireKnown(only: ReadonlySet<string> | undefined, tables: readonly TableSchema[], does: 'reads' | 'writes'): void {
  const names = tables.map(tableName);
  const unknown = [...(only ?? [])].find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new ChangeoverError('BAD_SETTINGS', `--table ${unknown} is no table that this migration ${does}; there are ${names.join(', ')}`);
}

/** Derives what is left to be derived. */
export async function deriveRest(
  derivation: SnapshotDerivation,
  { onStep, crashPoint }: Pick<VerificationOptions, 'onStep' | 'crashPoint'>,
  signal: AbortSignal,
): Promise<void> {
  onStep({ doing: 'deriving', table: null, rows: 0 });
  await derivation.derive(derivation.told(), signal);
  await derivation.mark();
  crashPoint('verify.derived');
}

/** Of numbers the mapping has none, unless it gives some. */
function comparedTables({ targets, allocates }: SnapshotDerivation): readonly TableSchema[] {
  return [...targets, HELD_NOW_TABLE, ...(allocates ? [ALLOCATED_TABLE] : [])];
}

function expectedOf(derivation: SnapshotDerivation, table: TableSchema): Iterable<Line> {
  if (table === HELD_NOW_TABLE) return derivation.held();
  return table === ALLOCATED_TABLE ? derivation.numbers() : derivation.rows(table);
}

/** What can be compared once all is derived. */
export function comparable(
  derivation: SnapshotDerivation,
): readonly { readonly table: TableSchema; readonly expected: () => Iterable<Line> }[] {
  return comparedTables(derivation).map((table) => ({ table, expected: () => expectedOf(derivation, table) }));
}

async function* keptVersions(target: TargetSnapshot): AsyncGenerator<ToldVersion> {
  const at = (name: string): number => HELD_TABLE.columns.findIndex((column) => column.name === name);
  const [table, key, version] = [at('target'), at('source_key'), at('kept_version')];
  for await (const lines of target.rows(HELD_TABLE)) {
    for (const row of parseRows(lines)) {
      const text = row[version];
      if (text != null) yield { target: row[table] as string, sourceKey: row[key] as string, text };
    }
  }
}

async function* linesOf(source: SourceSnapshot, table: TableSchema): AsyncGenerator<Line> {
  const places = new KeyPlaces(shapeOf(table));
  for await (const bytes of source.rows(table)) for (const { start, end } of places.of(bytes)) yield { bytes, start, end };
}
