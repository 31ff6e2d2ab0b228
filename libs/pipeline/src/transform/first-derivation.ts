import {
  encodeJsonBody,
  type BarrierBody,
  type Frame,
  type Line,
  type LogEntry,
  type StateStore,
  type StateView,
  type TableSchema,
} from '@changeover/events';

import { DeriveAll, takePiece, type DeriveAllCursor, type PassedTable } from '../derive/derive-all.js';
import type { HeldSince } from '../derive/held-rows.js';
import { RowFrames } from '../mirror/row-frames.js';
import { neverWhole } from '../mirror/table-mirror.js';
import type { DerivedTables } from './derived-tables.js';
import type { QueuedFrames } from './queued-frames.js';
import { RangesAhead } from './ranges-ahead.js';
import type { RangeThreads } from './range-threads.js';
import type { SourceTable } from './source-tables.js';
import type { WritesOutput } from './writes-output.js';
import { nextTurn } from '../next-turn.js';

/** Driving rows of a record, where nobody says how many. */
const ROWS = 2000;
/** Rows of a table from which on it is worth while to derive them in other threads. */
const THREADED_ROWS = 1_000;

export type FirstDerivationOptions = {
  readonly state: StateStore;
  /** The same, as the mapping has it that comes into force. */
  readonly view: StateView;
  readonly output: Pick<WritesOutput, 'begin' | 'add' | 'holdsFrames' | 'passBatch' | 'ready'>;
  readonly derived: DerivedTables;
  /** Tables whose rows pass by. */
  readonly tables: readonly { readonly table: SourceTable; readonly target: TableSchema }[];
  /** Those of which nothing more is told, though their copies have not ended: what is not whole is not there. */
  readonly left: readonly string[];
  readonly queued: QueuedFrames;
  /** What a frame that waited is in the target: its table may have another form by now. */
  readonly targetOf: (frame: Frame) => TableSchema;
  /** The record of `changes` at which it is done: its records stand before what that becomes. */
  readonly entry: LogEntry;
  readonly at: HeldSince;
  readonly barriers: readonly BarrierBody[];
  /** Commits all that was put into the state. */
  readonly commit: () => Promise<void>;
  /** In the middle of a record, of which nothing may be committed: nothing more may be kept in memory, and others get a turn. */
  readonly makeRoom: () => Promise<void>;
  /** Starts other threads; left out: everything is done in ours. */
  readonly startThreads?: (() => RangeThreads) | undefined;
  readonly limits: { readonly recordRows?: number; readonly threadedRows?: number };
};

type Done = { readonly cursor: DeriveAllCursor | null; readonly batch: number; readonly ended: boolean };

/**
 * Everything at the target for the first time: what rules make and what passes by, parents first, then rows without a key and what operators had decided, then the barriers that waited
 * for it. In records of a bounded number of driving rows, which are the same ones whenever it is done again from the same cursor, with other threads or without: what in ranges of large
 * tables does not depend on what comes of others is done ahead there. What has waited for a row comes in its record, however much that is: in rounds, behind each of which
 * it goes out in parts, and out of memory. A cursor stands only where records end, so one that was begun is begun anew.
 */
export class FirstDerivation implements AsyncDisposable {
  readonly #options: FirstDerivationOptions;
  readonly #all: DeriveAll;
  readonly #passing: ReadonlyMap<PassedTable, RowFrames>;
  readonly #sources: ReadonlyMap<string, SourceTable>;
  readonly #ahead: RangesAhead | null;
  readonly #recordRows: number;
  /** Rows gone through by this object in the step that it is at. */
  #inStep = { step: 0, rows: 0 };

