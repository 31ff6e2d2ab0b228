import type { Frame } from '../frame/frame.js';
import type { Checkpoint, Whereabouts } from './checkpoints.port.js';
import type { SchemaLookup } from './target-writer.port.js';

/** `changed`: it holds something else than we wrote; `gone`: it is not there; `taken`: another row has its key. */
export type ChangedRow = { readonly table: string; readonly key: readonly (string | null)[]; readonly how: 'changed' | 'gone' | 'taken' };

export type MoveReport = {
  /** Rows of the target, without those of the list of held rows. */
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Rows of the list of held rows. */
  readonly held: number;
  /** Rows that somebody else had changed: all, and the first of them. */
  readonly changed: number;
  readonly changedRows: readonly ChangedRow[];
};

export type MoveOptions = {
  /** What becomes of rows that somebody else has changed: ROWS_CHANGED, they stay as they are, or they go along as if he had not. */
  readonly changedRows: 'refuse' | 'keep' | 'overwrite';
  /** Everything is done, and rolled back. */
  readonly dryRun: boolean;
};

/**
 * Takes a target to another place of the line of `writes` than load would, back or forth, while load is held. What lies between is told by {@link add}, always in
 * the order of the stream; {@link to} and {@link toHead} apply its net, with held and refused rows, in one transaction, in which the place moves as well.
 */
export interface TargetMove extends AsyncDisposable {
  readonly from: Whereabouts;
  /**
   * Frames of the next record between the two places. REWIND_TOO_LARGE beyond the memory that there may be; REWIND_IMPOSSIBLE for what has no way back.
   * Frames of the list of held rows are taken like all others.
   */
  add(record: { readonly seq: number; readonly frames: readonly Frame[] }, schemas: SchemaLookup): void;
  /** Forgets all that was added. */
  forget(): void;
  /**
   * To a checkpoint, where load is parked: it goes on only after {@link toHead}. REWIND_IMPOSSIBLE if a table of the target has another form than it had there;
   * REWIND_REFUSED if the target does not take the rows as they were; HOLD_LOST if load was not held as long as it should. Whatever rejects has changed nothing.
   */
  to(checkpoint: Checkpoint, options: MoveOptions): Promise<MoveReport>;
  /** To where load had come, and lets load go on. */
  toHead(options: MoveOptions): Promise<MoveReport>;
}

/** Takes a target to other places of the stream. */
export abstract class TargetMoves {
  /** Holds load, or has it parked where it is. TARGET_BUSY while somebody else holds it; null: nothing was ever loaded. */
  abstract take(): Promise<TargetMove | null>;

  abstract stop(): Promise<void>;
}
