import type { Position } from '@changeover/core';

import type { Frame } from '../frame/frame.js';
import type { TableSchema } from '../frame/table-schema.js';
import type { ReadPosition } from '../log/event-log.port.js';
import type { PreflightFinding } from './change-source.port.js';
import type { HeldTotals } from './held-row-list.port.js';

/** The progress row: how far the target is, committed with the data. */
export type LoadProgress = {
  /** The last record of `writes` that is in the target. */
  readonly writes: ReadPosition;
  /** The record of `changes` that it came from. */
  readonly changes: { readonly logId: string; readonly seq: number };
  /** Source position and commit time (ms since the epoch) of that record. */
  readonly position: Position;
  readonly ts_ms: number;
};

/**
 * How much of a batch the target may refuse. `few`: beyond that the set-up is taken for wrong, TARGET_REFUSES, so that it is seen early. `any`: each row that it refuses is
 * written down, however many there are, so that whoever has decided on such a record can get past it.
 */
export type RefusalLimit = 'few' | 'any';

/** One source transaction's rows for the target, complete. `refusals`: left out, `few`; of a batch they may be any where they may of one of its transactions. */
export type WriteTransaction = { readonly seq: number; readonly frames: readonly Frame[]; readonly refusals?: RefusalLimit };

/** A run of consecutive records of `writes`, to be applied with its progress in one target transaction. */
export type LoadBatch = {
  /** In order. Empty: only progress moves. */
  readonly transactions: readonly WriteTransaction[];
  readonly progress: LoadProgress;
  /** Barrier tokens reached in this batch. Their commit is synchronous. One that is the batch's last record is a place to go back to. */
  readonly barriers: readonly { readonly token: string; readonly seq: number }[];
};

export type ApplyReport = {
  /** Net rows by what was done, without those of the list of held rows; `refused` counts newly refused rows, `released` those that no longer are. */
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly refused: number;
  readonly released: number;
};

/**
 * Load is held (`LoadHold`), or parked (`TargetMove`), and may not go beyond this record of `changes`: nothing was written. The same call may come again, with the same or with less;
 * what was staged still is.
 */
export type Held = { readonly held: { readonly through: number } };

/**
 * Where the target stands when it holds a barrier, as one look shows it, with the rows that it does not have as their source rows are: all of them,
 * whenever they came.
 */
export type BarrierReached = HeldTotals & {
  /** The barrier's sequence in `writes`. */
  readonly seq: number;
  /** The source position that the target has reached: the barrier's own, or one behind it. */
  readonly position: Position;
};

/** Rows of the list of held rows that rules of the severity `stop` hold. */
export type Stopping = {
  /** By since when, in ms of the source's commit times, the first of them first. */
  readonly bySince: readonly { readonly sinceMs: number; readonly rows: number }[];
  /** One of those that are held longest; null: there is none. */
  readonly first: { readonly table: string; readonly rule: string } | null;
};

/** Finds the schema that a frame refers to. */
export type SchemaLookup = (schemaSeq: number) => TableSchema;

/**
 * One owner's session with the target. Every call that writes does so in one transaction which also checks that we
 * still own the progress row; if not: FENCED, nothing written; TARGET_MOVED, if the target was taken to another place since, where the next
 * session begins. A call that lost its connection rejects with
 * TARGET_UNREACHABLE: whether it was committed only {@link TargetWriter.open}'s progress tells.
 */
export interface TargetSession extends AsyncDisposable {
  /** `null`: nothing was ever loaded. */
  readonly progress: LoadProgress | null;
  /**
   * Nets the batch per row and applies it, parents first, with progress, held and refused rows. Frames of `HELD_TABLE` are the list of held rows: each of
   * its rows is taken as it is told, and never refused. {@link Held} where load may not go so far. One call at a time.
   */
  apply(batch: LoadBatch, schemas: SchemaLookup): Promise<ApplyReport | Held>;
  /**
   * Takes frames of one record too large for memory, in order, into a temporary table; `applyStaged` nets and applies them like
   * any batch. `discardStaged` forgets them (the record was abandoned).
   */
  stage(frames: readonly Frame[], schemas: SchemaLookup): Promise<void>;
  applyStaged(progress: LoadProgress, refusals?: RefusalLimit): Promise<ApplyReport | Held>;
  discardStaged(): Promise<void>;
  /** As what was applied last left them. */
  stopping(): Promise<Stopping>;
}

/** A database that is kept in sync. */
export abstract class TargetWriter {
  /** Looks, changes nothing. `tables`: what the mapping will write, as the writes stream names them. */
  abstract preflight(tables: readonly TableSchema[]): Promise<readonly PreflightFinding[]>;

  /**
   * Becomes the owner: makes our own schema (`changeover`) if needed, ends the sessions of the owner before us,
   * raises the owner number, reads progress.
   */
  abstract open(): Promise<TargetSession>;

  /**
   * Tells whether a barrier is committed: then everything before it is there to be seen. `null`: not yet, or nothing was ever loaded. Looks, changes
   * nothing and disturbs no owner: for whoever waits, at any time and as often as he likes. After TARGET_UNREACHABLE it may be called again.
   */
  abstract findBarrier(token: string): Promise<BarrierReached | null>;

  abstract stop(): Promise<void>;
}
