import type { ActivationRefusal, BarrierBody, ReadPosition, RecordRef } from '@changeover/events';

import type { LastNumbers } from '../derive/allocated-numbers.js';
import type { DeriveAllCursor } from '../derive/derive-all.js';
import type { Generation } from './generation-view.js';
import type { KnownTable } from './source-tables.js';

/**
 * What transform is doing with the rows of the source.
 *
 * `filling`: tables are being copied, rows only go into the mirror. `deriving`: the copies are there, everything is derived for the first time;
 * `batch` counts the records that this has come to. `following`: each record of `changes` becomes one of `writes`. `activating`: another mapping comes into force with the next
 * record; everything is derived under it beside what is written, and where it is `derived`, the two are held against each other. `numbers`: the last ones that sequences had given before.
 */
export type TransformPhase =
  | { readonly name: 'filling' }
  | { readonly name: 'deriving'; readonly cursor: DeriveAllCursor | null; readonly batch: number }
  | { readonly name: 'following' }
  | {
      readonly name: 'activating';
      readonly cursor: DeriveAllCursor | null;
      readonly batch: number;
      readonly derived: boolean;
      readonly numbers: LastNumbers;
    };

/** An activation that was refused at its record of `changes`, and with what. `requestId`: of who asked for it. */
export type RefusedActivation = RecordRef & ActivationRefusal & { readonly requestId: string; readonly hash: string };

/** What is committed with the state: where it stands, and all that is not in its entries. */
export type TransformPlace = {
  /** The last record of `changes` that is in the state. */
  readonly read: ReadPosition | null;
  /** `writes` held at least this then. A stream that holds less is not the one that the state belongs to. */
  readonly writes: { readonly logId: string; readonly seq: number };
  /** The record by which the log has said which mapping is the active one; null: it has not. */
  readonly active: RecordRef | null;
  /** All that were refused, in their order; left out: by a program that refused none. */
  readonly refused?: readonly RefusedActivation[];
  /** Whether `progress` has said which tables are being copied. */
  readonly streaming: boolean;
  /** Commit time of the last record that had one, in ms since the epoch. */
  readonly ts_ms: number;
  readonly phase: TransformPhase;
  /** Of what was derived under the mapping in force. */
  readonly generation: Generation;
  /** There is something left of the other one. */
  readonly stale: boolean;
  /** Tables that are being copied, as `progress` last said, each with its `since`. */
  readonly copies: Readonly<Record<string, number>>;
  /** Those that are captured no longer and were not copied to their end. */
  readonly left: readonly string[];
  readonly tables: readonly KnownTable[];
  /** Tables that pass by, but whose foreign keys form circles: their rows are derived, so that parents come first. */
  readonly circles: readonly string[];
  /** Forms of target tables that `writes` was told. */
  readonly told: Readonly<Record<string, readonly ({ readonly hash: string } & RecordRef)[]>>;
  /** Barriers that wait for the first derivation. */
  readonly barriers: readonly BarrierBody[];
};

/**
 * Raised when what is in the state means something else: an older one is not read, but derived again from the log.
 * History: 2, every join has a number, also one by key. 3, rivals are ordered by numbers as such. 4, keys that begin with an
 * empty text. 5, which record activated the mapping. 6, the mirror
 * holds all tables with a key, for another mapping may use them; what is derived has a generation. 7, everything is derived in other steps.
 */
export const STATE_VERSION = 7;

export function encodePlace(place: TransformPlace): Buffer {
  return Buffer.from(JSON.stringify({ version: STATE_VERSION, ...place }), 'utf8');
}

/** Null: there is none, or none that this program understands. */
export function decodePlace(bytes: Buffer | null): TransformPlace | null {
  if (bytes === null) return null;
  const { version, ...place } = JSON.parse(bytes.toString('utf8')) as TransformPlace & { readonly version: number };
  return version === STATE_VERSION ? place : null;
}
