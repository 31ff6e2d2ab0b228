import { invariant } from '@changeover/core';
import type { StateDraft, StateStore } from '@changeover/events';

import type { Derivation, DerivedChange } from '../derive/derivation.js';
import type { DeriveAll, DeriveAllCursor, DeriveStep } from '../derive/derive-all.js';
import { packEntries, unpackRows } from './packed-entries.js';
import type { RangeOutcome, RangeStep, RangeThreads } from './range-threads.js';

/** Of each thread: one that it derives, and one that waits for it. */
const RANGES_A_THREAD = 2;

export type RangesAheadOptions = {
  readonly all: DeriveAll;
  readonly state: StateStore;
  /** Over that state. */
  readonly derivation: Derivation;
  /** Starts the threads. */
  readonly start: () => RangeThreads;
  /** Commits all that was put into the state. */
  readonly commit: () => Promise<void>;
  /** Between two rounds of deriving, where nothing may be committed. */
  readonly makeRoom: () => Promise<void>;
  readonly recordRows: number;
};

type Range = {
  readonly rows: number;
  readonly next: DeriveAllCursor | null;
  readonly outcome: Promise<RangeOutcome>;
};

/**
 * Ranges of one step, each as many rows as make a record, given to other threads in the order in which they are asked for here. What they read of the state is
 * committed before the step begins, and no range of it reads what another one puts: so it does not matter which of them is done first, or over which of the commits
 * in between. Where rows depend on each other, as rivals and as those that need each other, our own thread decides, one range after the other.
 */
export class RangesAhead implements AsyncDisposable {
  readonly #options: RangesAheadOptions;
  readonly #draft: StateDraft;
  #threads: RangeThreads | null = null;
  /** The step that threads are at; null: none of this object yet. */
  #step: number | null = null;
  /** Behind the last range that was given to a thread; null: there are no more in this step. */
  #given: DeriveAllCursor | null = null;
  #ranges: Range[] = [];

  constructor(options: RangesAheadOptions) {
    this.#options = options;
    this.#draft = options.state.draft();
  }

  /** Whether there is anything of the step that other threads can do. */
  static takes(step: DeriveStep): boolean {
    return taskOf(step) !== null;
  }

  /** Does the range behind `cursor`, which is where the one before it ended. `give` takes what changes, round by round. */
  async next(
    cursor: DeriveAllCursor,
    give: (changes: readonly DerivedChange[]) => void = () => undefined,
  ): Promise<Omit<Range, 'outcome'>> {
    const threads = (this.#threads ??= this.#options.start());
    if (this.#step !== cursor.step) await this.#begin(cursor);
    while (this.#given !== null && this.#ranges.length < RANGES_A_THREAD * threads.count) this.#give(threads, this.#given);
    const range = this.#ranges.shift();
    invariant(range !== undefined, 'a step has at least one range');
    await this.#take(cursor, await range.outcome, give);
    return range;
  }

  /** Whatever its threads are at. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads?.[Symbol.asyncDispose]();
    await this.#draft[Symbol.asyncDispose]();
  }

  async #take(
    { step: index }: DeriveAllCursor,
    { changes: put, evaluated }: RangeOutcome,
    give: (changes: readonly DerivedChange[]) => void,
  ): Promise<void> {
    const { all, state, derivation, makeRoom } = this.#options;
    const step = all.steps[index] as DeriveStep;
    state.adopt(put);
    if (step.what !== 'derive') return;
    for (const rows of evaluated) {
      for (const { changes, isLast } of derivation.deriveFirst(step.rule, unpackRows(rows), step.childless)) {
        give(changes);
        if (!isLast) await makeRoom();
      }
    }
  }

  async #begin(cursor: DeriveAllCursor): Promise<void> {
    invariant(this.#ranges.length === 0, 'the step before has ended');
    const { all, commit } = this.#options;
    all.release();
    await commit();
    this.#draft.restart();
    this.#step = cursor.step;
    this.#given = cursor;
  }

  #give(threads: RangeThreads, cursor: DeriveAllCursor): void {
    const { all, recordRows } = this.#options;
    const pieces = [...all.pieces(cursor, recordRows, this.#draft)];
    const next = pieces.at(-1)?.next ?? null;
    const step = taskOf(all.steps[cursor.step] as DeriveStep) as RangeStep;
    const outcome = threads.derive({ step, pieces: pieces.map(({ entries }) => packEntries(entries)) });
    // Whoever asks for it is told; an error further ahead must not end the process before that.
    outcome.catch(() => undefined);
    this.#ranges.push({ rows: pieces.reduce((sum, { entries }) => sum + entries.length, 0), next, outcome });
    this.#given = next?.step === cursor.step ? next : null;
  }
}

function taskOf(step: DeriveStep): RangeStep | null {
  // What goes through them is the state's own thread: it is little beside what it takes to make what they are made of.
  if ('rule' in step && step.rule.mergedOf !== null) return null;
  switch (step.what) {
    case 'index':
      return { what: 'index', table: step.table.number };
    case 'gather':
    case 'derive':
      return { what: step.what, rule: step.rule.number };
    case 'pass':
    case 'number':
      return null;
  }
}