  constructor(options: FirstDerivationOptions) {
    this.#options = options;
    const { derived, state, view, tables, left, output, startThreads, commit, limits } = options;
    const keyed = tables.filter(({ table }) => table.form.keyed);
    const passing = keyed.map(
      ({ table, target }) => [passedTable(table, left.includes(table.name)), new RowFrames((frame) => output.add(frame, target))] as const,
    );
    this.#passing = new Map(passing);
    this.#sources = new Map([...derived.sources, ...tables.map(({ table }) => table)].map((table) => [table.name, table]));
    this.#all = new DeriveAll({
      plan: derived.plan,
      state: view,
      passed: [...this.#passing.keys()],
      referredBy: (name) => this.#sources.get(name)?.form.schema.foreignKeys?.map(({ table }) => table) ?? [],
    });
    this.#recordRows = limits.recordRows ?? ROWS;
    this.#ahead =
      startThreads === undefined
        ? null
        : new RangesAhead({
            all: this.#all,
            state,
            derivation: derived.derivation,
            start: startThreads,
            commit,
            makeRoom: () => this.#makeRoom(),
            recordRows: this.#recordRows,
          });
  }

  /** The next piece, behind `cursor`, when there are `batch` records of it. */
  async next(cursor: DeriveAllCursor | null, batch: number): Promise<Done> {
    const { output, entry } = this.#options;
    const at = cursor ?? { step: 0, after: null };
    if (at.step === this.#all.steps.length) return this.#last(at, batch);
    output.begin(entry, batch + 1);
    const { rows, next } = this.#isThreaded(at) ? await this.#deriveAhead(at) : await this.#derive(at);
    this.#inStep = { step: at.step, rows: (this.#inStep.step === at.step ? this.#inStep.rows : 0) + rows };
    const made = output.holdsFrames;
    if (made) output.passBatch(entry, batch + 1, { kind: 'transaction', body: [] });
    return { cursor: next ?? { step: this.#all.steps.length, after: null }, batch: made ? batch + 1 : batch, ended: false };
  }

  /** Where it is at this cursor, for those who show progress. */
  reached(cursor: DeriveAllCursor | null): { readonly table: string; readonly rows: number; readonly expected: number } {
    const tables = this.#all.steps.map(({ table }) => table.name);
    const rowsOf = (names: readonly string[]): number => names.reduce((sum, name) => sum + (this.#sources.get(name)?.rows ?? 0), 0);
    const step = cursor?.step ?? 0;
    const inStep = this.#inStep.step === step ? this.#inStep.rows : 0;
    return { table: tables[step] ?? '', rows: rowsOf(tables.slice(0, step)) + inStep, expected: rowsOf(tables) };
  }

  /** Lets the state go, as before a commit. */
  release(): void {
    this.#all.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#ahead?.[Symbol.asyncDispose]();
  }

  #isThreaded({ step: index }: DeriveAllCursor): boolean {
    const step = this.#all.steps[index];
    if (this.#ahead === null || step === undefined || !RangesAhead.takes(step)) return false;
    return (this.#sources.get(step.table.name)?.rows ?? 0) >= (this.#options.limits.threadedRows ?? THREADED_ROWS);
  }

  async #derive(cursor: DeriveAllCursor): Promise<{ readonly rows: number; readonly next: DeriveAllCursor | null }> {
    const { derived, at } = this.#options;
    let rows = 0;
    let next: DeriveAllCursor | null = cursor;
    for (const piece of this.#all.pieces(cursor, this.#recordRows)) {
      for (const { changes, lines, isLast } of takePiece(derived.derivation, piece.step, piece.entries)) {
        derived.give(changes, at);
        if (piece.step.what === 'pass') this.#pass(piece.step.table, lines);
        if (!isLast) await this.#makeRoom();
      }
      rows += piece.entries.length;
      ({ next } = piece);
      // Of merged rows a piece may be made of many: others get a turn.
      if ('rule' in piece.step && piece.step.rule.mergedOf !== null) await nextTurn();
    }
    return { rows, next };
  }

  async #deriveAhead(cursor: DeriveAllCursor): Promise<{ readonly rows: number; readonly next: DeriveAllCursor | null }> {
    const { derived, at } = this.#options;
    return (this.#ahead as RangesAhead).next(cursor, (changes) => derived.give(changes, at));
  }

  async #makeRoom(): Promise<void> {
    this.release();
    await this.#options.makeRoom();
  }

  #pass(table: PassedTable, lines: readonly Line[]): void {
    const frames = this.#passing.get(table) as RowFrames;
    for (const line of lines) frames.add(null, line);
    frames.end();
  }

  async #last(cursor: DeriveAllCursor, batch: number): Promise<Done> {
    const { output, entry, derived, tables, queued, targetOf, barriers } = this.#options;
    let made = batch;
    output.begin(entry, made + 1);
    for (const { table } of tables) {
      if (table.form.keyed) continue;
      for (const _ of queued.take(table.number, (frame) => output.add(frame, targetOf(frame)))) await output.ready();
    }
    for (const _ of derived.decided()) await output.ready();
    if (output.holdsFrames) output.passBatch(entry, ++made, { kind: 'transaction', body: [] });
    for (const barrier of barriers) {
      output.begin(entry, made + 1);
      output.passBatch(entry, ++made, { kind: 'barrier', body: encodeJsonBody('barrier', barrier) });
    }
    return { cursor, batch: made, ended: true };
  }
}

function passedTable({ name, number, mirror }: SourceTable, mayBePartial: boolean): PassedTable {
  return {
    name,
    number,
    lineOf: (value) => {
      const line = mirror.lineOf(value);
      if (line !== null || mayBePartial) return line;
      throw neverWhole(name);
    },
  };
}
