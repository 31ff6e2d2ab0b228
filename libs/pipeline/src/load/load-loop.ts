import { unreachable, type Clock, type IdSource } from '@changeover/core';
import {
  decodeJsonBody,
  FrameReader,
  readPositionOf,
  type EventLog,
  type Held,
  type LoadBatch,
  type LoadProgress,
  type LogEntry,
  type LogItem,
  type TableSchema,
  type TargetSession,
  type TargetWriter,
  type WriteTransaction,
} from '@changeover/events';

import { processBatch, type DeliverBatch, type PipelineObserver } from '../ports.js';
import { readStreamAhead } from '../stream-reader.js';
import { WrittenForms } from '../move/written-frames.js';
import { StopWatch, type LookedThrough } from './stop-watch.js';

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
  /** Where rows of a table of the stream go; left out: to the table itself. */
  readonly place?: (table: TableSchema) => TableSchema;
  /** The last record of `changes` that is brought in; when one behind it is met, the loop resolves. Left out: it goes on. */
  readonly through?: number;
};

/** Between two tries while load is held: short at first, as who holds it wants to see it at a place soon, and let it go. */
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 250;
/** So a wait is never much more than a twentieth of what the hold has lasted. */
const WAIT_GROWS_BY = 1.05;

/**
 * Brings `<m>.writes` into the target: runs of consecutive records, each run in one target transaction with the progress row that says how far
 * the target is. That row, and nothing else, decides where it goes on; it is read again at every connection.
 */
