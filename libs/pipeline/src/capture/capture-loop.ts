import { ChangeoverError, type Clock, type CrashPoint, type IdSource, type Position } from '@changeover/core';
import {
  tableName,
  encodeJsonBody,
  wholeProgress,
  type ChangeSource,
  type EventLog,
  type HeldSource,
  type LogEntry,
  type LogWriter,
  type ProgressBody,
  type SourceIdentity,
} from '@changeover/events';

import type { CaptureRequests, PipelineObserver } from '../ports.js';
import { ToldSchemas } from '../told-schemas.js';
import { latestProgress, readBehindProgress } from './copies/behind-progress.js';
import type { CopyLimits } from './copies/copy-driver.js';
import { canBeCopied, newCopy, TableCopies } from './copies/table-copies.js';
import { UnseenTransactions } from './copies/unseen-transactions.js';
import { CaptureSession, type Copying } from './capture-session.js';

export type CaptureLimits = {
  /** Bytes that may wait for the log before capture stops reading the source. */
  readonly maxQueuedBytes: number;
  /** The source's log kept for us: above `warn` a warning, above `release` the source is let go (SOURCE_RETENTION). Infinity: never. */
  readonly retainedBytes: { readonly warn: number; readonly release: number };
  /** How rows are copied that no transaction will tell of. */
  readonly copies: CopyLimits;
};

export type CaptureOptions = {
  readonly stream: string;
  readonly source: ChangeSource;
  readonly log: EventLog;
  readonly requests: CaptureRequests;
  readonly observer: PipelineObserver;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly crashPoint: CrashPoint;
  readonly limits: CaptureLimits;
};

/**
 * Captures every change of the source into `<m>.changes`, of which it is the only writer.
 *
 * Start and restart are the same code: it takes hold of the source, fences the log, looks where the log ends, and goes on behind
 * that. What the log holds is all there is to know; there is no second bookkeeping.
 *
 * First start: the log is told `preparing` before the slot is made, so that a slot found without any record in the
 * log can only mean that the log lost them.
 */
