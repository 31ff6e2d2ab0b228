import { ChangeoverError, unreachable, type ErrorCode } from '@changeover/core';
import {
  CORRECTION_TABLE,
  tableName,
  decodeJsonBody,
  encodeJsonBody,
  FrameReader,
  HELD_TABLE,
  readPositionOf,
  REFERENCE_TABLE,
  type BarrierBody,
  type Frame,
  type Line,
  type LogEntry,
  type LogItem,
  type Operation,
  type ReadPosition,
  type RecordRef,
  type StateStore,
  type StateView,
  type TableSchema,
} from '@changeover/events';
import { isReference, parseMapping, type TableUse } from '@changeover/mapping';

import { Corrections } from '../derive/corrections.js';
import type { DeriveAllCursor } from '../derive/derive-all.js';
import type { HeldSince } from '../derive/held-rows.js';
import { COMPARED_PREFIXES, prefixesOf } from '../derive/state-keys.js';
import { RowFrames } from '../mirror/row-frames.js';
import type { RowSink } from '../mirror/table-mirror.js';
import { nextTurn } from '../next-turn.js';
import { judgeSchemaChange, requireHarmless } from '../schema-change.js';
import type { ToldSchemas } from '../told-schemas.js';
import { DerivedTables } from './derived-tables.js';
import { FirstDerivation } from './first-derivation.js';
import { GenerationView, type Generation } from './generation-view.js';
import { MappedTables, requireSameUnkeyed } from './mapped-tables.js';
import { MappingDifference } from './mapping-difference.js';
import { refusedActivation, requireOurs, type ActiveMapping } from './mapping-in-force.js';
import { missingReferences, referenceMissing } from './missing-references.js';
import { QueuedFrames } from './queued-frames.js';
import type { RangeSetup } from './range-threads.js';
import type { SourceTables, ToldForm } from './source-tables.js';
import { StateCommits } from './state-commits.js';
import type { TransformOptions } from './transform-loop.js';
import type { RefusedActivation, TransformPhase, TransformPlace } from './transform-place.js';
import { type WritesOutput } from './writes-output.js';

export type SessionOptions = TransformOptions & {
  readonly output: WritesOutput;
  readonly told: ToldSchemas;
  readonly state: StateStore;
  readonly tables: SourceTables;
  /** The mapping in force there; null: none is. */
  readonly active: ActiveMapping | null;
  /** What was committed with the state; null: it is empty. */
  readonly place: TransformPlace | null;
  /** Offsets of the first parts of records that are known to be given up: they are still in the log. Grows. */
  readonly givenUp: Set<number>;
};

/** A mapping that fits, and what it derives where it is another one than everything is derived under. */
type Fitting = { readonly mapped: MappedTables; readonly derived: DerivedTables | null };

/** How many rows more there are with each row of a frame. */
const ROWS_OF: Readonly<Partial<Record<Operation, number>>> = { c: 1, r: 1, d: -1 };
const NOTHING: RowSink = () => undefined;
/** Takes what nobody is to hear of. */
const NOBODY = {
  begin: () => undefined,
  add: () => undefined,
  holdsFrames: false,
  passBatch: () => undefined,
  ready: () => Promise.resolve(),
};
/** Of rules, of tables that pass by, and of rows of the target that are looked up. */
const MISFITS: ReadonlySet<ErrorCode> = new Set(['MAPPING_INVALID', 'SCHEMA_NEEDS_MAPPING', 'REFERENCE_MISSING']);
const PASSED_PROGRESS = { kind: 'progress', body: [] } as const;
const PASSED_ROWS = { kind: 'transaction', body: [] } as const;

/**
 * One fence's worth of transforming.
 *
 * While tables are copied their rows only fill the mirror. Where the copies are complete everything is derived once, and from there on each record of
 * `changes` becomes one of `writes`. What is put into the state is committed behind the records that it led to, never before them, so that
 * after a crash it is derived again from where the state stands, and only what `writes` does not hold yet is sent.
 */
