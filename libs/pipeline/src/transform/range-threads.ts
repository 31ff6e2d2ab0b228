import type { StateChanges } from '@changeover/events';
import type { TableRule } from '@changeover/mapping';

import type { Generation } from './generation-view.js';
import type { ToldTable } from './source-tables.js';

/** What a thread has to know before it can derive: plain data. */
export type RangeSetup = {
  readonly migration: string;
  readonly rules: readonly TableRule[];
  /** The captured tables, in the order of their numbers, with the forms that they were told in. */
  readonly tables: readonly ToldTable[];
  /** Tables of which rows need not be whole. */
  readonly partial: readonly string[];
  /** Tables of which operators can correct rows. */
  readonly correctable: readonly string[];
  /** Of what is derived. */
  readonly generation: Generation;
};

/** What is done with the rows of a range, by the numbers of tables and rules. */
export type RangeStep = { readonly what: 'index'; readonly table: number } | { readonly what: 'gather' | 'derive'; readonly rule: number };

export type RangeTask = {
  readonly step: RangeStep;
  /** Rows of the mirror, in pieces that are taken in one go, each as `packEntries` packs them. */
  readonly pieces: readonly Uint8Array[];
};

/** What came of a task: one of the two, by what its step is for. */
export type RangeOutcome = {
  /** For the state, where rows are indexed or gathered. */
  readonly changes: StateChanges;
  /** Where rows are derived: what they are by their own, in the task's pieces, each as `packRows` packs them. What becomes of them also depends on each other. */
  readonly evaluated: readonly Uint8Array[];
};

/** Threads beside ours; each does its part over what the state has committed. */
export type RangeThreads = AsyncDisposable & {
  readonly count: number;
  /** Several at a time; each rejects with the error that its thread met. */
  derive(task: RangeTask): Promise<RangeOutcome>;
};

/** `location`: of the state. */
export type StartRangeThreads = (setup: RangeSetup, location: string) => RangeThreads;