export class CaptureLoop {
  readonly #options: CaptureOptions;
  /** Only the first hold may end another's: a process that lost its hold later on may have been replaced. */
  #takeOver = true;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** Until `signal` aborts (then it returns when everything taken is durable) or an error ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if ((await this.#runOnce(signal)) === 'stopped') return;
    }
  }

  async #runOnce(signal: AbortSignal): Promise<'stopped' | 'again'> {
    const { source, log, stream, ids, crashPoint } = this.#options;
    const identity = await source.identity();
    const kept = await source.kept();
    if (kept === null) {
      await this.#prepare(identity);
      return 'again';
    }
    await using held = await source.hold({ takeOver: this.#takeOver });
    this.#takeOver = false;
    crashPoint('capture.after-hold');
    const writer = await log.openWriter(stream, { writerId: ids.uuid(), create: false });
    const last = await this.#lastProgress(writer);
    if (last === null) throw behindSource(stream, writer, held);
    const { progress } = last;
    if (progress.phase === 'preparing') {
      // The slot was made, but nothing tells where it began: make it again.
      await held[Symbol.asyncDispose]();
      await this.#create(writer, identity, progress);
      return 'again';
    }
    requireSameServer(progress, identity);
    const joined = progress.watched === undefined ? [] : await held.requireNothingMissed(progress.watched);
    if (writer.tail.pos < held.confirmed) throw behindSource(stream, writer, held);
    const copying = await this.#copying(last, writer, joined);
    await using session = new CaptureSession({ ...this.#options, held, writer, identity, progress, copying });
    return await session.run(signal);
  }

  /** What the log says of copies, and of what they need to know. */
  async #copying({ entry, progress }: LastProgress, writer: LogWriter, joined: readonly string[]): Promise<Copying> {
    const { log, stream } = this.#options;
    const { copies, schemas, unseen } = progress;
    const tables = TableCopies.from(copies ?? {}, ToldSchemas.from(schemas));
    const behind = await readBehindProgress({ log, stream, entry, schemas, tail: writer.tail, copies: tables });
    return { copies: tables, unseen: new UnseenTransactions([...(unseen ?? []), ...behind]), joined };
  }

  /** Nothing is kept at the source: the first start, or it was lost. */
  async #prepare(identity: SourceIdentity): Promise<void> {
    const { log, stream, ids } = this.#options;
    const writer = await log.openWriter(stream, { writerId: ids.uuid(), create: true });
    const before = (await this.#lastProgress(writer))?.progress ?? null;
    if (before?.phase === 'streaming') {
      throw new ChangeoverError('SOURCE_LOST', `the source keeps nothing for us any more; the log ends at ${writer.tail.pos}`, {
        facts: { stream, position: writer.tail.pos },
      });
    }
    const progress: ProgressBody = before ?? {
      phase: 'preparing',
      position: writer.tail.pos,
      ...identity,
      schemas: {},
      requests: { through: 0, beyond: [] },
      mapping: null,
    };
    if (before === null) await writer.append([{ kind: 'progress', body: encodeJsonBody('progress', progress), last: true }]);
    await this.#create(writer, identity, progress);
  }

  async #create(writer: LogWriter, identity: SourceIdentity, progress: ProgressBody): Promise<void> {
    const { source, observer } = this.#options;
    const { start, tablesWithRows } = await source.create((warning) => {
      observer.warning(warning);
    });
    const copyable = new Set((await source.tables()).filter(canBeCopied).map(tableName));
    const others = tablesWithRows.filter((table) => !copyable.has(table)).join(', ');
    if (others !== '') {
      await source.drop();
      throw new ChangeoverError('SNAPSHOT_NEEDED', `these tables hold rows and have no key by which they could be copied: ${others}`, {
        facts: { tables: others },
      });
    }
    const copies = Object.fromEntries(tablesWithRows.map((table) => [table, newCopy(writer.tail.seq, null)]));
    const streaming: ProgressBody = {
      ...progress,
      phase: 'streaming',
      position: start,
      ...identity,
      ...(tablesWithRows.length === 0 ? {} : { copies }),
    };
    await writer.append([{ kind: 'progress', body: encodeJsonBody('progress', streaming), last: true, facts: { pos: start } }]);
  }

  async #lastProgress(writer: LogWriter): Promise<LastProgress | null> {
    const { log, stream } = this.#options;
    const { header, seq, at } = writer.tail;
    if (header === null) return null;
    const ref = header.kind === 'progress' ? { seq, at } : header.progress;
    if (ref === undefined) return null;
    const entry = await latestProgress({ log, stream, entry: await log.fetch(stream, ref), tail: writer.tail });
    return { entry, progress: await wholeProgress(entry, (whole) => log.fetch(stream, whole)) };
  }
}

type LastProgress = { readonly entry: LogEntry; readonly progress: ProgressBody };

function behindSource(stream: string, writer: LogWriter, held: HeldSource): ChangeoverError {
  const position: Position = writer.tail.pos;
  return new ChangeoverError(
    'LOG_BEHIND_SOURCE',
    `the source was told that everything up to ${held.confirmed} is safe, but ${stream} ends at ${position || 'nothing'}`,
    {
      facts: { stream, confirmed: held.confirmed, position },
    },
  );
}

function requireSameServer(progress: ProgressBody, identity: SourceIdentity): void {
  if (progress.systemId === identity.systemId && progress.timeline === identity.timeline) return;
  throw new ChangeoverError(
    'SOURCE_LOST',
    `the log was captured from system ${progress.systemId}, timeline ${String(progress.timeline)}; this is system ${identity.systemId}, timeline ${String(identity.timeline)}`,
    {
      facts: {
        expectedSystem: progress.systemId,
        expectedTimeline: progress.timeline,
        system: identity.systemId,
        timeline: identity.timeline,
      },
    },
  );
}
