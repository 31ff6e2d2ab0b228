import { ChangeoverError } from '@changeover/core';
import {
  decodeJsonBody,
  HELD_NOW_TABLE,
  HELD_TABLE,
  tableName,
  type Line,
  type ReadPosition,
  type RecordRef,
  type SourceSnapshot,
  type TableSchema,
  type TargetSnapshot,
  type Verified,
} from '@changeover/events';
import { isReference, mappingHash, type Converters } from '@changeover/mapping';
import { ReadBudget, StoredDerivation, StoredMirror, type DrivingRow } from '@changeover/pipeline';

import { fullNeeded, requirePlaces, requireSameTarget, sinceBase, type Base, type VerifiedPlace } from './base.js';
import { ChosenTarget, OWN_TABLES, type TargetSides } from './chosen-target.js';
import { asStored, shapeOf, type TableComparison } from './compare-table.js';
import { ComparedTables } from './compared-tables.js';
import { notFollowing } from './followed-changes.js';
import { LastWords } from './last-words.js';
import { heldAt, takeOnePlace, untilThere } from './one-place.js';
import { inChunks, joined, keysFrom } from './row-chunks.js';
import { idOf, KeyPlaces } from './row-sums.js';
import { isSampled, type Sample } from './sampled.js';
import { isRemembered, StateLooks } from './state-looks.js';
import { TouchedRows } from './touched-rows.js';
import { isEqual, requireKnown, type VerificationReport } from './verification.js';
import type { MirrorOptions } from './verify-mirror.js';

/** Rows that are changed each time between the two looks are left after this. */
const ROUNDS = 4;
/** Rows of the source that may be chosen by what has touched them, or set aside, by their keys in memory. */
export const MOST_ROWS = 200_000;
/** Bytes of what `writes` says of rows that may be in memory. */
const MOST_WORDS_BYTES = 128 * 1024 * 1024;

/** Which rows: those that were touched since the last verification of which another one may begin; or some, by a hash of their keys. */
export type Choice = { readonly kind: 'touched' } | ({ readonly kind: 'sample' } & Sample);

/** `only`: tables of the source. */
export type ChosenOptions = MirrorOptions & { readonly converters: Converters };

/** Rows of a whole table, counted: how many there should be, and how many there are. */
export type RowCount = { readonly end: 'source' | 'target'; readonly table: string; readonly expected: number; readonly found: number };

export type ChosenReport = VerificationReport & {
  readonly kind: Choice['kind'];
  /** The verification that this one builds upon; null: it stands by itself. */
  readonly base: (Pick<Verified, 'kind' | 'ended_ms'> & { readonly seq: number }) | null;
  readonly sample: Sample | null;
  /** Rows of the source that were chosen. */
  readonly chosen: number;
  /** By table of the source: its rows, and what transform remembers of them. */
  readonly remembered: readonly TableComparison[];
  /** By table of the target: what becomes of rows that are derived again, and what transform remembers to have written. */
  readonly derived: readonly TableComparison[];
  /** Of a sample: whole tables. */
  readonly rowCounts: readonly RowCount[];
  /** Rows of the source that were changed in each round between the two looks, and rows that stand instead of refused ones of which nothing is known: nothing is said of them. */
  readonly unsettled: number;
  readonly rounds: number;
};

/**
 * Compares chosen rows, while people go on: each row of the source with what transform remembers of it; what becomes of that when it is derived again with what transform remembers to have written; and
 * that with what stands in the target. Of rows of the target that transform has written since it was looked at the last record of `writes` says what they should be, and so it does of those that it
 * touched since the verification that this one builds upon, whatever made it do so.
 *
 * What it costs depends on the rows that are chosen. What it does not see is a change that no record of the streams tells of, in a row that is not among them.
 */
