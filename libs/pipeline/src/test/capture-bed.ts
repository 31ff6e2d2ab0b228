import { ChangeoverError, noCrash, RandomIdSource, SystemClock, type CrashPoint, type ErrorCode, type Position } from '@changeover/core';
import { decodeMessage, FrameReader, parseRows, SequencedLog, type LogEntry } from '@changeover/events';
import {
  codeOfEnd,
  GatedStore,
  InMemoryMessageStore,
  LogMirror,
  MemoryStorage,
  positionAt,
  ScriptedRequests,
  ScriptedSource,
} from '@changeover/testing';

import { CaptureLoop } from '../capture/capture-loop.js';
import type { CopyLimits } from '../capture/copies/copy-driver.js';
import { SilentObserver, type PipelineObserver } from '../ports.js';

export const STREAM = 'm.changes';

type ProcessOptions = {
  readonly crashPoint?: CrashPoint;
  readonly maxQueuedBytes?: number;
  readonly copies?: CopyLimits;
  readonly observer?: PipelineObserver;
};

/** Source, log and operators of one migration; processes of capture come and go. */
export class CaptureBed implements AsyncDisposable {
  readonly source = new ScriptedSource();
  readonly storage = new MemoryStorage();
  readonly requests = new ScriptedRequests();
  readonly #running = new Set<AbortController>();
  readonly #ended: Promise<unknown>[] = [];

  constructor() {
    this.source.onAcknowledge = (position) => {
      // The rule of rules, checked at the very moment of each acknowledgement.
      expect(position <= this.durable()).toBe(true);
    };
  }

  /** The highest position that a message in the store names. */
  durable(): Position {
    const positions = this.storage.get(STREAM).messages.map(({ bytes, offset }) => {
      const { header } = decodeMessage(bytes, offset);
      return header.kind === 'fence' ? positionAt(0) : (header.pos ?? header.follows);
    });
    return positions.reduce((highest, position) => (position > highest ? position : highest), positionAt(0));
  }

  /** Starts a process. `ended` gives the code it ended with, or null. */
  start(options: ProcessOptions = {}): {
    readonly store: GatedStore;
    readonly ended: Promise<ErrorCode | null>;
    stop(): Promise<ErrorCode | null>;
  } {
    const abort = new AbortController();
    const store = new GatedStore(new InMemoryMessageStore(this.storage));
    const crashPoint = options.crashPoint ?? noCrash;
    const loop = new CaptureLoop({
      stream: STREAM,
      source: this.source,
      log: new SequencedLog(store, new RandomIdSource(), crashPoint),
      requests: this.requests,
      observer: options.observer ?? new SilentObserver(),
      clock: new SystemClock(),
      ids: new RandomIdSource(),
      crashPoint,
      limits: {
        maxQueuedBytes: options.maxQueuedBytes ?? 1024 * 1024,
        retainedBytes: { warn: Infinity, release: Infinity },
        copies: options.copies ?? { parallel: 2, chunkBytes: 1024 * 1024, bytesPerSecond: Infinity },
      },
    });
    const ended = codeOfEnd(loop.run(abort.signal));
    this.#running.add(abort);
    this.#ended.push(ended);
    const stop = (): Promise<ErrorCode | null> => {
      abort.abort();
      return ended;
    };
    return { store, ended, stop };
  }

  /** The first process of a migration, once the slot is there: what is committed from now on must be captured. */
  async begin(options: ProcessOptions = {}): Promise<ReturnType<CaptureBed['start']>> {
    this.activate();
    const process = this.start(options);
    await this.source.acknowledged(positionAt(1));
    return process;
  }

  activate(): void {
    this.requests.submit('activate-mapping', { hash: 'h1', mapping: { tables: {} } });
  }

  /** All counted records so far. */
  entries(): Promise<LogEntry[]> {
    return readEntries(this.storage);
  }

  /** What the log says of the source's tables. */
  async mirror(): Promise<LogMirror> {
    const mirror = new LogMirror();
    for (const entry of await this.entries()) mirror.take(entry);
    return mirror;
  }

  /** First column of every captured row, transaction by transaction. */
  async captured(): Promise<string[][]> {
    const transactions: string[][] = [];
    const frames = new FrameReader();
    let rows: string[] = [];
    for (const { header, body } of await this.entries()) {
      if (header.kind !== 'transaction') continue;
      if (header.part === 1) {
        frames.reset();
        rows = [];
      }
      for (const frame of frames.push(body)) rows.push(...parseRows(frame.rows).map((row) => String(row[0])));
      if (header.last) transactions.push(rows);
    }
    return transactions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const abort of this.#running) abort.abort();
    await Promise.allSettled(this.#ended);
  }
}

/** Dies at the k-th time the point is reached, by an error: what came before stays, as at a kill. */
export function crashAt(point: string, k = 1): CrashPoint {
  let reached = 0;
  return (name) => {
    if (name === point && ++reached === k) throw new ChangeoverError('INTERNAL', `crash at ${point}`);
  };
}

/** All counted records of the stream so far. */
export async function readEntries(storage: MemoryStorage): Promise<LogEntry[]> {
  const log = new SequencedLog(new InMemoryMessageStore(storage), new RandomIdSource());
  const { seq } = await log.head(STREAM);
  const entries: LogEntry[] = [];
  const abort = new AbortController();
  if (seq === 0) return entries;
  for await (const batch of log.read(STREAM, null, abort.signal)) {
    for (const item of batch) {
      if (item.type === 'abandoned') while (entries.at(-1)?.header.last === false) entries.pop();
      else {
        if (item.entry.header.part === 1) while (entries.at(-1)?.header.last === false) entries.pop();
        entries.push(item.entry);
      }
    }
    if (entries.some((entry) => entry.header.seq === seq && entry.header.last)) break;
  }
  return entries;
}
