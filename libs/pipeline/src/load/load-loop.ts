import { ChangeoverError, unreachable, type Clock, type IdSource } from '@changeover/core';
import {
  decodeJsonBody,
  FrameReader,
  readPositionOf,
  type EventLog,
  type LoadProgress,
  type LogEntry,
  type LogItem,
  type RecordRef,
  type TableSchema,
  type TargetSession,
  type TargetWriter,
  type WriteTransaction,
} from '@changeover/events';

import { processBatch, type DeliverBatch, type PipelineObserver } from '../ports.js';
import { readStreamAhead } from '../stream-reader.js';

export type LoadLimits = {
  /** A batch is applied when it holds so many rows or bytes, or when nothing more is waiting. */
  readonly maxBatchRows: number;
  readonly maxBatchBytes: number;
  /** Bytes of `writes` read ahead. */
  readonly maxQueuedBytes: number;
};

export type LoadOptions = {
  readonly writes: string;
  readonly log: EventLog;
  readonly target: TargetWriter;
  readonly observer: PipelineObserver;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly limits: LoadLimits;
};

/**
 * Brings `<m>.writes` into the target: runs of consecutive records, each run in one target transaction with the progress row that says how far
 * the target is. That row, and nothing else, decides where it goes on; it is read again at every connection.
 */
export class LoadLoop {
  readonly #options: LoadOptions;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Until `signal` aborts (the batch in hand is finished) or an error ends it. */
  async run(signal: AbortSignal, deliver: DeliverBatch = processBatch): Promise<void> {
    const { log, writes, target, limits, clock } = this.#options;
    await using session = await target.open();
    const abort = new AbortController();
    const ended = AbortSignal.any([signal, abort.signal]);
    await using items = readStreamAhead(
      { log, stream: writes, from: session.progress?.writes ?? null, maxQueuedBytes: limits.maxQueuedBytes, clock },
      ended,
    );
    const run = new LoadRun(this.#options, session);
    try {
      for (;;) {
        const batch = await items.next();
        if (batch === null) return;
        await deliver({
          process: async () => {
            for (const item of batch) await run.take(item);
            await run.flush();
          },
        });
      }
    } finally {
      abort.abort();
    }
  }
}

/** One session's batches. */
class LoadRun {
  readonly #options: LoadOptions;
  readonly #session: TargetSession;
  readonly #schemas = new Map<number, TableSchema>();
  readonly #frames = new FrameReader();
  #transactions: WriteTransaction[] = [];
  #barriers: { readonly token: string; readonly seq: number }[] = [];
  #progress: LoadProgress | null = null;
  #rows = 0;
  #bytes = 0;
  #records = 0;
  /** Rows of the record that is being staged; null: none is. */
  #staged: number | null = null;

  constructor(options: LoadOptions, session: TargetSession) {
    this.#options = options;
    this.#session = session;
  }

  async take(item: LogItem): Promise<void> {
    if (item.type === 'abandoned') {
      await this.#discardStaged();
      return;
    }
    const { entry } = item;
    const { header } = entry;
    switch (header.kind) {
      case 'transaction':
        await this.#transaction(entry);
        break;
      case 'schema': {
        const { table } = decodeJsonBody('schema', entry);
        this.#schemas.set(header.seq, table);
        this.#reached(entry);
        break;
      }
      case 'barrier':
        this.#barriers.push({ token: decodeJsonBody('barrier', entry).token, seq: header.seq });
        this.#reached(entry);
        break;
      case 'progress':
      case 'mapping-activated':
      case 'snapshot-chunk':
        this.#reached(entry);
        break;
      default:
        unreachable(header.kind);
    }
  }

  /** Applies what was taken, in one target transaction. */
  async flush(): Promise<void> {
    const progress = this.#progress;
    if (progress === null) return;
    const { clock, observer } = this.#options;
    const started = clock.monotonic();
    const transactions = this.#transactions;
    const rows = this.#rows;
    const records = this.#records;
    const bytes = this.#bytes;
    const report = await this.#session.apply({ transactions, progress, barriers: this.#barriers }, this.#schemaOf);
    this.#transactions = [];
    this.#barriers = [];
    this.#progress = null;
    this.#rows = 0;
    this.#bytes = 0;
    this.#records = 0;
    observer.applied({ transactions: transactions.length, rows, seconds: (clock.monotonic() - started) / 1000, report });
    observer.advanced({ records, rows, bytes, ...placeOf(progress) });
  }

  async #transaction(entry: LogEntry): Promise<void> {
    const { header } = entry;
    for (const ref of header.schemas ?? []) if (!this.#schemas.has(ref.seq)) await this.#fetchSchema(ref);
    if (header.part === 1 && header.last) {
      await this.#discardStaged();
      const frames = this.#frames.push(entry.body);
      this.#frames.end();
      this.#transactions.push({ seq: header.seq, frames });
      this.#reached(entry);
      const { maxBatchRows, maxBatchBytes } = this.#options.limits;
      if (this.#rows >= maxBatchRows || this.#bytes >= maxBatchBytes) await this.flush();
      return;
    }
    await this.#stage(entry);
  }

  /** A record too large for memory: its parts go to the target as they come, and count when the last one is there. */
  async #stage(entry: LogEntry): Promise<void> {
    const { header } = entry;
    if (header.part === 1) {
      await this.flush();
      await this.#discardStaged();
      this.#staged = 0;
    }
    const frames = this.#frames.push(entry.body);
    this.#staged = (this.#staged ?? 0) + frames.reduce((sum, frame) => sum + frame.rowCount, 0);
    if (frames.length > 0) await this.#session.stage(frames, this.#schemaOf);
    if (!header.last) return;
    this.#frames.end();
    const { clock, observer } = this.#options;
    const started = clock.monotonic();
    const rows = this.#staged;
    const progress = progressAt(entry);
    const report = await this.#session.applyStaged(progress);
    this.#staged = null;
    observer.applied({ transactions: 1, rows, seconds: (clock.monotonic() - started) / 1000, report });
    observer.advanced({ records: 1, rows, bytes: 0, ...placeOf(progress) });
  }

  async #discardStaged(): Promise<void> {
    this.#frames.reset();
    if (this.#staged === null) return;
    this.#staged = null;
    await this.#session.discardStaged();
  }

  async #fetchSchema(ref: RecordRef): Promise<void> {
    const { log, writes } = this.#options;
    const { table } = decodeJsonBody('schema', await log.fetch(writes, ref));
    this.#schemas.set(ref.seq, table);
  }

  readonly #schemaOf = (seq: number): TableSchema => {
    const schema = this.#schemas.get(seq);
    if (schema === undefined)
      throw new ChangeoverError('LOG_CORRUPT', `a frame refers to schema ${String(seq)}, which its record does not name`);
    return schema;
  };

  #reached(entry: LogEntry): void {
    this.#progress = progressAt(entry);
    this.#records++;
    this.#rows += entry.header.rows ?? 0;
    this.#bytes += entry.body.length;
  }
}

function placeOf({ writes, changes, position, ts_ms }: LoadProgress) {
  return { seq: writes.seq, changesSeq: changes.seq, position, ts_ms };
}

function progressAt(entry: LogEntry): LoadProgress {
  const { header } = entry;
  const writes = readPositionOf(entry);
  return {
    writes,
    changes: { logId: header.from?.logId ?? '', seq: header.from?.seq ?? 0 },
    position: writes.pos,
    ts_ms: header.ts_ms ?? 0,
  };
}
