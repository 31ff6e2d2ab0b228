import { ChangeoverError, type Clock, type CrashPoint, type IdSource } from '@changeover/core';
import { decodeJsonBody, type EventLog, type LogItem, type LogWriter, type StateStore } from '@changeover/events';
import { mappingHash, type Converters, type Mapping } from '@changeover/mapping';

import { processBatch, type DeliverBatch, type PipelineObserver } from '../ports.js';
import { readStreamAhead } from '../stream-reader.js';
import { ToldSchemas } from '../told-schemas.js';
import { mappingAt } from './mapping-in-force.js';
import { otherMapping } from './other-mapping.js';
import type { StartRangeThreads } from './range-threads.js';
import { SourceTables } from './source-tables.js';
import { decodePlace, type TransformPlace } from './transform-place.js';
import { TransformSession, type SessionOptions } from './transform-session.js';
import { WritesOutput } from './writes-output.js';

export type TransformLimits = {
  /** Bytes of `changes` read ahead, and bytes of `writes` that may wait for the log. */
  readonly maxQueuedBytes: number;
  /** Bytes that may be in the state's memory before they are committed, or put aside. */
  readonly maxStateBytes: number;
  /** Driving rows of a record of the first derivation; fewer where they are large. Left out: 2000. */
  readonly recordRows?: number;
  /** Rows that are derived at once. Left out: 10,000. */
  readonly roundRows?: number;
  /** Rows of a table from which on other threads derive it, if there are any. Left out: 1,000. */
  readonly threadedRows?: number;
  /** Bytes of a part of `writes`. Left out: as many as everywhere. */
  readonly partBytes?: number;
};

export type TransformOptions = {
  /** The migration's id. */
  readonly migration: string;
  readonly changes: string;
  readonly writes: string;
  readonly log: EventLog;
  /** Makes us the owner of what is remembered beside the log; the loop closes it. */
  readonly openState: () => Promise<StateStore>;
  /** Starts threads for the first derivation of large tables; left out: all is done in this one. */
  readonly startThreads?: StartRangeThreads | undefined;
  /** Gives the mapping of the file, as it is then: what is new is derived only where that is the one in force. Left out: whatever the log says. */
  readonly mapping?: () => Promise<Mapping>;
  /** Whether a mapping of this hash is the one that was asked for last, so that the log is about to activate it. Left out: none is. */
  readonly isAskedFor?: (hash: string) => Promise<boolean>;
  readonly converters: Converters;
  readonly observer: PipelineObserver;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly crashPoint: CrashPoint;
  readonly limits: TransformLimits;
};

/**
 * Turns `<m>.changes` into `<m>.writes`, of which it is the only writer.
 *
 * Where it is stands in two places: each record of `writes` names the record of `changes` that it came from, and the state is committed
 * with the record that it holds, always behind what it led to is in `writes`. So after a crash it goes on from the state, and what
 * `writes` holds already is derived again but not appended twice. A state that is lost is filled again from the beginning of the log.
 */
export class TransformLoop {
  readonly #options: TransformOptions;

  constructor(options: TransformOptions) {
    this.#options = options;
  }

  /** Until `signal` aborts or an error ends it. */
  async run(signal: AbortSignal, deliver: DeliverBatch = processBatch): Promise<void> {
    const { log, writes, ids, openState } = this.#options;
    const writer = await log.openWriter(writes, { writerId: ids.uuid(), create: true });
    await this.#requireOurs(writer.tail.header?.mapping ?? null);
    await using state = await openState();
    const givenUp = new Set<number>();
    while (!signal.aborted) {
      if ((await this.#runSession({ writer, state, givenUp }, signal, deliver)) === 'stopped') return;
    }
  }

  /** MAPPING_NOT_ACTIVE where the file is another one than what `writes` was made under last, and nobody has asked for it. */
  async #requireOurs(active: string | null): Promise<void> {
    const { mapping, isAskedFor } = this.#options;
    if (mapping === undefined) return;
    const ours = mappingHash(await mapping());
    if (active === null || active === ours || (await isAskedFor?.(ours)) === true) return;
    throw otherMapping(active, ours);
  }

  async #runSession(
    { writer, state, givenUp }: Pick<SessionOptions, 'state' | 'givenUp'> & { readonly writer: LogWriter },
    signal: AbortSignal,
    deliver: DeliverBatch,
  ): Promise<'stopped' | 'again'> {
    const { log, changes, limits, clock, converters } = this.#options;
    const place = await placeOf(state, writer);
    const told = ToldSchemas.from(place?.told ?? {});
    const output = new WritesOutput({ ...this.#options, writer, told });
    const tables = await SourceTables.restore(state, place?.tables ?? [], async (ref) => {
      return decodeJsonBody('schema', await log.fetch(changes, ref)).table;
    });
    const active = place?.active == null ? null : await mappingAt(log, changes, place.active, converters);
    const session = new TransformSession({ ...this.#options, output, told, state, tables, place, active, givenUp });
    const abort = new AbortController();
    const ended = AbortSignal.any([signal, abort.signal]);
    await using items = readStreamAhead(
      { log, stream: changes, from: place?.read ?? null, maxQueuedBytes: limits.maxQueuedBytes, clock },
      ended,
    );
    session.failed.catch((error: unknown) => {
      items.fail(error);
    });
    try {
      await session.begin();
      for (;;) {
        const coming = items.next();
        await session.idle(coming);
        const batch = await coming;
        if (batch === null) break;
        requireSameLog(batch, output);
        let outcome = 'taken' as Awaited<ReturnType<typeof session.take>>;
        await deliver({
          process: async () => {
            outcome = await session.take(batch, ended);
          },
        });
        if (outcome !== 'taken') return outcome;
      }
      await session.drain();
      return 'stopped';
    } finally {
      abort.abort();
      await session.settle();
    }
  }
}

/** Where the state stands; null: it is empty, as it was lost or is of another log, and begins anew. */
async function placeOf(state: StateStore, { tail }: LogWriter): Promise<TransformPlace | null> {
  const place = decodePlace(state.place);
  // It is committed behind what it led to: a stream that holds less is not the one.
  if (place?.writes.logId === tail.logId && place.writes.seq <= tail.seq) return place;
  if (state.place !== null) await state.clear();
  return null;
}

/** `writes` says of which log it was made; read from the beginning, another one would look just as well. */
function requireSameLog(batch: readonly LogItem[], { tail }: WritesOutput): void {
  const [first] = batch;
  if (tail === null || first?.type !== 'entry' || first.entry.header.logId === tail.logId) return;
  throw new ChangeoverError('LOG_RECREATED', 'the stream of changes is not the one that the writes were made of', {
    facts: { expected: tail.logId, found: first.entry.header.logId },
  });
}
