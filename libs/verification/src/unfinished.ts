import type { Position } from '@changeover/core';
import type { TableSchema } from '@changeover/events';
import { STATE_VERSION, type DerivedSoFar } from '@changeover/pipeline';

import type { VerifiedPlace } from './base.js';
import type { TableComparison } from './compare-table.js';

/** A table, and the record of `changes` at which it was compared. */
export type PlacedComparison = TableComparison & { readonly seq: number };

/** A verification of all rows that has read the source, and has not ended: what its state is the state of. */
export type Unfinished = VerifiedPlace & {
  /** Hash of the mapping. */
  readonly mapping: string;
  /** The record of `changes` at which both ends were taken, its position and commit time (ms since the epoch), and when that was done. */
  readonly seq: number;
  readonly position: Position;
  readonly ts_ms: number;
  readonly placed_ms: number;
  /** What it took so far. */
  readonly heldMs: number;
  readonly takes: number;
  readonly seconds: number;
  /** The captured tables that were read, in their forms. */
  readonly tables: readonly TableSchema[];
  readonly notCompared: readonly string[];
  readonly compared: readonly PlacedComparison[];
  /** The list of numbers is known not to be what the log has told of them. */
  readonly numbersDiffer: boolean;
  readonly derived: DerivedSoFar;
};

/** Raised when it means something else. */
const FORMAT = 3;

/** As the place of a state, which is committed with what it says of it. */
export function encodeUnfinished(unfinished: Unfinished): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, state: STATE_VERSION, ...unfinished }));
}

/** Null: there is none, or none that this program understands. */
export function decodeUnfinished(place: Buffer | null): Unfinished | null {
  if (place === null) return null;
  const { format, state, ...unfinished } = JSON.parse(place.toString()) as Unfinished & {
    readonly format?: number;
    readonly state?: number;
  };
  return format === FORMAT && state === STATE_VERSION ? unfinished : null;
}
