import { ChangeoverError, invariant, noCrash, NO_POSITION, type CrashPoint, type IdSource } from '@changeover/core';

import type { FenceHeader } from '../record/header.js';
import { decodeMessage, encodeMessage, type DecodedMessage } from '../record/message-codec.js';
import { CountedRecords } from './counted-records.js';
import { EventLog, type LogEntry, type LogItem, type LogTail, type LogWriter, type ReadPosition } from './event-log.port.js';
import type { MessageStore, StreamName } from './message-store.port.js';
import { SequencedWriter } from './sequenced-writer.js';

const NEVER = new AbortController().signal;

/**
 * The event log over any {@link MessageStore}: fences, sequences, parts and the chain, decided once for every store.
 *
 * How a writer finds the tail without reading the whole stream: each record names the offset of its writer's fence, and a
 * writer writes records only after it saw its fence count. So the fence that the last message names counted, and reading from there on
 * meets every fence after it: what a fenced writer left behind can only send us further back, never to a wrong tail.
 */
export class SequencedLog extends EventLog {
  readonly #store: MessageStore;
  readonly #ids: IdSource;
  readonly #crashPoint: CrashPoint;

  constructor(store: MessageStore, ids: IdSource, crashPoint: CrashPoint = noCrash) {
    super();
    this.#store = store;
    this.#ids = ids;
    this.#crashPoint = crashPoint;
  }

  override async openWriter(stream: StreamName, options: { readonly writerId: string; readonly create: boolean }): Promise<LogWriter> {
    if (options.create) await this.#store.create(stream);
    const { records, next } = await this.#scan(stream);
    const fence: FenceHeader = {
      kind: 'fence',
      logId: records.logId ?? this.#ids.uuid(),
      epoch: records.epoch + 1,
      writerId: options.writerId,
      fenceAt: records.fenceAt,
    };
    const { bytes } = encodeMessage(fence, []);
    const fenceAt = await this.#store.append(stream, [bytes]);
    this.#crashPoint('log.after-fence');
    // Where nothing came in between there is nothing to read.
    if (fenceAt === next) records.take({ offset: fenceAt, bytes });
    else
      for await (const batch of this.#store.read(stream, next, { signal: NEVER, until: fenceAt + 1 })) {
        for (const message of batch) records.take(message);
      }
    if (records.fenceAt !== fenceAt) {
      throw new ChangeoverError('FENCED', `another writer fenced ${stream} at the same moment (epoch ${String(records.epoch)})`, {
        facts: { stream, epoch: records.epoch },
      });
    }
    const tail = records.tail;
    invariant(tail !== null && records.logId !== null, 'a scan ends with a tail');
    return new SequencedWriter({
      store: this.#store,
      stream,
      writerId: options.writerId,
      fence: { logId: records.logId, epoch: records.epoch, at: fenceAt },
      tail,
    });
  }

  override async *read(stream: StreamName, from: ReadPosition | null, signal: AbortSignal): AsyncIterable<readonly LogItem[]> {
    const { records, next, until } = await this.#startReading(stream, from);
    for await (const batch of this.#store.read(stream, next, { signal })) {
      const items: LogItem[] = [];
      for (const message of batch) {
        const item = records.take(message);
        if (item === null) continue;
        // Only when a hint did not hold and we read from the beginning: drop what the reader has.
        if (until !== null && records.tail !== null && records.tail.seq <= until.seq) {
          if (
            item.type === 'entry' &&
            item.entry.header.last &&
            item.entry.header.seq === until.seq &&
            item.entry.checksum !== until.checksum
          ) {
            throw new ChangeoverError('LOG_RECREATED', `record ${String(until.seq)} of ${stream} is not the one we have read`, {
              facts: { stream, seq: until.seq },
            });
          }
          if (item.type === 'abandoned' || item.entry.header.seq <= until.seq) continue;
        }
        items.push(item);
      }
      if (items.length > 0) yield items;
    }
  }

  override async head(stream: StreamName): Promise<LogTail> {
    const { records } = await this.#scan(stream);
    return records.tail ?? emptyTail(records.logId ?? '', records.epoch);
  }

