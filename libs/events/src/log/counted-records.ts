import { ChangeoverError, NO_POSITION, type Position } from '@changeover/core';

import type { FenceHeader, RecordHeader } from '../record/header.js';
import { decodeMessage } from '../record/message-codec.js';
import type { LogItem, LogTail, ReadPosition } from './event-log.port.js';
import type { StoredMessage } from './message-store.port.js';

/** What the messages read so far have fixed. */
type CountedState = {
  logId: string | null;
  /** Epoch of the fence in force; 0 before the first. */
  epoch: number;
  /** Offset of that fence; -1 if it lies before where reading began. */
  fenceAt: number;
  /** The last complete record. -1: not known yet (reading began at a fence). */
  seq: number;
  pos: Position;
  checksum: string;
  at: number;
  header: RecordHeader | null;
};

type Unfinished = { readonly seq: number; part: number; checksum: string };

/**
 * Decides, message by message, what counts. The same code decides for readers, for a writer that looks for its tail,
 * and for tools; the rules are the log's whole safety:
 *
 * 1. A fence counts if its epoch is higher than all before it. It ends the writer before it, and its unfinished record.
 * 2. A record counts if its epoch is that of the fence in force. Others are late messages of a fenced writer: skipped.
 * 3. A counted record has the next sequence, follows the position of the one before and names its checksum. A lower sequence is a
 *    repetition: skipped. Anything else is LOG_GAP.
 * 4. Parts of a record follow one another; part 1 begins the record anew.
 */
export class CountedRecords {
  readonly #state: CountedState;
  #unfinished: Unfinished | null = null;

  private constructor(state: CountedState) {
    this.#state = state;
  }

  /** From the first message of the stream on. */
  static fromBeginning(): CountedRecords {
    return new CountedRecords({ logId: null, epoch: 0, fenceAt: -1, seq: 0, pos: NO_POSITION, checksum: '', at: -1, header: null });
  }

  /** From behind a record that is known to count. */
  static after(position: ReadPosition): CountedRecords {
    const { logId, epoch, seq, pos, checksum, at } = position;
    return new CountedRecords({ logId, epoch, fenceAt: -1, seq, pos, checksum, at, header: null });
  }

  /** From a fence on that is known to count: that fence must be the first message given. */
  static fromFence(): CountedRecords {
    return new CountedRecords({ logId: null, epoch: 0, fenceAt: -1, seq: -1, pos: NO_POSITION, checksum: '', at: -1, header: null });
  }

  /** The last complete record; null if reading began at a fence and none has come since. */
  get tail(): LogTail | null {
    const { logId, epoch, seq, pos, checksum, at, header } = this.#state;
    return seq === -1 || logId === null ? null : { logId, epoch: header?.epoch ?? epoch, seq, pos, checksum, at, header };
  }

  get epoch(): number {
    return this.#state.epoch;
  }

  get logId(): string | null {
    return this.#state.logId;
  }

  get fenceAt(): number {
    return this.#state.fenceAt;
  }

  /** Offsets go up within a reader; what comes back is null where the message does not count. */
  take(message: StoredMessage): LogItem | null {
    const { header, body, checksum } = decodeMessage(message.bytes, message.offset);
    if (header.kind === 'fence') return this.#fence(header, message.offset);
    const state = this.#state;
    if (state.epoch === 0) {
      throw new ChangeoverError(
        'LOG_TRUNCATED',
        `the stream begins at offset ${String(message.offset)} with record ${String(header.seq)} instead of a fence: its beginning was deleted`,
        {
          facts: { offset: message.offset, seq: header.seq },
        },
      );
    }
    if (header.epoch > state.epoch)
      throw gap(message.offset, `record ${String(header.seq)} of epoch ${String(header.epoch)} without the fence of that epoch`);
    if (header.epoch < state.epoch) return null;
    if (header.logId !== state.logId) throw recreated(header.logId, state.logId);
    if (!this.#follows(header, message.offset)) return null;
    if (header.last) {
      this.#unfinished = null;
      state.seq = header.seq;
      state.pos = header.pos ?? header.follows;
      state.checksum = checksum;
      state.at = message.offset;
      state.header = header;
    } else {
      this.#unfinished = { seq: header.seq, part: header.part, checksum };
    }
    return { type: 'entry', entry: { header, body, checksum, at: message.offset } };
  }

  #fence(fence: FenceHeader, offset: number): LogItem | null {
    const state = this.#state;
    if (fence.epoch <= state.epoch) return null;
    if (state.logId !== null && fence.logId !== state.logId) throw recreated(fence.logId, state.logId);
    state.logId = fence.logId;
    state.epoch = fence.epoch;
    state.fenceAt = offset;
    const abandoned = this.#unfinished !== null;
    this.#unfinished = null;
    return abandoned ? { type: 'abandoned' } : null;
  }

  /** Whether it is the next message; false: a repetition. */
  #follows(header: RecordHeader, offset: number): boolean {
    const state = this.#state;
    const open = this.#unfinished;
    if (header.part > 1) {
      if (open?.seq === header.seq && header.part === open.part + 1) {
        if (header.prev !== open.checksum)
          throw gap(offset, `part ${String(header.part)} of record ${String(header.seq)} does not follow the part before it`);
        return true;
      }
      // A repeated batch may end inside the record that is open or done; a reader that began at a fence can't know.
      if (header.seq <= state.seq || (open?.seq === header.seq && header.part <= open.part)) return false;
      throw gap(offset, `part ${String(header.part)} of record ${String(header.seq)} without the part before it`);
    }
    if (state.seq === -1) {
      state.pos = header.follows;
      return true;
    }
    if (header.seq <= state.seq) return false;
    if (header.seq !== state.seq + 1) throw gap(offset, `record ${String(header.seq)} follows record ${String(state.seq)}`);
    if (header.prev !== state.checksum)
      throw gap(offset, `record ${String(header.seq)} does not name the checksum of record ${String(state.seq)}`);
    if (header.follows !== state.pos)
      throw gap(
        offset,
        `record ${String(header.seq)} follows position ${header.follows}, but record ${String(state.seq)} ended at ${state.pos}`,
      );
    return true;
  }
}

function gap(offset: number, what: string): ChangeoverError {
  return new ChangeoverError('LOG_GAP', `${what} (offset ${String(offset)})`, { facts: { offset } });
}

function recreated(found: string, expected: string | null): ChangeoverError {
  return new ChangeoverError('LOG_RECREATED', `the stream's log id is ${found}, but we have read ${String(expected)}`, {
    facts: { found, expected },
  });
}