export async function verifyChosen(options: ChosenOptions, choice: Choice, signal: AbortSignal): Promise<ChosenReport> {
  const { mapping, target, clock } = options;
  const began_ms = clock.now();
  const mappedBy = mappingHash(mapping);
  const base = choice.kind === 'touched' ? requireBase(await target.lastVerified('base'), mappedBy) : null;
  if (base !== null) await requirePlaces(base, options);
  const { report, place } = await compareChosen(options, choice, base, signal);
  // Of what was touched in some tables nothing follows for another one.
  if (options.only === undefined || choice.kind === 'sample') {
    const equal = isEqualChosen(report);
    const verified: Verified = {
      kind: choice.kind,
      outcome: equal ? 'equal' : 'different',
      isBase: choice.kind === 'touched' && equal && report.unsettled === 0,
      ...place,
      mapping: mappedBy,
      numbers: null,
      ended_ms: clock.now(),
      seconds: report.seconds,
      rows: report.tables.reduce((sum, { found }) => sum + found, 0),
    };
    await target.record(verified, began_ms);
  }
  return report;
}

/** The same, and writes nothing down: with the place of the report. `base`: where what is touched begins. */
export async function compareChosen(
  options: ChosenOptions,
  choice: Choice,
  base: Base | null,
  signal: AbortSignal,
): Promise<{ readonly report: ChosenReport; readonly place: VerifiedPlace }> {
  const { migration, mapping, clock } = options;
  const began = clock.monotonic();
  const verification = new ChosenVerification(options, choice, base);
  let due: Due | null = null;
  let rounds = 0;
  while (rounds < ROUNDS && (due === null || due.size > 0)) {
    rounds++;
    due = await verification.round(due, signal);
  }
  if (due === null) throw notFollowing('load is behind transform');
  const seconds = (clock.monotonic() - began) / 1000;
  const { facts, place, leftOut, ...compared } = verification.outcome();
  const unsettled = [...due].reduce((sum, [, ids]) => sum + ids.size, leftOut);
  const report: ChosenReport = {
    migration,
    mapping: mappingHash(mapping),
    kind: choice.kind,
    base: base && { kind: base.kind, ended_ms: base.ended_ms, seq: base.changes.seq },
    sample: choice.kind === 'sample' ? { share: choice.share, seed: choice.seed } : null,
    ...facts,
    ...compared,
    unsettled,
    rounds,
    seconds,
  };
  return { report, place };
}

/** Whether nothing was found that differs; rows that are not settled say nothing. */
export function isEqualChosen({
  tables,
  remembered,
  derived,
  rowCounts,
}: Pick<ChosenReport, 'tables' | 'remembered' | 'derived' | 'rowCounts'>): boolean {
  return isEqual({ tables: [...tables, ...remembered, ...derived] }) && rowCounts.every(({ expected, found }) => expected === found);
}

function requireBase(base: Verified | null, mapping: string): Verified {
  if (base === null) throw fullNeeded('none has found everything equal, or one since then has found rows that differ');
  if (base.mapping !== mapping) throw fullNeeded('the last one was of another mapping');
  return base;
}

/** By table of the source: rows that are still to be compared. */
type Due = ReadonlyMap<string, ReadonlySet<string>>;

/** Where reading begins: behind this record of `writes`, which came of this one of `changes`. */
type Start = { readonly writes: ReadPosition; readonly changes: Pick<ReadPosition, 'logId' | 'seq'> };

/** Both ends, and what is remembered, as they are in one round. */
type Sides = TargetSides & { readonly source: SourceSnapshot };

/** What the report is of: the rows are chosen here. */
type FirstRound = Pick<VerificationReport, 'seq' | 'position' | 'ts_ms' | 'notCompared'> & {
  readonly place: VerifiedPlace;
};