export class TransformSession {
  readonly #options: SessionOptions;
  readonly #output: WritesOutput;
  readonly #state: StateStore;
  readonly #tables: SourceTables;
  readonly #queued: QueuedFrames;
  readonly #commits: StateCommits;
  readonly #frames = new FrameReader();
  /** What becomes of the tables; null: no mapping is active. */
  #mapped: MappedTables | null;
  /** Where rows go that pass by, by the form that they have. */
  #passing: ReadonlyMap<ToldForm, RowFrames> = new Map();
  #derived: DerivedTables | null = null;
  /** The record that activated the mapping, and the hash of that. */
  #active: (RecordRef & { readonly hash: string }) | null;
  #refused: readonly RefusedActivation[];
  #generation: Generation;
  /** There is something left of the other generation. */
  #stale: boolean;
  #tidying: Promise<void> = Promise.resolve();
  #phase: TransformPhase;
  #copies: Readonly<Record<string, number>>;
  /** Tables that are captured no longer, though their copy had not ended: what is known of them is not all. */
  #left: readonly string[];
  #barriers: readonly BarrierBody[];
  #read: ReadPosition | null;
  /** `progress` has said which tables are being copied. */
  #streaming: boolean;
  /** It was said that the first derivation waits for rows of the target. */
  #toldMissing = false;
  /** Commit time of the last record that had one. */
  #ts_ms: number;
  /** Frames of the record in hand so far. */
  #frameCount = 0;
  /** Offset of the first part of the record in hand, while others are still to come: what it puts must not be committed before its last. */
  #begunAt: number | null = null;
  /** The parts in hand are of a record that was given up. */
  #isSkipping = false;
  /** Of who lets us work. */
  #signal: AbortSignal | undefined;

  constructor(options: SessionOptions) {
    const { output, state, tables, place, active } = options;
    this.#options = options;
    this.#output = output;
    this.#state = state;
    this.#tables = tables;
    this.#queued = new QueuedFrames(state);
    this.#mapped = active && new MappedTables(active.mapping, tables, place?.circles ?? []);
    this.#active = active && { ...active.ref, hash: active.hash };
    this.#refused = place?.refused ?? [];
    this.#generation = place?.generation ?? 0;
    this.#stale = place?.stale ?? false;
    this.#phase = place?.phase ?? { name: 'filling' };
    this.#copies = place?.copies ?? {};
    this.#left = place?.left ?? [];
    this.#barriers = place?.barriers ?? [];
    this.#read = place?.read ?? null;
    this.#streaming = place?.streaming ?? false;
    this.#ts_ms = place?.ts_ms ?? 0;
    this.#commits = new StateCommits({ ...options, place: () => this.#place() });
    if (active !== null) output.activated(active.hash, active.ref.seq);
  }

