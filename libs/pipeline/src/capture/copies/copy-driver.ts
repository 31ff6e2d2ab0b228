import type { Clock, IdSource } from '@changeover/core';
import type { HeldSource } from '@changeover/events';

import { ReadBudget } from './read-budget.js';
import type { TableCopies } from './table-copies.js';
import type { ChunkEvent, TableCopy } from './table-copy.js';
import type { UnseenTransactions } from './unseen-transactions.js';

/** How existing rows are copied. */
export type CopyLimits = {
  /** Tables at a time. */
  readonly parallel: number;
  /** Bytes of a chunk. Twice as many may be in memory for each table that is copied; one row at least is read, and beside them up to 32 that have to be read again. */
  readonly chunkBytes: number;
  /** Bytes of rows read of the source, of all tables together. Infinity: no bound. */
  readonly bytesPerSecond: number;
};

type DriverOptions = {
  readonly copies: TableCopies;
  readonly unseen: UnseenTransactions;
  readonly held: HeldSource;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly limits: CopyLimits;
  readonly onError: (error: unknown) => void;
};

/**
 * Asks the source for the next chunk of each table that is being copied, a few tables at a time, while the chunk before goes into the log.
 */
export class CopyDriver {
  readonly #options: DriverOptions;
  readonly #budget: ReadBudget;
  readonly #running = new Set<TableCopy>();
  #signal: AbortSignal | null = null;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#budget = new ReadBudget(options.clock, options.limits.bytesPerSecond);
  }

  /** Once the source's events were asked for, and they mean something. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    this.lookForWork();
  }

  /** There may be tables to copy that were not there before. */
  lookForWork(): void {
    const { copies, limits, onError } = this.#options;
    const signal = this.#signal;
    if (signal === null || signal.aborted) return;
    for (const copy of copies) {
      if (this.#running.size >= limits.parallel) return;
      if (this.#running.has(copy)) continue;
      this.#running.add(copy);
      this.#copy(copy, signal).then(() => {
        this.#running.delete(copy);
        this.lookForWork();
      }, onError);
    }
  }

  /** A chunk has come. */
  received({ rows }: ChunkEvent): void {
    this.#budget.spend(rows.length);
  }

  async #copy(copy: TableCopy, signal: AbortSignal): Promise<void> {
    const { held, ids, unseen, limits } = this.#options;
    while (!signal.aborted && copy.state !== 'done') {
      switch (copy.state) {
        case 'new': {
          const token = ids.uuid();
          copy.placing(token);
          await held.mark(token);
          break;
        }
        case 'ready':
          await this.#budget.ready(signal);
          // So that the next progress has few transactions to name.
          await unseen.look(held);
          if (copy.state === 'ready' && !signal.aborted) await held.copy(copy.ask(limits.chunkBytes));
          break;
        default:
          await copy.changed;
      }
    }
  }
}
