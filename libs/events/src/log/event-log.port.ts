import type { Position } from '@changeover/core';

import type { LastPartFacts, RecordHeader, RecordKind } from '../record/header.js';
import type { StreamName } from './message-store.port.js';

/** One part of a record, as its writer gives it. A record that fits is its own last part. */
export type RecordPart = {
  readonly kind: Exclude<RecordKind, 'fence'>;
  /** Pieces of this part's bytes, in order; the writer owns them until append resolves. */
  readonly body: readonly Uint8Array[];
  readonly last: boolean;
  readonly facts?: LastPartFacts;
};

/** How far a reader is. Stored by it, with its own effects, in one transaction. */
export type ReadPosition = {
  readonly logId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly pos: Position;
  /** Checksum (hex) of the last part read, which the next record must name. */
  readonly checksum: string;
  /** Offset of that part: a hint. */
  readonly at: number;
};

/** The last counted record of a stream, and all that its header says. `null` header: the stream is empty. */
export type LogTail = ReadPosition & { readonly header: RecordHeader | null };

export type LogEntry = {
  readonly header: RecordHeader;
  readonly body: Buffer;
  readonly checksum: string;
  readonly at: number;
};

/** Where a reader is once it has done with the entry, the last part of its record. */
export function readPositionOf({ header, checksum, at }: LogEntry): ReadPosition {
  return { logId: header.logId, epoch: header.epoch, seq: header.seq, pos: header.pos ?? header.follows, checksum, at };
}

/** `abandoned`: a fence arrived; forget the parts of an unfinished record. (So does a `part: 1`.) */
export type LogItem = { readonly type: 'entry'; readonly entry: LogEntry } | { readonly type: 'abandoned' };

/**
 * One writer's hold on a stream, from its fence on.
 *
 * `append` gives the parts sequence numbers, chains and stores them, and resolves once they are durable *and
 * counted*: if another writer's fence came in between it rejects with FENCED. One append at a time. After a rejected
 * append the writer is of no use: what it wrote may or may not be there; open a new one and look at its tail.
 */
export interface LogWriter {
  /** The last complete record, those of this writer included. */
  readonly tail: LogTail;
  /** Stores the parts in order; gives where the records lie that these complete (their last part). */
  append(parts: readonly RecordPart[]): Promise<readonly { readonly seq: number; readonly at: number }[]>;
  /** Forgets the unfinished record: the next part is a part 1 again. */
  abandon(): void;
}

/**
 * The log that is the truth: streams of records, one writer each at a time, decided by the log itself.
 *
 * - `openWriter` appends a fence {log id, epoch = last seen + 1, writer id} and reads up to it. What counts before it
 *   *is* the tail. From a fence on, only records of its writer count, whatever arrives later. (Without this rule two
 *   writers and one late batch lose a transaction with no gap.) Take hold of the source first.
 * - Records have a dense sequence, name the position they follow and the checksum of the message before. A reader drops what
 *   it has, and **stops** on a number, position or checksum that does not follow (LOG_GAP), on another log id
 *   (LOG_RECREATED), on a stream that starts behind or ends before its place (LOG_TRUNCATED). It never skips.
 */
export abstract class EventLog {
  /** Creates the stream if it does not exist and `create` is given, else LOG_MISSING. */
  abstract openWriter(stream: StreamName, options: { readonly writerId: string; readonly create: boolean }): Promise<LogWriter>;

  /** Everything counted after `from` (`null`: from the beginning), parts as they come; waits at the end. Ends on abort. */
  abstract read(stream: StreamName, from: ReadPosition | null, signal: AbortSignal): AsyncIterable<readonly LogItem[]>;

  /** The last counted record now, without fencing. */
  abstract head(stream: StreamName): Promise<LogTail>;

  /** One record that fits a message, by reference (a schema, the last progress). LOG_GAP if it is not there. */
  abstract fetch(stream: StreamName, ref: { readonly seq: number; readonly at: number }): Promise<LogEntry>;
}