class ChosenVerification {
  readonly #options: ChosenOptions;
  readonly #choice: Choice;
  readonly #base: Base | null;
  readonly #budget: ReadBudget;
  readonly #remembered: ComparedTables;
  readonly #derived: ComparedTables;
  readonly #tables: ComparedTables;
  readonly #atTarget: ChosenTarget;
  /** Driving rows that were compared; of a sample no row comes twice. */
  readonly #reviewed = new Set<string>();
  /** What rows drive that are compared in the next round only: `own` comes with them there. */
  #later: ReadonlyMap<string, 'own' | 'joined'> = new Map();
  /** Those of them that were to be derived in this round, and are to be in the next, whatever drives them then. */
  #postponed = new Set<string>();
  readonly #rowCounts: RowCount[] = [];
  #start: Start | null;
  #words: LastWords | null = null;
  #target: TargetSnapshot | null = null;
  #first: FirstRound | null = null;
  #chosen = 0;
  #heldMs = 0;
  #takes = 0;

  constructor(options: ChosenOptions, choice: Choice, base: Base | null) {
    this.#options = options;
    this.#choice = choice;
    this.#base = base;
    this.#start = base;
    this.#remembered = new ComparedTables(options.limits);
    this.#derived = new ComparedTables(options.limits);
    this.#tables = new ComparedTables(options.limits);
    this.#atTarget = new ChosenTarget(this.#tables, { once: choice.kind === 'touched' });
    this.#budget = new ReadBudget(options.clock, options.limits.bytesPerSecond);
  }

