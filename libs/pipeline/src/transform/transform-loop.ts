import type { Clock, CrashPoint, IdSource } from '@changeover/core';
import type { EventLog } from '@changeover/events';
import { mappingHash, type Mapping } from '@changeover/mapping';

import { processBatch, type DeliverBatch, type PipelineObserver } from '../ports.js';
import { readStreamAhead } from '../stream-reader.js';
import { ToldSchemas } from '../told-schemas.js';
import { otherMapping } from './other-mapping.js';
import { TransformSession } from './transform-session.js';

export type TransformLimits = {
  /** Bytes of `changes` read ahead, and bytes of `writes` that may wait for the log. */
  readonly maxQueuedBytes: number;
};

export type TransformOptions = {
  readonly changes: string;
  readonly writes: string;
  readonly log: EventLog;
  readonly mapping: Mapping;
  readonly observer: PipelineObserver;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly crashPoint: CrashPoint;
  readonly limits: TransformLimits;
};

/**
 * Turns `<m>.changes` into `<m>.writes`, of which it is the only writer.
 *
 * Where it is stands in `writes` itself: each record names the record of `changes` that it came from. So after a crash it looks at its tail
 * and goes on behind that; what it had derived but not appended is derived again, and nothing is appended twice.
 */
export class TransformLoop {
  readonly #options: TransformOptions;
  /** Target forms told to `writes`: counted records, so still true after a new fence. */
  readonly #told = ToldSchemas.from({});

  constructor(options: TransformOptions) {
    this.#options = options;
  }

  /** Until `signal` aborts or an error ends it. */
  async run(signal: AbortSignal, deliver: DeliverBatch = processBatch): Promise<void> {
    while (!signal.aborted) {
      if ((await this.#runOnce(signal, deliver)) === 'stopped') return;
    }
  }

  async #runOnce(signal: AbortSignal, deliver: DeliverBatch): Promise<'stopped' | 'again'> {
    const { log, changes, writes, ids, mapping, limits, clock } = this.#options;
    const writer = await log.openWriter(writes, { writerId: ids.uuid(), create: true });
    const hash = mappingHash(mapping);
    const active = writer.tail.header?.mapping ?? null;
    if (active !== null && active !== hash) throw otherMapping(active, hash);
    const abort = new AbortController();
    const ended = AbortSignal.any([signal, abort.signal]);
    const session = new TransformSession({ ...this.#options, writer, hash, active: active !== null, told: this.#told });
    await using items = readStreamAhead(
      { log, stream: changes, from: writer.tail.header?.from ?? null, maxQueuedBytes: limits.maxQueuedBytes, clock },
      ended,
    );
    session.failed.catch((error: unknown) => {
      items.fail(error);
    });
    try {
      for (;;) {
        const batch = await items.next();
        if (batch === null) break;
        let outcome: 'taken' | 'again' = 'taken';
        await deliver({
          process: async () => {
            outcome = await session.take(batch);
          },
        });
        if ((outcome as 'taken' | 'again') === 'again') return 'again';
      }
      await session.drain();
      return 'stopped';
    } finally {
      abort.abort();
      await session.settle();
    }
  }
}
