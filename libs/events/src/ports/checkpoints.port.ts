import type { RecordRef } from '../record/header.js';
import type { HeldTotals } from './held-row-list.port.js';
import type { LoadProgress } from './target-writer.port.js';

/** What a barrier left at the target that was committed by itself: a place of which nothing is guessed. */
export type BarrierPlace = {
  readonly place: LoadProgress;
  /** By table of the target (`schema.table`), the hash of the form that load knew it by. */
  readonly forms: Readonly<Record<string, string>>;
  readonly totals: HeldTotals;
  /** How often the target's tables had been exchanged with rebuilt ones. */
  readonly exchanges: number;
};

/** Rows summed up: their number, and the MD5 of each as it is compared, added modulo 2^128 (32 hexadecimal digits). */
export type RowsDigest = { readonly rows: number; readonly sum: string };

/**
 * What a table should hold. `form`: the record of `writes` that tells which columns its rows have; `content` null: not known, because the table changed its form,
 * and was not read since.
 */
export type TableDigest = { readonly form: RecordRef; readonly content: RowsDigest | null };

/** A named place of the stream, to which the target can be taken. */
export type Checkpoint = BarrierPlace & {
  readonly name: string;
  /** The barrier by which it was made. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly made_ms: number;
  /** Hash of the mapping that was active. */
  readonly mapping: string;
  /** What the target should hold there, by table, as the writes up to there say it and the target spells it. Rows that it refused count as they should be. */
  readonly digests: Readonly<Record<string, TableDigest>>;
  /** The target was read when the checkpoint was made, and held just that. */
  readonly read: boolean;
};

/**
 * Of a checkpoint that is not to be relied on only its name, and what is wrong with it. `exchanged`: the tables were exchanged with rebuilt ones since it was made, so there is no way back to it.
 */
export type ListedCheckpoint = (Checkpoint & { readonly exchanged?: true }) | { readonly name: string; readonly damaged: string };

/** The checkpoints of a migration. They are kept in the target, because that is what they are of. */
export abstract class Checkpoints {
  /** What a barrier left. `passed`: load has come to it, but not stopped there. Null: not there yet. */
  abstract placeOf(token: string): Promise<BarrierPlace | 'passed' | null>;
  /** CHECKPOINT_EXISTS. */
  abstract add(checkpoint: Checkpoint): Promise<void>;
  /** In the order of the stream. */
  abstract list(): Promise<readonly ListedCheckpoint[]>;
  /** CHECKPOINT_UNKNOWN; CHECKPOINT_DAMAGED where it is not what was added. */
  abstract find(name: string): Promise<Checkpoint>;
  /** Also a damaged one. CHECKPOINT_UNKNOWN. */
  abstract delete(name: string): Promise<void>;
  /** Where the target is; null: nothing was ever loaded. */
  abstract whereabouts(): Promise<Whereabouts | null>;

  abstract stop(): Promise<void>;
}

export type Whereabouts = {
  readonly progress: LoadProgress;
  /** The checkpoint where it is parked, and how far load had come; null: load follows the stream. */
  readonly parked: { readonly at: string; readonly head: LoadProgress } | null;
};
