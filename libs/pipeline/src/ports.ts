import type { ApplyReport, TableSize } from '@changeover/events';
import type { ChangeoverError } from '@changeover/core';

import type { RefusedActivation } from './transform/transform-place.js';

/** An operator's request as capture takes it from the control database. */
export type CaptureRequest = {
  readonly ordinal: number;
  readonly id: string;
  readonly kind: 'activate-mapping' | 'correct' | 'reference' | 'barrier';
  readonly payload: unknown;
};

/** Requests in the order of their ordinals. */
export abstract class CaptureRequests {
  /**
   * Those after `ordinal`, as they come; ends on abort. Trouble with where they are kept is told by `onTrouble` and does not end it:
   * the data path never stops for it.
   */
  abstract after(ordinal: number, signal: AbortSignal): AsyncIterable<CaptureRequest>;
}

/** What the loops tell about themselves. Every method must be cheap and must not throw. */
export abstract class PipelineObserver {
  /**
   * Records that became durable or were applied, and the place reached: `seq` in the stream that the role follows or writes, `changesSeq` in `changes`, in which all
   * can be compared. `ts_ms`: commit time at the source of the last.
   */
  abstract advanced(progress: {
    readonly records: number;
    readonly rows: number;
    readonly bytes: number;
    readonly seq: number;
    readonly changesSeq: number;
    readonly position: string;
    readonly ts_ms: number | null;
  }): void;
  /** A batch was committed at the target. */
  abstract applied(batch: {
    readonly transactions: number;
    readonly rows: number;
    readonly seconds: number;
    readonly report: ApplyReport;
  }): void;
  /** How far the copy of a table is, `schema.table`: what of it is in the log, beside what the source believes that there is (null: it has no idea). */
  abstract copied(copy: {
    readonly table: string;
    readonly rows: number;
    readonly bytes: number;
    readonly estimate: TableSize | null;
    readonly finished: boolean;
  }): void;
  /**
   * How far the first derivation is: `rows` of about `expected` rows of source tables were gone through (a table may be gone through more than
   * once), at present those of `table`.
   */
  abstract derived(derivation: {
    readonly table: string;
    readonly rows: number;
    readonly expected: number;
    readonly finished: boolean;
  }): void;
  /**
   * The mapping in force and the record of `changes` that activated it, and all activations that were refused, in their order: when transform begins, and at each
   * record that changes one of these.
   */
  abstract mapped(mapping: { readonly hash: string; readonly seq: number; readonly refused: readonly RefusedActivation[] }): void;
  /**
   * What transform remembers is filled from the log, or a crash is made up for: record `seq` of `changes` was read of which `writes` holds what became of
   * it already, as of all up to `through`.
   */
  abstract refilled(place: { readonly seq: number; readonly through: number }): void;
  /** Log that the source keeps for us. */
  abstract retained(bytes: number): void;
  /** Something an operator should know, which does not stop anything. */
  abstract warning(error: ChangeoverError): void;
}

/** Tells nobody. */
export class SilentObserver extends PipelineObserver {
  advanced(_progress: Parameters<PipelineObserver['advanced']>[0]): void {}
  applied(): void {}
  copied(_copy: Parameters<PipelineObserver['copied']>[0]): void {}
  derived(): void {}
  mapped(): void {}
  refilled(_place: Parameters<PipelineObserver['refilled']>[0]): void {}
  retained(): void {}
  warning(): void {}
}

/** What was read at once; `process` does the loop's work with it, and must have resolved before the next batch is asked for. */
export type ReadBatch = { process(): Promise<void> };

/** Whoever carries batches to the work: nobody, or a transport. */
export type DeliverBatch = (batch: ReadBatch) => Promise<void>;

export const processBatch: DeliverBatch = (batch) => batch.process();