  outcome() {
    const { place, ...first } = this.#first as FirstRound;
    return {
      place,
      leftOut: this.#atTarget.leftOut + this.#postponed.size,
      facts: { ...first, heldMs: this.#heldMs, takes: this.#takes, chosen: this.#chosen },
      tables: this.#tables.all,
      remembered: this.#remembered.all,
      derived: this.#derived.all,
      rowCounts: this.#rowCounts,
    };
  }

  /** Compares the rows that are due (null: those that are chosen), but for those that change meanwhile: these are due in the next round. Where nothing could be compared all of them are. */
  async round(due: Due | null, signal: AbortSignal): Promise<Due | null> {
    const { migration, mapping, converters, log, changes, limits, crashPoint, onStep, only, captured } = this.#options;
    onStep({ doing: 'placing', table: null, rows: 0 });
    await using looks = new StateLooks(this.#options);
    const start = (this.#start ??= await this.#whereTargetIs(signal));
    if (due === null) await this.#untilRemembered(start, looks, signal);
    const place = await takeOnePlace(
      {
        ...this.#options,
        mapping: mappingHash(mapping),
        isRead: isRemembered(this.#options),
        patienceMs: limits.patienceMs,
        beforeTake: async () => {
          await looks.again();
        },
      },
      signal,
    );
    crashPoint('verify.placed');
    await using source = place.source;
    await using target = place.target;
    this.#heldMs += place.heldMs;
    this.#takes += place.takes;
    const fetch = async (ref: RecordRef): Promise<TableSchema> => decodeJsonBody('schema', await log.fetch(changes, ref)).table;
    await using derivation = await StoredDerivation.of(looks.last, { migration, mapping, converters, fetch });
    this.#requireBehind(start, derivation, target);
    if (due === null) requireKnown(only, place.tables, 'reads');
    const tables = place.tables.filter((table) => only?.has(tableName(table)) !== false);
    const words = await this.#wordsTo(start, derivation, target, signal);
    const isAhead = derivation.read.seq > place.seq;
    const [from, end] = isAhead ? [place.at, derivation.read] : [derivation.read, place.at];
    const between = new TouchedRows({ log, stream: changes, from, rows: allOf(place.tables), most: MOST_ROWS });
    await between.readTo(end, signal);
    // Of rows that the target does not have yet nobody knows what became.
    if (isAhead && (between.hasDecisions || place.tables.some((table) => sizeOf(between.of(table)) > 0))) return due;
    const { progress, generation } = target;
    this.#first ??= {
      seq: place.seq,
      position: progress.position,
      ts_ms: progress.ts_ms,
      notCompared: place.told.map(tableName).filter((name) => !captured.has(name) && !isReference(name)),
      place: { changes: place.at, writes: progress.writes, generation },
    };
    for (const table of derivation.targets) if (words.of(table) === 'all') throw this.#changedAsWhole(table);
    const sides: Sides = { source, target, derivation, words, signal };
    const chosen = due === null ? await this.#chooser(place.at, place.tables, sides) : due;
    const postponed = this.#postponed;
    this.#postponed = new Set();
    if (this.#choice.kind === 'touched') this.#later = this.#drivenLater(tables, chosen, { between, sides });
    await this.#reviewAll(postponed, sides);
    const aside = new Map<string, Set<string>>();
    for (const table of tables) {
      const left = between.of(table);
      if (left === 'all' || !derivation.knows(table)) throw notFollowing(`${tableName(table)} is being changed as a whole`);
      const later = await this.#sourceRows(table, chosen.get(tableName(table)) ?? [], left, due === null, sides);
      if (later.size > 0) aside.set(tableName(table), later);
      if (this.#choice.kind === 'sample' && due === null) await this.#countSource(table, between.net(table), sides);
    }
    if (due === null && this.#choice.kind === 'touched') await this.#touchedAtTarget(sides);
    if (due === null && this.#choice.kind === 'sample' && only === undefined)
      for await (const count of this.#atTarget.counts(sides)) this.#rowCounts.push({ end: 'target', ...count });
    return aside;
  }

  async #whereTargetIs(signal: AbortSignal): Promise<Start> {
    const { target, clock, limits } = this.#options;
    return untilThere(() => heldAt(target), { clock, patienceMs: limits.patienceMs, began: clock.monotonic() }, signal);
  }

  /** From the start on `writes` is read, so the state must not be of a place before it. It is committed now and then. */
  async #untilRemembered({ changes }: Start, looks: StateLooks, signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#options;
    const isThere = async (): Promise<true | ChangeoverError> => {
      try {
        const { read } = StoredMirror.of(await looks.again(), () => Promise.reject(notFollowing('nothing is read')));
        return read.seq >= changes.seq || notFollowing('transform has not committed its state');
      } catch (error) {
        if (error instanceof ChangeoverError && error.code === 'NOT_FOLLOWING') return error;
        throw error;
      }
    };
    await untilThere(isThere, { clock, patienceMs: limits.patienceMs, began: clock.monotonic() }, signal);
  }

  #requireBehind(start: Start, { read }: StoredDerivation, { generation }: TargetSnapshot): void {
    if (this.#base !== null) requireSameTarget(this.#base, { generation, logId: read.logId });
    if (read.logId !== start.changes.logId || read.seq < start.changes.seq) throw notFollowing('transform is filling its state again');
  }

  async #wordsTo(start: Start, derivation: StoredDerivation, target: TargetSnapshot, signal: AbortSignal): Promise<LastWords> {
    const { log, writes } = this.#options;
    this.#target = target;
    const words = (this.#words ??= new LastWords({
      log,
      stream: writes,
      from: start.writes,
      tables: [...derivation.targets, ...OWN_TABLES],
      asCompared: (table, lines) => (this.#target as TargetSnapshot).asCompared(table, lines),
      mostBytes: MOST_WORDS_BYTES,
      tooMany: () => this.#tooMany(),
    }));
    await this.#asBase(() => words.readTo(target.progress.writes, signal));
    return words;
  }

  #tooMany(): ChangeoverError {
    return this.#base === null
      ? notFollowing('very much is being written at the source')
      : fullNeeded('more rows were touched since the last one than fit into memory');
  }

  #changedAsWhole(table: TableSchema): ChangeoverError {
    return this.#base === null
      ? notFollowing(`${tableName(table)} is being written as a whole`)
      : fullNeeded(`${tableName(table)} was emptied, copied or told in another form since the last one`);
  }

  async #asBase<Result>(read: () => Promise<Result>): Promise<Result> {
    return this.#base === null ? read() : sinceBase(read);
  }

  async #chooser(
    end: ReadPosition,
    tables: readonly TableSchema[],
    { derivation, signal }: Sides,
  ): Promise<ReadonlyMap<string, Iterable<string>>> {
    const { log, changes } = this.#options;
    const choice = this.#choice;
    if (choice.kind === 'sample') return new Map(tables.map((table) => [tableName(table), sampled(table, derivation, choice)]));
    const from = (this.#base as Base).changes;
    const most = { most: MOST_ROWS, tooMany: () => this.#tooMany() };
    const touched = new TouchedRows({ log, stream: changes, from, rows: allOf(tables), ...most });
    await this.#asBase(() => touched.readTo(end, signal));
    return new Map(
      tables.map((table) => {
        const ids = touched.of(table);
        if (ids === 'all') throw this.#changedAsWhole(table);
        return [tableName(table), ids];
      }),
    );
  }

  #drivenLater(
    tables: readonly TableSchema[],
    chosen: ReadonlyMap<string, Iterable<string>>,
    { between, sides }: { readonly between: TouchedRows; readonly sides: Sides },
  ): ReadonlyMap<string, 'own' | 'joined'> {
    const driven = new Map<string, 'own' | 'joined'>();
    const { derivation } = sides;
    const left = tables.flatMap((table) => {
      const ids = between.of(table);
      return ids === 'all' ? [] : Array.from(chosen.get(tableName(table)) ?? []).flatMap((id) => (ids.has(id) ? [{ table, id }] : []));
    });
    for (const { table, id } of left) {
      for (const row of this.#drivenBy(table, [id], sides)) {
        driven.set(derivation.heldId(row), 'joined');
        if (driven.size > MOST_ROWS) throw this.#tooMany();
      }
    }
    // It may be part of another merged row then.
    for (const { table, id } of left)
      for (const row of derivation.driven(table, id, false)) if (row.rule.mergedOf === null) driven.set(derivation.heldId(row), 'own');
    return driven;
  }

  /** Gives those that change meanwhile. */
  async #sourceRows(
    table: TableSchema,
    ids: Iterable<string>,
    left: ReadonlySet<string>,
    isFirst: boolean,
    sides: Sides,
  ): Promise<Set<string>> {
    const later = new Set<string>();
    let rows = 0;
    for (const chunk of inChunks(ids)) {
      sides.signal.throwIfAborted();
      if (isFirst) this.#chosen += chunk.length;
      const now = chunk.filter((id) => !left.has(id));
      for (const id of chunk) if (left.has(id)) later.add(id);
      if (later.size > MOST_ROWS) throw notFollowing('very much is being written at the source');
      this.#options.onStep({ doing: 'comparing', table: tableName(table), rows: (rows += chunk.length) });
      if (now.length === 0) continue;
      const mirrored = await this.#compareRemembered(table, now, sides);
      const passed = sides.derivation.passedBy(table);
      if (passed !== null) await this.#atTarget.written(passed, mirrored, sides, now);
      await this.#review(this.#drivenBy(table, now, sides), sides);
    }
    this.#options.crashPoint('verify.compared');
    return later;
  }

