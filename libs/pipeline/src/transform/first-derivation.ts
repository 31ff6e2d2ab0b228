import {
  encodeJsonBody,
  type BarrierBody,
  type Frame,
  type Line,
  type LogEntry,
  type StateStore,
  type TableSchema,
} from '@changeover/events';

import { DeriveAll, type DeriveAllCursor, type PassedTable } from '../derive/derive-all.js';
import type { HeldSince } from '../derive/held-rows.js';
import { RowFrames } from '../mirror/row-frames.js';
import { neverWhole } from '../mirror/table-mirror.js';
import type { DerivedTables } from './derived-tables.js';
import type { QueuedFrames } from './queued-frames.js';
import type { SourceTable } from './source-tables.js';
import type { WritesOutput } from './writes-output.js';

/** Driving rows of a record, where nobody says how many. */
const ROWS = 2000;
/** Of those, as many as are derived in one go: what is held for each of them in the meantime is still young when it is let go. */
const ROWS_AT_ONCE = 250;

export type FirstDerivationOptions = {
  readonly state: StateStore;
  readonly output: WritesOutput;
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
  readonly limits: { readonly recordRows?: number };
};

type Done = { readonly cursor: DeriveAllCursor | null; readonly batch: number; readonly ended: boolean };

/**
 * Everything at the target for the first time: what rules make and what passes by, parents first, then rows without a key, then the barriers that waited
 * for it. In records of bounded size, which are the same ones whenever it is done again from the same cursor.
 */
export class FirstDerivation {
  readonly #options: FirstDerivationOptions;
  readonly #all: DeriveAll;
  readonly #passing: ReadonlyMap<PassedTable, RowFrames>;
  readonly #sources: ReadonlyMap<string, SourceTable>;
  /** Rows gone through by this object in the step that it is at. */
  #inStep = { step: 0, rows: 0 };

  constructor(options: FirstDerivationOptions) {
    this.#options = options;
    const { derived, state, tables, left, output } = options;
    const keyed = tables.filter(({ table }) => table.form.keyed);
    const passing = keyed.map(
      ({ table, target }) => [passedTable(table, left.includes(table.name)), new RowFrames((frame) => output.add(frame, target))] as const,
    );
    this.#passing = new Map(passing);
    this.#sources = new Map([...derived.sources, ...tables.map(({ table }) => table)].map((table) => [table.name, table]));
    this.#all = new DeriveAll({
      plan: derived.plan,
      derivation: derived.derivation,
      state,
      passed: [...this.#passing.keys()],
      referredBy: (name) => this.#sources.get(name)?.form.schema.foreignKeys?.map(({ table }) => table) ?? [],
    });
  }

  /** The next piece, behind `cursor`, when there are `batch` records of it. */
  async next(cursor: DeriveAllCursor | null, batch: number): Promise<Done> {
    const { output, entry, derived, at, limits } = this.#options;
    if (cursor?.step === this.#all.tables.length) return this.#last(cursor, batch);
    output.begin(entry, batch + 1);
    const most = limits.recordRows ?? ROWS;
    const step = cursor?.step ?? 0;
    let reached = cursor;
    let gone = 0;
    let asked: number;
    let rows: number;
    do {
      asked = Math.min(most - gone, ROWS_AT_ONCE);
      const piece = this.#all.next(reached, asked);
      derived.give(piece.changes, at);
      if (piece.passed !== null) this.#pass(piece.passed.table, piece.passed.lines);
      reached = piece.next;
      rows = piece.rows;
      gone += rows;
      // Fewer than asked for are the end of the table, or large ones.
    } while (rows === asked && gone < most && reached?.step === step);
    this.#inStep = { step, rows: (this.#inStep.step === step ? this.#inStep.rows : 0) + gone };
    const made = output.holdsFrames;
    if (made) output.passBatch(entry, batch + 1, { kind: 'transaction', body: [] });
    return { cursor: reached ?? { step: this.#all.tables.length, after: null }, batch: made ? batch + 1 : batch, ended: false };
  }

  /** Where it is at this cursor, for those who show progress. */
  reached(cursor: DeriveAllCursor | null): { readonly table: string; readonly rows: number; readonly expected: number } {
    const { tables } = this.#all;
    const rowsOf = (names: readonly string[]): number => names.reduce((sum, name) => sum + (this.#sources.get(name)?.rows ?? 0), 0);
    const step = cursor?.step ?? 0;
    const inStep = this.#inStep.step === step ? this.#inStep.rows : 0;
    return { table: tables[step] ?? '', rows: rowsOf(tables.slice(0, step)) + inStep, expected: rowsOf(tables) };
  }

  /** Lets the state go, as before a commit. */
  release(): void {
    this.#all.release();
  }

  #pass(table: PassedTable, lines: readonly Line[]): void {
    const frames = this.#passing.get(table) as RowFrames;
    for (const line of lines) frames.add(null, line);
    frames.end();
  }

  async #last(cursor: DeriveAllCursor, batch: number): Promise<Done> {
    const { output, entry, tables, queued, targetOf, barriers } = this.#options;
    let made = batch;
    output.begin(entry, made + 1);
    for (const { table } of tables) {
      if (table.form.keyed) continue;
      for (const _ of queued.take(table.number, (frame) => output.add(frame, targetOf(frame)))) await output.ready();
    }
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
