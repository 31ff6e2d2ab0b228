import type { Frame, StateChanges } from '@changeover/events';
import type { TableRule } from '@changeover/mapping';

import type { WantedValues } from '../derive/derivation.js';
import type { HeldSince } from '../derive/held-rows.js';
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
  readonly at: HeldSince;
  /** Whether anybody wants frames of what changes, beside what goes into the state. */
  readonly frames: boolean;
  /** Of what is derived. */
  readonly generation: Generation;
};

/** What is done with the rows of a range, by the numbers of tables and rules. */
export type RangeStep =
  | { readonly what: 'index'; readonly table: number }
  | { readonly what: 'gather' | 'claim'; readonly rule: number }
  /** Of rows that could stand on these nothing was derived yet. */
  | { readonly what: 'derive'; readonly rule: number };

export type RangeTask = {
  readonly step: RangeStep;
  /** Rows of the mirror, in pieces that are taken in one go, each as `packEntries` packs them. */
  readonly pieces: readonly Uint8Array[];
};

export type RangeOutcome = {
  /** For the state. */
  readonly changes: StateChanges;
  /** For the record, in this order; `target`: place among all tables that frames are given of. */
  readonly frames: readonly (Omit<Frame, 'schemaSeq' | 'rows'> & { readonly target: number; readonly rows: Uint8Array })[];
  readonly wanted: readonly WantedValues[];
};

/** Threads beside ours; each derives over what the state has committed. */
export type RangeThreads = AsyncDisposable & {
  readonly count: number;
  /** Several at a time; each rejects with the error that its thread met. */
  derive(task: RangeTask): Promise<RangeOutcome>;
};

/** `location`: of the state. */
export type StartRangeThreads = (setup: RangeSetup, location: string) => RangeThreads;
