import { ChangeoverError } from '@changeover/core';
import {
  tableName,
  decodeJsonBody,
  readPositionOf,
  wholeProgress,
  type EventLog,
  type LogEntry,
  type ProgressBody,
  type ReadPosition,
  type RecordRef,
  type StreamName,
  type TableSchema,
} from '@changeover/events';

import type { ToldRecord } from './prefix.js';

/** A `progress` record, as far as it says whether the target can be compared. */
type Mark = {
  readonly seq: number;
  readonly unseen: readonly string[];
  /** Tables that are being copied, `schema.table`. */
  readonly copying: readonly string[];
};

/** What the records say up to one of them. */
export type Place = Pick<Mark, 'copying' | 'unseen'> & { readonly records: readonly ToldRecord[] };

/**
 * `changes` from a little before the target's place on, as it grows: which transactions there were, which tables are copied, which forms the tables have. For as long
 * as two snapshots are taken; it keeps a few words of each record.
 */
export class FollowedChanges implements AsyncDisposable {
  readonly #log: EventLog;
  readonly #stream: StreamName;
  readonly #abort = new AbortController();
  readonly #forms = new Map<string, TableSchema>();
  readonly #records: ToldRecord[] = [];
  /** Where each of these records lies, and the one that was begun with. */
  readonly #places: ReadPosition[] = [];
  readonly #marks: Mark[] = [];
  readonly #barriers = new Set<string>();
  #wake: () => void = () => undefined;
  #reading: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(log: EventLog, stream: StreamName) {
    this.#log = log;
    this.#stream = stream;
  }

  /** From the last `progress` at or before `at`, which is a record of the stream, on. */
  static async from(log: EventLog, stream: StreamName, at: RecordRef): Promise<FollowedChanges> {
    const followed = new FollowedChanges(log, stream);
    const entry = await log.fetch(stream, at);
    const { progress } = entry.header;
    if (entry.header.kind !== 'progress' && progress === undefined) throw notFollowing('nothing was captured yet');
    const first = entry.header.kind === 'progress' ? entry : await log.fetch(stream, progress as RecordRef);
    const body = await followed.#progress(first);
    followed.#places.push(readPositionOf(first));
    for (const [name, told] of Object.entries(body.schemas)) {
      const last = told.at(-1);
      if (last !== undefined) followed.#forms.set(name, decodeJsonBody('schema', await log.fetch(stream, last)).table);
    }
    followed.#reading = followed.#read(first);
    followed.#reading.catch(() => undefined);
    return followed;
  }

  /** The tables in the forms that they were told in last. */
  get tables(): readonly TableSchema[] {
    return [...this.#forms.values()];
  }

  /** Resolves when the barrier stands in the stream. Rejects on abort, and when the stream cannot be read. */
  async reached(token: string, signal: AbortSignal): Promise<void> {
    const woken = (): Promise<void> => new Promise((resolve) => (this.#wake = resolve));
    const wake = (): void => {
      this.#wake();
    };
    signal.addEventListener('abort', wake);
    try {
      while (!this.#barriers.has(token)) {
        signal.throwIfAborted();
        if (this.#failure !== undefined) throw this.#failure as Error;
        await woken();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** What is known at the record `seq`; the records from the last `progress` before it on, to the end. NOT_FOLLOWING where that lies further back than this was begun. */
  at(seq: number): Place {
    const mark = this.#marks.findLast((one) => one.seq <= seq);
    if (mark === undefined) throw notFollowing('the target has gone back');
    return { ...mark, records: this.#records.filter((record) => record.seq > mark.seq) };
  }

  /** Where the record `seq` lies, from which on this was read. */
  placeOf(seq: number): ReadPosition {
    const place = this.#places.find((one) => one.seq === seq);
    if (place === undefined) throw notFollowing('the target has gone back');
    return place;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading.catch(() => undefined);
  }

  async #read(first: LogEntry): Promise<void> {
    try {
      for await (const items of this.#log.read(this.#stream, readPositionOf(first), this.#abort.signal)) {
        for (const item of items) if (item.type === 'entry' && item.entry.header.last) await this.#take(item.entry);
        this.#wake();
      }
    } catch (error) {
      this.#failure = error;
      this.#wake();
    }
  }

  async #take(entry: LogEntry): Promise<void> {
    const { kind, seq, txId } = entry.header;
    this.#places.push(readPositionOf(entry));
    this.#records.push({ seq, kind, txId: kind === 'transaction' ? (txId ?? null) : null });
    switch (kind) {
      case 'progress':
        await this.#progress(entry);
        break;
      case 'schema': {
        const { table } = decodeJsonBody('schema', entry);
        this.#forms.set(tableName(table), table);
        break;
      }
      case 'barrier':
        this.#barriers.add(decodeJsonBody('barrier', entry).token);
        break;
      default:
    }
  }

  async #progress(entry: LogEntry): Promise<ProgressBody> {
    const body = await wholeProgress(entry, (ref) => this.#log.fetch(this.#stream, ref));
    const copying = Object.entries(body.copies ?? {}).flatMap(([name, { left }]) => (left === true ? [] : [name]));
    this.#marks.push({ seq: entry.header.seq, unseen: body.unseen ?? [], copying });
    return body;
  }
}

export function notFollowing(why: string): ChangeoverError {
  return new ChangeoverError('NOT_FOLLOWING', `the target cannot be compared now: ${why}`);
}