export class LoadLoop {
  readonly #options: LoadOptions;
  #looked: LookedThrough | null = null;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /**
   * Until `signal` aborts (the batch in hand is finished, unless load is held) or an error ends it. VALIDATION_STOPPED where rules of the severity `stop` hold rows, and nothing
   * in the stream mends them yet.
   */
  async run(signal: AbortSignal, deliver: DeliverBatch = processBatch): Promise<void> {
    const { log, writes, target, limits, clock } = this.#options;
    await using session = await target.open();
    const abort = new AbortController();
    const ended = AbortSignal.any([signal, abort.signal]);
    await using items = readStreamAhead(
      { log, stream: writes, from: session.progress?.writes ?? null, maxQueuedBytes: limits.maxQueuedBytes, clock },
      ended,
    );
    const schemas = new WrittenForms(this.#options);
    const schemasOf = async (entry: LogEntry): Promise<(seq: number) => TableSchema> => {
      await schemas.take(entry);
      return schemas.of;
    };
    const watch = await StopWatch.begin({ log, writes, session, signal: ended, schemasOf, looked: this.#looked });
    const run = new LoadRun(this.#options, { session, schemas, watch, signal });
    try {
      for (;;) {
        const batch = await items.next();
        if (batch === null) return;
        await deliver({
          process: async () => {
            for (const item of batch) if (!run.isStopped) await run.take(item);
            await run.flush();
          },
        });
        if (run.isStopped) return;
      }
    } finally {
      this.#looked = watch.looked;
      abort.abort();
    }
  }
}

/** A record of `writes` that was taken and is not applied. */
type Taken = {
  readonly progress: LoadProgress;
  readonly transaction: WriteTransaction | null;
  readonly barrier: LoadBatch['barriers'][number] | null;
  readonly rows: number;
  readonly bytes: number;
};

type RunParts = {
  readonly session: TargetSession;
  readonly schemas: WrittenForms;
  readonly watch: StopWatch;
  readonly signal: AbortSignal;
};

/** One session's batches. */
class LoadRun {
  readonly #options: LoadOptions;
  readonly #session: TargetSession;
  readonly #schemas: WrittenForms;
  readonly #watch: StopWatch;
  readonly #signal: AbortSignal;
  readonly #frames = new FrameReader();
  /** In order. */
  #taken: Taken[] = [];
  #rows = 0;
  #bytes = 0;
  /** Rows of the record that is being staged; null: none is. */
  #staged: number | null = null;
  #isStopped = false;

  constructor(options: LoadOptions, { session, schemas, watch, signal }: RunParts) {
    this.#options = options;
    this.#session = session;
    this.#schemas = schemas;
    this.#watch = watch;
    this.#signal = signal;
  }

  /** Nothing more may be taken: all is brought in that was to be, or we were told to stop while load was held, and what was taken is not applied. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  async take(item: LogItem): Promise<void> {
    if (item.type === 'abandoned') {
      await this.#discardStaged();
      return;
    }
    const { entry } = item;
    const { header } = entry;
    const { through = Infinity } = this.#options;
    // Which record of `changes` it came from stands in the last part; what was staged of it till then goes.
    if (header.last && (header.from?.seq ?? 0) > through) {
      await this.flush();
      await this.#discardStaged();
      this.#isStopped = true;
      return;
    }
    if (header.last && this.#watch.isDue(entry)) {
      // What lies before it is written.
      await this.flush();
      if (this.#isStopped) return;
      await this.#watch.requireMended(entry);
    }
    switch (header.kind) {
      case 'transaction':
        await this.#transaction(entry);
        break;
      case 'schema': {
        await this.#schemas.take(entry);
        this.#reached(entry, {});
        break;
      }
      case 'barrier':
        this.#reached(entry, { barrier: { token: decodeJsonBody('barrier', entry).token, seq: header.seq } });
        // It ends its batch, so that the target was once just there: a place to go back to.
        await this.flush();
        break;
      case 'progress':
      case 'mapping-activated':
      case 'correction':
      case 'reference-data':
      case 'snapshot-chunk':
        this.#reached(entry, {});
        break;
      default:
        unreachable(header.kind);
    }
  }

  /**
   * Applies what was taken, in one target transaction. While load is held: as much as there is up to where it may go, in one, and the rest when it is let on;
   * meanwhile the first record of that is tried again and again, because it is the least to try. Returns when nothing is left, or we are told to stop.
   */
  async flush(): Promise<void> {
    if (this.#isStopped) return;
    let wait = FIRST_WAIT_MS;
    for (let count = this.#taken.length; count > 0;) {
      const held = await this.#apply(count);
      if (held === null) {
        count = this.#taken.length;
        wait = FIRST_WAIT_MS;
        continue;
      }
      const allowed = prefixLength(this.#taken, held.held.through);
      if (allowed > 0 && allowed < count) {
        count = allowed;
        continue;
      }
      if (!(await this.#waits(wait))) return;
      wait = longer(wait);
      count = 1;
    }
  }

  /** The first ones that were taken. */
  async #apply(count: number): Promise<Held | null> {
    const { clock, observer } = this.#options;
    const started = clock.monotonic();
    const batch = this.#taken.slice(0, count);
    const { progress } = batch.at(-1) as Taken;
    const transactions = batch.flatMap(({ transaction }) => (transaction === null ? [] : [transaction]));
    const barriers = batch.flatMap(({ barrier }) => (barrier === null ? [] : [barrier]));
    const report = await this.#session.apply({ transactions, progress, barriers }, this.#schemas.of);
    if ('held' in report) return report;
    const rows = batch.reduce((sum, taken) => sum + taken.rows, 0);
    const bytes = batch.reduce((sum, taken) => sum + taken.bytes, 0);
    this.#taken = this.#taken.slice(count);
    this.#rows -= rows;
    this.#bytes -= bytes;
    observer.applied({ transactions: transactions.length, rows, seconds: (clock.monotonic() - started) / 1000, report });
    observer.advanced({ records: count, rows, bytes, ...placeOf(progress) });
    return null;
  }

  /** False: we are told to stop. */
  async #waits(ms: number): Promise<boolean> {
    await this.#options.clock.sleep(ms, this.#signal);
    this.#isStopped = this.#signal.aborted;
    return !this.#isStopped;
  }

  async #transaction(entry: LogEntry): Promise<void> {
    const { header } = entry;
    await this.#schemas.take(entry);
    if (header.part === 1 && header.last) {
      await this.#discardStaged();
      const frames = this.#frames.push(entry.body);
      this.#frames.end();
      this.#watch.add(frames, this.#schemas.of);
      if (header.activation === true) {
        // Alone: of no other record the target may refuse so much.
        await this.flush();
        if (this.#isStopped) return;
        this.#reached(entry, { transaction: { seq: header.seq, frames, refusals: 'any' } });
        await this.flush();
        return;
      }
      this.#reached(entry, { transaction: { seq: header.seq, frames } });
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
      if (this.#isStopped) return;
      await this.#discardStaged();
      this.#staged = 0;
    }
    const frames = this.#frames.push(entry.body);
    this.#staged = (this.#staged ?? 0) + frames.reduce((sum, frame) => sum + frame.rowCount, 0);
    this.#watch.add(frames, this.#schemas.of);
    if (frames.length > 0) await this.#session.stage(frames, this.#schemas.of);
    if (!header.last) return;
    this.#frames.end();
    const rows = this.#staged;
    const progress = progressAt(entry);
    const { clock, observer } = this.#options;
    for (let wait = FIRST_WAIT_MS; ; wait = longer(wait)) {
      const started = clock.monotonic();
      const report = await this.#session.applyStaged(progress, header.activation === true ? 'any' : 'few');
      if (!('held' in report)) {
        observer.applied({ transactions: 1, rows, seconds: (clock.monotonic() - started) / 1000, report });
        break;
      }
      if (!(await this.#waits(wait))) return;
    }
    this.#staged = null;
    this.#watch.passed(entry);
    observer.advanced({ records: 1, rows, bytes: 0, ...placeOf(progress) });
  }

  async #discardStaged(): Promise<void> {
    this.#frames.reset();
    this.#watch.forget();
    if (this.#staged === null) return;
    this.#staged = null;
    await this.#session.discardStaged();
  }

  #reached(entry: LogEntry, { transaction = null, barrier = null }: Partial<Pick<Taken, 'transaction' | 'barrier'>>): void {
    const rows = entry.header.rows ?? 0;
    const bytes = entry.body.length;
    this.#watch.passed(entry);
    this.#taken.push({ progress: progressAt(entry), transaction, barrier, rows, bytes });
    this.#rows += rows;
    this.#bytes += bytes;
  }
}

function longer(waitMs: number): number {
  return Math.min(waitMs * WAIT_GROWS_BY, LONGEST_WAIT_MS);
}

/** How many of the first ones came of records of `changes` up to this one. */
function prefixLength(taken: readonly Taken[], through: number): number {
  const beyond = taken.findIndex(({ progress }) => progress.changes.seq > through);
  return beyond === -1 ? taken.length : beyond;
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