  /** The source's rows and what is remembered of them; gives the latter. */
  async #compareRemembered(table: TableSchema, ids: readonly string[], { source, derivation, signal }: Sides): Promise<readonly Line[]> {
    const mirrored = derivation.mirrored(table, ids);
    const keys = keysFrom(ids);
    const places = new KeyPlaces(shapeOf(table));
    const budget = this.#budget;
    async function* expected(): AsyncGenerator<Line> {
      for await (const bytes of source.find(table, keys)) {
        budget.spend(bytes.length);
        for (const { start, end } of places.of(bytes)) yield { bytes, start, end };
      }
      await budget.ready(signal);
    }
    await this.#remembered.compare({ table, expected, snapshot: asStored(pieceOf(mirrored)), signal });
    return mirrored;
  }

  *#drivenBy(table: TableSchema, ids: readonly string[], { derivation }: Sides): Generator<DrivingRow> {
    for (const id of ids) yield* derivation.driven(table, id, this.#choice.kind === 'touched');
  }

  /** By the keys of their entries in the list of held rows. */
  async #reviewAll(ids: Iterable<string>, sides: Sides): Promise<void> {
    const rows = Array.from(ids, (id) => sides.derivation.drivenBy(id)).filter((row) => row !== null);
    await this.#review(rows, sides);
  }

  /** Derives these again, and compares what comes of it, what is remembered, and the target. */
  async #review(rows: Iterable<DrivingRow>, sides: Sides): Promise<void> {
    const { derivation, signal } = sides;
    for (const chunk of inChunks(this.#fresh(rows, derivation))) {
      for (const { table, written, again } of derivation.review(chunk)) {
        if (written.length + again.length === 0 && table !== HELD_NOW_TABLE) continue;
        await this.#derived.compare({ table, expected: () => again, snapshot: asStored(pieceOf(written)), signal });
        if (table === HELD_NOW_TABLE) await this.#atTarget.held(chunk, written, sides);
        else await this.#atTarget.written(table, written, sides);
      }
    }
  }

  /** One that others look up, or that looks up others, is met more than once where these were touched; a merged row with each of its rows. */
  *#fresh(rows: Iterable<DrivingRow>, derivation: StoredDerivation): Generator<DrivingRow> {
    for (const row of rows) {
      const id = derivation.heldId(row);
      if (this.#reviewed.has(id)) continue;
      const later = this.#later.get(id);
      if (later === 'joined') this.#postponed.add(id);
      if (later !== undefined) continue;
      const isTouched = this.#choice.kind === 'touched';
      // Of a sample one that is compared twice costs no more than time.
      if (isTouched || (row.rule.mergedOf !== null && this.#reviewed.size < MOST_ROWS)) this.#reviewed.add(id);
      if (isTouched && this.#reviewed.size > MOST_ROWS) throw this.#tooMany();
      yield row;
    }
  }

  /** Rows that `writes` touched, whatever led to it: entries of the list of held rows lead to their rows, of all others their last words are what should be there. */
  async #touchedAtTarget(sides: Sides): Promise<void> {
    const held = sides.words.of(HELD_TABLE);
    if (held !== 'all') await this.#reviewAll(held.keys(), sides);
    await this.#atTarget.touched(sides);
  }

  async #countSource(table: TableSchema, net: number, { source, derivation }: Sides): Promise<void> {
    let remembered = 0;
    for (const _ of derivation.rows(table)) remembered++;
    const expected = await source.count(table);
    this.#rowCounts.push({ end: 'source', table: tableName(table), expected, found: remembered + net });
  }
}

function sizeOf(touched: ReadonlySet<string> | 'all'): number {
  return touched === 'all' ? Infinity : touched.size;
}

function allOf(tables: readonly TableSchema[]): readonly { readonly table: TableSchema; readonly ids: null }[] {
  return tables.map((table) => ({ table, ids: null }));
}

/** The keys of rows that the sample holds: of those that are remembered, as the source must not be read for it. */
function* sampled(table: TableSchema, derivation: StoredDerivation, sample: Sample): Generator<string> {
  const places = new KeyPlaces(shapeOf(table));
  for (const { bytes, start, end } of derivation.rows(table)) {
    const line = bytes.subarray(start, end + 1);
    for (const { key } of places.of(line)) {
      const id = idOf(line, key);
      if (isSampled(id, sample)) yield id;
    }
  }
}

function pieceOf(lines: readonly Line[]): () => AsyncIterable<Buffer> {
  return async function* () {
    yield await Promise.resolve(joined(lines));
  };
}