  override async fetch(stream: StreamName, ref: { readonly seq: number; readonly at: number }): Promise<LogEntry> {
    const message = await this.#messageAt(stream, ref.at);
    if (message !== null) {
      const { header, body, checksum } = message;
      if (header.kind !== 'fence' && header.seq === ref.seq && header.part === 1 && header.last)
        return { header, body, checksum, at: ref.at };
    }
    throw new ChangeoverError(
      'LOG_GAP',
      `record ${String(ref.seq)} of ${stream} is not at offset ${String(ref.at)}, where a later record says it is`,
      {
        facts: { stream, seq: ref.seq, offset: ref.at },
      },
    );
  }

  /** Reads from the latest fence that is known to count to the end; further back while no record follows it. */
  async #scan(stream: StreamName): Promise<{ readonly records: CountedRecords; readonly next: number }> {
    const { start, end } = await this.#store.bounds(stream);
    if (start === end) {
      if (start > 0) throw truncated(stream, `all ${String(end)} messages were deleted`);
      return { records: CountedRecords.fromBeginning(), next: 0 };
    }
    let from = await this.#fenceBefore(stream, end - 1, start);
    for (;;) {
      const records = from <= start ? CountedRecords.fromBeginning() : CountedRecords.fromFence();
      for await (const batch of this.#store.read(stream, from, { signal: NEVER, until: end })) {
        for (const message of batch) records.take(message);
      }
      if (records.tail !== null) return { records, next: end };
      from = await this.#fenceBefore(stream, from, start);
    }
  }

  /** The fence that the message at `offset` names; the start of the stream if it names none. */
  async #fenceBefore(stream: StreamName, offset: number, start: number): Promise<number> {
    const message = await this.#messageAt(stream, offset);
    if (message === null) throw truncated(stream, `the message at offset ${String(offset)} is gone`);
    const { fenceAt } = message.header;
    if (fenceAt === -1) return start;
    if (fenceAt < start) throw truncated(stream, `it starts at offset ${String(start)}, behind the fence at ${String(fenceAt)}`);
    return fenceAt;
  }

  async #startReading(
    stream: StreamName,
    from: ReadPosition | null,
  ): Promise<{ readonly records: CountedRecords; readonly next: number; readonly until: ReadPosition | null }> {
    const { start, end } = await this.#store.bounds(stream);
    if (from === null) {
      if (start > 0) throw truncated(stream, `it starts at offset ${String(start)}`);
      return { records: CountedRecords.fromBeginning(), next: start, until: null };
    }
    if (start === end || from.at < start || from.at >= end) {
      if (start < end) await this.#requireLogId(stream, start, from.logId);
      throw truncated(
        stream,
        `record ${String(from.seq)} was at offset ${String(from.at)}, but it now holds offsets ${String(start)} to ${String(end - 1)}`,
      );
    }
    if (await this.#holds(stream, from)) return { records: CountedRecords.after(from), next: from.at + 1, until: null };
    await this.#requireLogId(stream, start, from.logId);
    if (start > 0)
      throw truncated(stream, `record ${String(from.seq)} is not where it was, and the stream starts at offset ${String(start)}`);
    return { records: CountedRecords.fromBeginning(), next: start, until: from };
  }

  /** Whether the message at the hinted offset is the record that was read. */
  async #holds(stream: StreamName, from: ReadPosition): Promise<boolean> {
    const message = await this.#messageAt(stream, from.at);
    if (message === null || message.header.kind === 'fence') return false;
    const { header, checksum } = message;
    return header.logId === from.logId && header.seq === from.seq && checksum === from.checksum;
  }

  async #requireLogId(stream: StreamName, start: number, logId: string): Promise<void> {
    const found = (await this.#messageAt(stream, start))?.header.logId;
    if (found === undefined || found === logId) return;
    throw new ChangeoverError('LOG_RECREATED', `${stream} has log id ${found}, but we have read ${logId}`, {
      facts: { stream, found, expected: logId },
    });
  }

  /** The one message at the offset, counted or not; null if there is none. */
  async #messageAt(stream: StreamName, offset: number): Promise<DecodedMessage | null> {
    for await (const [message] of this.#store.read(stream, offset, { signal: NEVER, until: offset + 1 })) {
      if (message !== undefined) return decodeMessage(message.bytes, message.offset);
    }
    return null;
  }
}

function emptyTail(logId: string, epoch: number): LogTail {
  return { logId, epoch, seq: 0, pos: NO_POSITION, checksum: '', at: -1, header: null };
}

function truncated(stream: StreamName, what: string): ChangeoverError {
  return new ChangeoverError('LOG_TRUNCATED', `${stream} was truncated: ${what}`, { facts: { stream } });
}