  /** Before the first record: what the state goes on with. */
  async begin(): Promise<void> {
    if (this.#phase.name !== 'filling') await this.#plan('MAPPING_INVALID');
    if (this.#stale) this.#tidy();
    this.#tellMapping();
  }

  /**
   * `again`: a record was given up of which parts are in the state; everything behind the last commit is to be done again, in another session. `stopped`: in the middle of a record, which
   * is done again as after a crash; nothing more may be committed.
   */
  async take(batch: readonly LogItem[], signal: AbortSignal): Promise<'taken' | 'again' | 'stopped'> {
    const { givenUp } = this.#options;
    this.#signal = signal;
    try {
      for (const item of batch) {
        if (signal.aborted) return 'taken';
        if (item.type === 'abandoned' || item.entry.header.part === 1) {
          if (this.#begunAt !== null) return await this.#giveUp(this.#begunAt);
          this.#isSkipping = item.type === 'entry' && givenUp.has(item.entry.at);
        }
        if (item.type === 'entry' && !this.#isSkipping) await this.#entry(item.entry, signal);
      }
    } catch (error) {
      // What came before the record that cannot be passed on is right: it goes out first.
      await this.#output.drain();
      if (signal.aborted && error === signal.reason) return 'stopped';
      throw error;
    }
    await this.#output.ready();
    return 'taken';
  }

  /** Between two batches, as long as none `comes`. */
  async idle(comes: Promise<unknown>): Promise<void> {
    if (this.#begunAt === null) await this.#commits.whenIdle(comes);
  }

  /** Rejects as soon as an append or a commit has failed; never resolves. */
  get failed(): Promise<never> {
    return Promise.race([this.#output.failed, this.#commits.failed]);
  }

  /** Everything taken is in the log, and the state is committed where that can be. */
  async drain(): Promise<void> {
    await this.#output.drain();
    if (this.#begunAt === null) await this.#commits.commit();
  }

  /** Waits for the append and the commit under way, whatever becomes of them. */
  async settle(): Promise<void> {
    await this.#output.drain().catch(() => undefined);
    await this.#commits.settle();
  }

  async #entry(entry: LogEntry, signal: AbortSignal): Promise<void> {
    const { header } = entry;
    switch (header.kind) {
      case 'transaction':
      case 'snapshot-chunk':
        await this.#rows(entry);
        if (!header.last) return;
        break;
      case 'reference-data':
        if (!(await this.#reference(entry, signal))) return;
        break;
      case 'schema':
        await this.#schema(entry);
        break;
      case 'mapping-activated':
        if (!(await this.#activation(entry, signal))) return;
        break;
      case 'progress':
        if (!(await this.#progress(entry, signal))) return;
        break;
      case 'correction':
        await this.#correction(entry);
        break;
      case 'barrier':
        this.#barrier(entry);
        break;
      default:
        unreachable(header.kind);
    }
    this.#read = readPositionOf(entry);
    await this.#commits.whenDue();
  }

  /** False: we were told to stop in the middle. */
  async #activation(entry: LogEntry, signal: AbortSignal): Promise<boolean> {
    const { output, mapping: file } = this.#options;
    const { requestId, hash, mapping: told } = decodeJsonBody('mapping-activated', entry);
    const { seq } = entry.header;
    const isAnother = this.#phase.name !== 'filling' && this.#active?.hash !== hash;
    const fitting = this.#fitting(told, isAnother);
    if (fitting instanceof ChangeoverError) {
      this.#refuse(entry, { requestId, hash }, fitting);
      return true;
    }
    const { mapped, derived } = fitting;
    // What `writes` holds already was made under it once, wherever its file is now.
    if (file !== undefined && !output.holds(seq)) await requireOurs(hash, file);
    const active = { seq, at: entry.at, hash };
    if (derived === null) {
      this.#mapped = mapped;
      output.activated(hash, seq);
      output.begin(entry);
      this.#active = active;
      this.#tellMapping();
      if (!(await this.#derivesFirst(entry, signal))) return false;
      output.pass(entry, PASSED_PROGRESS);
      return true;
    }
    if (!(await this.#goOver(entry, { mapped, derived, hash }, signal))) return false;
    this.#active = active;
    this.#tellMapping();
    this.#read = readPositionOf(entry);
    // What is left of the mapping before can go when nothing of it is on its way any more.
    await this.#commits.commit();
    this.#tidy();
    return true;
  }

  /**
   * What becomes of the tables under the mapping, or why it does not fit them as they are: a table may have changed since somebody planned it. That follows from the records up to here alone, so
   * it comes out the same whenever it is asked. `isAnother`: than the one that everything is derived under; else nothing is to be derived now (`derived` null).
   */
  #fitting(told: unknown, isAnother: boolean): Fitting | ChangeoverError {
    const { converters, tables } = this.#options;
    const before = this.#mapped;
    try {
      const mapping = parseMapping(told, converters);
      const mapped = isAnother ? MappedTables.of(mapping, tables) : new MappedTables(mapping, tables, before?.circles ?? []);
      if (before !== null) requireSameUnkeyed(before, mapped, tables);
      const derived = isAnother ? this.#tablesOf(mapped, this.#otherView(), NOBODY, 'MAPPING_INVALID') : null;
      return { mapped, derived };
    } catch (error) {
      // The first one has none that could stay in force, and one that is half derived has fitted before.
      const mayRefuse = before !== null && this.#phase.name !== 'activating';
      if (mayRefuse && error instanceof ChangeoverError && MISFITS.has(error.code)) return error;
      throw error;
    }
  }

  /** The record comes to nothing but that it says so, and the mapping in force stays so: the log is not rewritten, and all behind it is to go on. */
  #refuse(entry: LogEntry, of: Pick<RefusedActivation, 'requestId' | 'hash'>, { code, message: reason }: ChangeoverError): void {
    const { output, observer } = this.#options;
    const { seq } = entry.header;
    output.begin(entry);
    output.pass(entry, { ...PASSED_PROGRESS, facts: { refused: { code, reason } } });
    const refused = { seq, at: entry.at, ...of, code, reason };
    this.#refused = [...this.#refused, refused];
    this.#tellMapping();
    if (!output.holds(seq)) observer.warning(refusedActivation(refused));
  }

  #tellMapping(): void {
    if (this.#active !== null) this.#options.observer.mapped({ hash: this.#active.hash, seq: this.#active.seq, refused: this.#refused });
  }

  /**
   * Another mapping comes into force: everything is derived under it beside what is written, and the record becomes what differs. What was derived is committed as it comes; from there it goes on
   * after a crash. False: we were told to stop in the middle.
   */
  async #goOver(
    entry: LogEntry,
    { mapped, derived, hash }: { readonly mapped: MappedTables; readonly derived: DerivedTables; readonly hash: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { migration, startThreads, limits, crashPoint } = this.#options;
    const generation = this.#otherGeneration;
    const before = { mapped: this.#mapped as MappedTables, derived: this.#derived as DerivedTables, state: this.#generationView() };
    const state = this.#otherView();
    await this.#tidying;
    if (this.#stale || signal.aborted) return false;
    if (this.#phase.name !== 'activating')
      this.#phase = { name: 'activating', cursor: null, batch: 0, derived: false, numbers: derived.numbers.last };
    const { numbers } = this.#phase;
    const at = this.#at(entry);
    const output = this.#output;
    const difference = new MappingDifference({
      ...{ migration, at, output, before, state: this.#state, after: { mapped, derived, state } },
      makeRoom: () => this.#commits.commitIfFull(),
      setAside: () => this.#makeRoom(),
      signal,
    });
    if (!this.#phase.derived) {
      await using first = new FirstDerivation({
        ...{ state: this.#state, view: state, output: NOBODY, derived, entry, at, limits, left: this.#left, queued: this.#queued },
        // Those whose rows pass by are in the mirror.
        tables: [],
        barriers: [],
        targetOf: () => HELD_TABLE,
        commit: () => this.#commits.commit(),
        makeRoom: () => this.#inDeriveAll(),
        startThreads: startThreads && (() => startThreads(this.#rangeSetup(mapped, generation), this.#state.location)),
      });
      const activating = (cursor: DeriveAllCursor | null, batch: number): TransformPhase => ({
        name: 'activating',
        cursor,
        batch,
        derived: false,
        numbers,
      });
      if (!(await this.#deriveAll(first, this.#phase, activating, signal))) return false;
      first.release();
      await this.#commits.forget(COMPARED_PREFIXES);
      // What it has done in part must not be committed: it rejects where we are told to stop.
      await difference.keep();
      this.#phase = { ...this.#phase, derived: true };
      await this.#commits.commit();
    }
    crashPoint('transform.in-activation');
    await this.#commits.forget(COMPARED_PREFIXES);
    if (!(await unlessAborted(signal, () => difference.find()))) return false;
    for (const { target } of mapped.passed()) await output.tell(target);
    for (const target of derived.told) await output.tell(target);
    output.activated(hash, entry.header.seq);
    output.begin(entry);
    await difference.give(numbers);
    output.pass(entry, { ...PASSED_PROGRESS, facts: { activation: true } });
    crashPoint('transform.in-activation');
    this.#mapped = mapped;
    this.#passing = new Map();
    this.#generation = generation;
    this.#stale = true;
    this.#phase = { name: 'following' };
    await this.#plan('MAPPING_INVALID');
    return true;
  }

  /** What was derived under the mapping before goes, beside the work. */
  #tidy(): void {
    const left = [...prefixesOf(this.#generation === 0 ? 'other' : 'one'), ...COMPARED_PREFIXES];
    this.#tidying = this.#commits.forget(left).then((isDone) => {
      if (isDone) this.#stale = false;
    });
    // Whoever waits for the commits hears of it.
    this.#tidying.catch(() => undefined);
  }

  async #rows(entry: LogEntry): Promise<void> {
    const { header } = entry;
    if (this.#active === null)
      throw new ChangeoverError('MAPPING_NOT_ACTIVE', `record ${String(header.seq)} comes before any mapping was activated`);
    if (header.part === 1) {
      this.#frameCount = 0;
      this.#output.begin(entry);
    }
    this.#begunAt = header.last ? null : (this.#begunAt ?? entry.at);
    for (const frame of this.#frames.push(entry.body)) {
      const made = this.#frame(frame, header.seq, header.kind === 'snapshot-chunk');
      for (const _ of made ?? []) {
        await this.#give(entry, true);
        await this.#makeRoom();
      }
    }
    if (!header.last) {
      await this.#give(entry, true);
      await this.#makeRoom();
      return;
    }
    await this.#give(entry);
    this.#frames.end();
    if (this.#phase.name === 'following') this.#output.pass(entry, PASSED_ROWS);
  }

  /** Rows of the target that a mapping looks up: in the mirror they are like those of a table of the source. False: we were told to stop in the middle. */
  async #reference(entry: LogEntry, signal: AbortSignal): Promise<boolean> {
    const { header } = entry;
    const isFollowing = this.#phase.name === 'following';
    if (isFollowing) {
      await this.#output.tell(REFERENCE_TABLE);
      this.#output.begin(entry);
    }
    for (const frame of this.#frames.push(entry.body)) {
      const form = this.#tables.form(frame.schemaSeq);
      const { table, place } = form;
      table.mirror.layer(frame, place, header.seq, isFollowing ? this.#sink(table.form) : NOTHING);
      // From here on all of the table is known, with the columns of this form.
      if (header.more !== true && form === table.form) table.firstRows = header.seq;
    }
    this.#frames.end();
    if (isFollowing) {
      await this.#give(entry);
      this.#output.pass(entry, PASSED_ROWS);
      return true;
    }
    this.#output.begin(entry);
    if (!(await this.#derivesFirst(entry, signal))) return false;
    this.#output.pass(entry, PASSED_PROGRESS);
    return true;
  }

  /** Lays a frame over the mirror; a generator where a whole table is gone through. */
  #frame(frame: Frame, seq: number, isChunk: boolean): Generator<void> | null {
    const form = this.#tables.form(frame.schemaSeq);
    const { table } = form;
    table.firstRows ??= seq;
    if (!form.keyed) return this.#use(form).passed === null ? null : this.#frameWithoutKey(frame, form, seq, isChunk);
    const filling = this.#phase.name !== 'following';
    if (filling) table.rows = frame.op === 't' ? 0 : table.rows + frame.rowCount * (ROWS_OF[frame.op] ?? 0);
    const sink = filling ? NOTHING : this.#sink(form);
    if (frame.op === 't') return table.mirror.truncate(form.place, sink);
    if (filling && (frame.op === 'c' || frame.op === 'r')) table.mirror.overwrite(frame, form.place, seq);
    else table.mirror.layer(frame, form.place, seq, sink);
    return null;
  }

  /** A copy of such a table is one piece, and all that it holds. */
  #frameWithoutKey(frame: Frame, form: ToldForm, seq: number, isChunk: boolean): null {
    const frames: readonly Frame[] = isChunk
      ? [...(this.#frameCount === 0 ? [{ ...frame, op: 't' as const, rowCount: 0, rows: Buffer.alloc(0) }] : []), { ...frame, op: 'c' }]
      : [frame];
    for (const one of frames) {
      if (this.#phase.name === 'following') this.#output.add(one, this.#use(form).passed as TableSchema);
      else this.#queued.add(form.table.number, one, seq, this.#frameCount);
      this.#frameCount++;
    }
    return null;
  }

  /** Where a change of the mirror goes. */
  #sink(form: ToldForm): RowSink {
    const { table } = form;
    const passing = this.#passingOf(table.form);
    const derived = this.#derived?.reads(table.name) === true ? this.#derived : null;
    const recorded = isReference(table.name) ? this.#derived : null;
    // The rules, and the target, know the form told last.
    const known = (line: Line | null): Line | null => (line === null ? null : table.mirror.inLastForm(line, form.place));
    return (before, after, from, to) => {
      const was = known(before);
      const is = known(after);
      passing?.add(was, is);
      derived?.touch(table.name, was, is, from, to);
      recorded?.record(table, was, is, to);
    };
  }

  #passingOf(form: ToldForm): RowFrames | null {
    const { passed } = this.#use(form);
    if (passed === null || this.#circles.includes(form.table.name)) return null;
    const known = this.#passing.get(form);
    if (known !== undefined) return known;
    const frames = new RowFrames((frame) => this.#output.add(frame, passed));
    // In one order, whoever asks first: a record that is made again is the same.
    this.#passing = new Map([...this.#passing, [form, frames] as const].sort(([a], [b]) => a.ref.seq - b.ref.seq));
    return frames;
  }

  /** Frames of what changed since the last time. `goesOn`: in the middle of the record. */
  async #give(entry: LogEntry, goesOn = false): Promise<void> {
    for (const frames of this.#passing.values()) frames.end();
    for (const _ of this.#derived?.derive(this.#at(entry), goesOn) ?? []) await this.#makeRoom();
  }

  async #schema(entry: LogEntry): Promise<void> {
    const { table: schema, previous, empty, copy } = decodeJsonBody('schema', entry);
    const { header, at } = entry;
    const isNew = this.#tables.find(tableName(schema)) === undefined;
    const before = previous === null ? null : this.#tables.form(previous.seq);
    const form = this.#tables.tell({ seq: header.seq, at }, schema);
    if (before !== null) this.#judge(before.schema, form, empty === true || copy === true);
    if (this.#phase.name !== 'following') return;
    const { passed, read } = this.#use(form);
    if (isNew && passed !== null) this.#mapped?.findCircles();
    if (passed !== null) await this.#output.tell(passed);
    if (read || this.#circles.includes(form.table.name)) await this.#plan('SCHEMA_NEEDS_MAPPING');
  }

  /** Where only rules read a table, they say themselves which of its columns they miss. */
  #judge(before: TableSchema, form: ToldForm, copied: boolean): void {
    if (this.#mapped === null || isReference(form.table.name)) return;
    const { passed, read } = this.#use(form);
    const after = form.schema;
    if (passed !== null) requireHarmless(before, after, copied);
    else if (read && judgeSchemaChange(before, after)?.code === 'SCHEMA_NEEDS_COPY') requireHarmless(before, after, copied);
  }

  /** False: we were told to stop in the middle. */
  async #progress(entry: LogEntry, signal: AbortSignal): Promise<boolean> {
    const body = decodeJsonBody('progress', entry);
    this.#output.begin(entry);
    if (!('same' in body) && body.phase === 'streaming') {
      this.#streaming = true;
      const named = Object.entries(body.copies ?? {});
      const ended = Object.entries(this.#copies).filter(([name]) => !named.some(([other]) => other === name));
      await this.#sweep(entry, ended);
      this.#copies = Object.fromEntries(named.flatMap(([name, { since, left }]) => (left === true ? [] : [[name, since]])));
      this.#left = named.flatMap(([name, { left }]) => (left === true ? [name] : []));
    }
    if (!(await this.#derivesFirst(entry, signal))) return false;
    this.#output.pass(entry, PASSED_PROGRESS);
    return true;
  }

  /** These tables' copies have ended: what they did not find is gone at the source. */
  async #sweep(entry: LogEntry, ended: readonly (readonly [name: string, since: number])[]): Promise<void> {
    for (const [name, since] of ended) {
      const table = this.#tables.find(name);
      // Before the first rows there is nothing that a copy could have missed.
      if (table === undefined || table.firstRows === null || table.firstRows > since || !table.form.keyed) continue;
      const sink = this.#phase.name === 'following' ? this.#sink(table.form) : NOTHING;
      for (const _ of table.mirror.sweep(since, table.form.place, sink)) {
        await this.#give(entry, true);
        await this.#makeRoom();
      }
      table.mirror.requireWhole();
    }
    if (ended.length > 0) await this.#give(entry);
  }

  /** Derives everything, if it is time to. False: we were told to stop in the middle. */
  async #derivesFirst(entry: LogEntry, signal: AbortSignal): Promise<boolean> {
    if (this.#phase.name === 'following' || this.#active === null || !this.#streaming || Object.keys(this.#copies).length > 0) return true;
    if (this.#phase.name === 'filling' && !this.#hasReferences()) return true;
    if (this.#phase.name === 'filling') {
      this.#mapped?.findCircles();
      this.#phase = { name: 'deriving', cursor: null, batch: 0 };
    }
    await this.#tellAll();
    const derived = await this.#plan('MAPPING_INVALID');
    const mapped = this.#mapped as MappedTables;
    const [decided] = derived.derivation.mirror.corrections;
    if (decided !== undefined) await this.#output.tell(CORRECTION_TABLE);
    if ([...this.#tables].some(({ name }) => isReference(name))) await this.#output.tell(REFERENCE_TABLE);
    const { startThreads, limits } = this.#options;
    await using first = new FirstDerivation({
      state: this.#state,
      view: this.#generationView(),
      output: this.#output,
      derived,
      tables: [...mapped.passed()].filter(({ table }) => !mapped.circles.includes(table.name)),
      left: this.#left,
      queued: this.#queued,
      entry,
      at: this.#at(entry),
      barriers: this.#barriers,
      targetOf: ({ schemaSeq }) => this.#use(this.#tables.form(schemaSeq)).passed as TableSchema,
      commit: () => this.#commits.commit(),
      makeRoom: () => this.#inDeriveAll(),
      startThreads: startThreads && (() => startThreads(this.#rangeSetup(mapped, this.#generation), this.#state.location)),
      limits,
    });
    const deriving = (cursor: DeriveAllCursor | null, batch: number): TransformPhase => ({ name: 'deriving', cursor, batch });
    if (!(await this.#deriveAll(first, this.#phase, deriving, signal))) return false;
    this.#phase = { name: 'following' };
    this.#barriers = [];
    this.#output.begin(entry);
    return true;
  }

  /** Whether all that the rules look up at the target is recorded. Else nothing is derived yet: without it rows would be held, or lack what they look up. */
  #hasReferences(): boolean {
    const missing = missingReferences((this.#mapped as MappedTables).mapping, this.#tables);
    if (missing.length > 0 && !this.#toldMissing) this.#options.observer.warning(referenceMissing(missing));
    this.#toldMissing = missing.length > 0;
    return missing.length === 0;
  }

  /** What `first` derives, from where the phase is on. False: we were told to stop in the middle. */
  async #deriveAll(
    first: FirstDerivation,
    from: { readonly cursor: DeriveAllCursor | null; readonly batch: number },
    phaseAt: (cursor: DeriveAllCursor | null, batch: number) => TransformPhase,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let { cursor, batch } = from; ;) {
      const done = await first.next(cursor, batch);
      ({ cursor, batch } = done);
      this.#options.crashPoint('transform.in-derive-all');
      this.#options.observer.derived({ ...first.reached(cursor), finished: done.ended });
      if (done.ended) return true;
      this.#phase = phaseAt(cursor, batch);
      await this.#output.ready();
      // What only indexes or gathers writes nothing that it would have to wait for: nobody else in this process would get a turn.
      await nextTurn();
      if (this.#commits.isDue) {
        first.release();
        await this.#commits.whenDue();
      }
      if (signal.aborted) return false;
    }
  }

  /** Between two rounds of one of its records. */
  async #inDeriveAll(): Promise<void> {
    this.#options.crashPoint('transform.in-derive-all');
    await this.#makeRoom();
  }

  /** Before anything is derived it is only remembered: what is derived then knows it. */
  async #correction(entry: LogEntry): Promise<void> {
    const { requestId, decisions } = decodeJsonBody('correction', entry);
    const derived = this.#phase.name === 'following' ? this.#derived : null;
    const at = this.#at(entry);
    const idOf = (place: number): string => `${requestId}.${String(place + 1)}`;
    if (derived === null) {
      const corrections = new Corrections(this.#state);
      decisions.forEach((decision, place) => corrections.decide(idOf(place), decision, at));
      return;
    }
    await this.#output.tell(CORRECTION_TABLE);
    this.#output.begin(entry);
    decisions.forEach((decision, place) => derived.decide(idOf(place), decision, at));
    await this.#give(entry);
    this.#output.pass(entry, PASSED_ROWS);
  }

  #barrier(entry: LogEntry): void {
    const body = decodeJsonBody('barrier', entry);
    if (this.#phase.name === 'following') {
      this.#output.begin(entry);
      this.#output.pass(entry, { kind: 'barrier', body: encodeJsonBody('barrier', body) });
    } else this.#barriers = [...this.#barriers, body];
  }

  /** What the rules make of the tables as they are, from now on. `code`: what it means if they do not fit. */
  async #plan(code: 'MAPPING_INVALID' | 'SCHEMA_NEEDS_MAPPING'): Promise<DerivedTables> {
    const derived = this.#tablesOf(this.#mapped as MappedTables, this.#generationView(), this.#output, code);
    this.#derived = derived;
    for (const target of derived.told) await this.#output.tell(target);
    return derived;
  }

  #tablesOf(
    mapped: MappedTables,
    state: StateView,
    output: Pick<WritesOutput, 'add'>,
    code: 'MAPPING_INVALID' | 'SCHEMA_NEEDS_MAPPING',
  ): DerivedTables {
    const { migration, converters, tables, limits } = this.#options;
    const isCopied = (name: string): boolean => name in this.#copies || this.#left.includes(name);
    try {
      return new DerivedTables({
        migration,
        rules: mapped.rules(),
        converters,
        tables,
        state,
        output,
        isCopied,
        correctable: mapped.correctable,
        roundRows: limits.roundRows,
      });
    } catch (error) {
      if (!(error instanceof ChangeoverError) || error.code !== 'MAPPING_INVALID') throw error;
      throw new ChangeoverError(code, error.message, { facts: error.facts, cause: error });
    }
  }

  #generationView(): StateView {
    return GenerationView.of(this.#state, this.#generation);
  }

  get #otherGeneration(): Generation {
    return this.#generation === 0 ? 1 : 0;
  }

  /** Of what is derived under the mapping that comes into force. */
  #otherView(): StateView {
    return GenerationView.of(this.#state, this.#otherGeneration);
  }

  #rangeSetup(mapped: MappedTables, generation: Generation): RangeSetup {
    return {
      migration: this.#options.migration,
      rules: mapped.rules(),
      tables: this.#tables.told,
      partial: [...Object.keys(this.#copies), ...this.#left],
      correctable: [...mapped.correctable],
      generation,
    };
  }

  async #tellAll(): Promise<void> {
    for (const { table, target } of this.#mapped?.passed() ?? []) {
      await this.#output.tell(target);
      // What waits of these has the form that it was told in.
      if (!table.form.keyed) for (const form of table.forms) await this.#output.tell(this.#use(form).passed as TableSchema);
    }
  }

  /** Of the mapping in force. */
  #use(form: ToldForm): TableUse {
    return (this.#mapped as MappedTables).use(form);
  }

  get #circles(): readonly string[] {
    return this.#mapped?.circles ?? [];
  }

  /** Commit times stand in the last part of a record; until then the one before it will do. */
  #at({ header }: LogEntry): HeldSince {
    this.#ts_ms = header.ts_ms ?? this.#ts_ms;
    return { seq: header.seq, ts_ms: this.#ts_ms };
  }

  /** In the middle of what cannot be committed yet, nothing more may be kept in memory; others get a turn, and whoever wants us to stop is heard. */
  async #makeRoom(): Promise<void> {
    await this.#output.ready();
    await this.#commits.makeRoom();
    await nextTurn(this.#signal);
  }

  /** The record in hand was given up by its writer, or begins anew: what it has put is taken back, with all that is not committed. */
  async #giveUp(at: number): Promise<'again'> {
    this.#options.givenUp.add(at);
    this.#output.forget();
    await this.#output.drain();
    await this.#commits.discard();
    return 'again';
  }

  #place(): TransformPlace {
    const { told } = this.#options;
    return {
      read: this.#read,
      writes: this.#output.reached,
      active: this.#active && { seq: this.#active.seq, at: this.#active.at },
      refused: this.#refused,
      generation: this.#generation,
      stale: this.#stale,
      streaming: this.#streaming,
      ts_ms: this.#ts_ms,
      phase: this.#phase,
      copies: this.#copies,
      left: this.#left,
      tables: this.#tables.toJSON(),
      circles: this.#circles,
      told: told.toJSON(),
      barriers: this.#barriers,
    };
  }
}

/** False: it ended because of the signal. */
async function unlessAborted(signal: AbortSignal, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
