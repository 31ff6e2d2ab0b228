import type { ErrorCode, Position } from '@changeover/core';

import type { ReadPosition } from '../log/event-log.port.js';

/**
 * What happened, on `<m>.changes`; `writes` has transaction, schema, progress, barrier and fence of its own. `snapshot-chunk`: rows of one table as they
 * are at this place, in frames of op `r`. `reference-data`: rows of one table of the target that a mapping looks up, in frames of op `c` (as it is now, whether or
 * not it was there before) and `d`.
 */
export type RecordKind =
  'transaction' | 'snapshot-chunk' | 'progress' | 'schema' | 'mapping-activated' | 'correction' | 'reference-data' | 'barrier' | 'fence';

const WITH_FRAMES: readonly RecordKind[] = ['transaction', 'snapshot-chunk', 'reference-data'];

/** Whether its body are frames; else it is JSON, or nothing. */
export function holdsFrames(kind: RecordKind): boolean {
  return WITH_FRAMES.includes(kind);
}

/** Where a record lies: its sequence decides, the offset is a hint that is checked, never trusted. */
export type RecordRef = { readonly seq: number; readonly at: number };

/**
 * The JSON header of one message. A record is one or more messages (parts) of one sequence; facts that are only
 * known when it ends (position, commit time) stand in the last part. Words are Debezium's where it has one.
 */
export type RecordHeader = {
  readonly kind: Exclude<RecordKind, 'fence'>;
  readonly logId: string;
  readonly epoch: number;
  /** Dense within the stream; parts share it. */
  readonly seq: number;
  /** From 1 within the record. */
  readonly part: number;
  readonly last: boolean;
  /** The position of the record before: what this one follows. */
  readonly follows: Position;
  /** Checksum (hex) of the counted message before: the part before, or the last part of the record before. */
  readonly prev: string;
  /** Offset of the writer's own fence, from which a scan can begin. */
  readonly fenceAt: number;
} & LastPartFacts;

/** Why a mapping that was told did not come into force; `code` as everywhere, `reason` for people. */
export type ActivationRefusal = { readonly code: ErrorCode; readonly reason: string };

/** Stands in the last part only. */
export type LastPartFacts = {
  /** The source position after this record; records that move nothing repeat `follows`. */
  readonly pos?: Position | undefined;
  /** The source's transaction id, as the source writes it. */
  readonly txId?: string | undefined;
  /** Commit time at the source, ms since the epoch. */
  readonly ts_ms?: number | undefined;
  /** Replication origin, where the change did not start at this source. */
  readonly origin?: string | undefined;
  /** Of `reference-data`: others follow before the table is whole. */
  readonly more?: true | undefined;
  /** Rows in all parts together. */
  readonly rows?: number | undefined;
  /** Where the last `progress` record is that was durable when this one was made; between the two there may be others. */
  readonly progress?: RecordRef | undefined;
  /** On `writes`: the last record of `changes` that is in this and the records before; where transform goes on after a crash. */
  readonly from?: ReadPosition | undefined;
  /**
   * On `writes`, while everything is derived for the first time: how many records of that stand in the stream, this one included. They all name
   * the same `from`, the record before the one at which it is done.
   */
  readonly batch?: number | undefined;
  /** On `writes`: hash of the mapping that made it. */
  readonly mapping?: string | undefined;
  /** On `writes`: the record is what another mapping makes differently of all that is written. */
  readonly activation?: true | undefined;
  /** On `writes`, of a record that an activation became: the mapping could not come into force, so the one before it stays. Tells no value of a row. */
  readonly refused?: ActivationRefusal | undefined;
  /** Where the schema records are that this part's frames refer to: lets a reader that starts here find them. */
  readonly schemas?: readonly RecordRef[] | undefined;
};

/** Appended by whoever is about to write. Counts only if its epoch is higher than all before it. */
export type FenceHeader = {
  readonly kind: 'fence';
  readonly logId: string;
  readonly epoch: number;
  readonly writerId: string;
  /** Offset of a fence known to count, from which a scan can begin; its own place is not known before it is stored. -1: none. */
  readonly fenceAt: number;
};

export type AnyHeader = RecordHeader | FenceHeader;
