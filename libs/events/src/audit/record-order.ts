import { asChangeoverError, ChangeoverError } from '@changeover/core';

import { CountedRecords } from '../log/counted-records.js';
import type { LogEntry, LogItem, ReadPosition } from '../log/event-log.port.js';
import type { StoredMessage } from '../log/message-store.port.js';
import type { AnyHeader, FenceHeader, RecordHeader } from '../record/header.js';
import { decodeMessage, type DecodedMessage } from '../record/message-codec.js';
import type { FindingCode, Problem } from './finding.js';

/**
 * What a message is to a reader.
 * `uncounted`: `late`, of a writer that was fenced; `repeated`, a sequence that was there; `cut`, of a record whose beginning was lost.
 */
export type Verdict =
  | { readonly type: 'entry'; readonly entry: LogEntry }
  | { readonly type: 'fence'; readonly fence: FenceHeader; readonly counts: boolean }
  | { readonly type: 'uncounted'; readonly why: 'late' | 'repeated' | 'cut'; readonly header: RecordHeader }
  | { readonly type: 'unreadable' };

/** `abandoned`: messages of an unfinished record that this one makes readers forget. */
export type Judged = { readonly verdict: Verdict; readonly abandoned: number; readonly problems: readonly Problem[] };

type Gap = { readonly from: number; readonly to: number };

/** Of gaps, to know what turns up behind its place. */
const MOST_GAPS = 1000;

/**
 * Decides what counts by the rules of {@link CountedRecords}, and goes on where a reader stops: it says what is wrong, takes the next record that
 * stands on its own (a part 1) as good, and measures what follows by that. What a loss that was told already explains is not told again: behind k
 * messages that could not be read, up to k records and fences may be missing.
 */
export class RecordOrder {
  #records: CountedRecords | null;
  /** Messages lost since the last record that counted. */
  #lost: number;
  /** The record that cannot be read to its end, as a part of it is missing. */
  #cut: number | null = null;
  #open: { readonly seq: number; readonly messages: number } | null = null;
  #lastSeq = 0;
  #gaps: Gap[] = [];
  readonly #foreign = new Set<string>();

  private constructor(records: CountedRecords | null, lost: number) {
    this.#records = records;
    this.#lost = lost;
  }

  static fromBeginning(): RecordOrder {
    return new RecordOrder(CountedRecords.fromBeginning(), 0);
  }

  /** From somewhere on: what lies before is not known, and whoever asks knows that. */
  static fromSomewhere(): RecordOrder {
    return new RecordOrder(null, Infinity);
  }

  /** The parts at the end whose record is not finished. */
  get unfinished(): { readonly seq: number; readonly messages: number } | null {
    return this.#open;
  }

  get logId(): string | null {
    return this.#records?.logId ?? null;
  }

  /** So many messages were not given. */
  lose(messages: number): void {
    this.#lost += messages;
  }

  take(message: StoredMessage): Judged {
    const epoch = this.#records?.epoch ?? 0;
    let item: LogItem | null;
    try {
      if (this.#records === null) return this.#goOn(message, null);
      item = this.#records.take(message);
    } catch (error) {
      return this.#goOn(message, asChangeoverError(error, 'LOG_CORRUPT'));
    }
    if (item?.type === 'entry') return this.#entry(item.entry);
    const { header } = decodeMessage(message.bytes, message.offset);
    if (header.kind === 'fence') return this.#fence(header, message.offset, epoch);
    return this.#uncounted(header, message.offset);
  }

  #entry(entry: LogEntry, problems: readonly Problem[] = []): Judged {
    const { header, at } = entry;
    if (this.#cut === header.seq && header.part > 1) return judged({ type: 'uncounted', why: 'cut', header }, problems);
    const abandoned = header.part === 1 ? (this.#open?.messages ?? 0) : 0;
    this.#open = header.last ? null : { seq: header.seq, messages: (header.part === 1 ? 0 : (this.#open?.messages ?? 0)) + 1 };
    this.#cut = null;
    this.#lost = 0;
    if (header.last) this.#lastSeq = header.seq;
    const backwards = header.pos !== undefined && header.pos < header.follows;
    const what = `record ${String(header.seq)} reaches position ${String(header.pos)}, which lies before ${header.follows}, which it follows`;
    const found = backwards ? [...problems, problemAt('LOG_GAP', at, header.seq, what)] : problems;
    return judged({ type: 'entry', entry }, found, abandoned);
  }

  #fence(fence: FenceHeader, offset: number, before: number): Judged {
    const counts = this.#records?.epoch === fence.epoch && fence.epoch > before;
    if (!counts) return judged({ type: 'fence', fence, counts }, this.#foreignLog(fence, offset));
    const abandoned = this.#open?.messages ?? 0;
    this.#open = null;
    // Each writer takes the epoch behind the last that counted.
    if (fence.epoch <= before + 1 + this.#lost) return judged({ type: 'fence', fence, counts }, [], abandoned);
    const what = `the fence of epoch ${String(fence.epoch)} follows that of epoch ${String(before)}: one between them is missing`;
    return judged({ type: 'fence', fence, counts }, [problemAt('LOG_GAP', offset, null, what)], abandoned);
  }

  #uncounted(header: RecordHeader, offset: number): Judged {
    const problems = this.#foreignLog(header, offset);
    if (header.epoch < (this.#records?.epoch ?? 0)) return judged({ type: 'uncounted', why: 'late', header }, problems);
    const missed = header.last && this.#gaps.some(({ from, to }) => header.seq >= from && header.seq <= to);
    const what = `record ${String(header.seq)} stands behind record ${String(this.#lastSeq)}`;
    const found = missed ? [...problems, problemAt('LOG_GAP', offset, header.seq, what)] : problems;
    return judged({ type: 'uncounted', why: 'repeated', header }, found);
  }

  /** Once for each other log: messages of it come in numbers. */
  #foreignLog({ logId, ...header }: AnyHeader, offset: number): readonly Problem[] {
    const ours = this.#records?.logId ?? null;
    if (ours === null || logId === ours || this.#foreign.has(logId)) return [];
    this.#foreign.add(logId);
    const seq = header.kind === 'fence' ? null : header.seq;
    return [{ code: 'LOG_RECREATED', check: 'log-id', offset, seq, what: `a message of log ${logId} stands in a stream of log ${ours}` }];
  }

  /** What a reader would have stopped at; `error` is null where nothing was to follow. */
  #goOn(message: StoredMessage, error: ChangeoverError | null): Judged {
    const decoded = decode(message);
    if (decoded instanceof ChangeoverError) {
      this.#lost++;
      const due = this.#records?.tail == null ? null : this.#lastSeq + 1;
      const problem: Problem = { code: 'LOG_CORRUPT', check: 'message', offset: message.offset, seq: due, what: decoded.message };
      return judged({ type: 'unreadable' }, [problem]);
    }
    const { header } = decoded;
    // One that strayed in from another log: what is ours goes on behind it.
    if (error?.code === 'LOG_RECREATED' && header.kind !== 'fence')
      return judged({ type: 'uncounted', why: 'late', header }, this.#foreignLog(header, message.offset));
    const told = error === null || this.#isExplained(header);
    const problems = told ? [] : [this.#problem(error, header, message.offset)];
    if (header.kind === 'fence') {
      this.#records = CountedRecords.fromFence();
      this.#records.take(message);
      this.#open = null;
      return judged({ type: 'fence', fence: header, counts: true }, problems);
    }
    if (header.part > 1) {
      this.#cut = header.seq;
      const abandoned = this.#open?.messages ?? 0;
      this.#open = null;
      return judged({ type: 'uncounted', why: 'cut', header }, problems, abandoned);
    }
    if (error !== null && header.seq > this.#lastSeq + 1)
      this.#gaps = [...this.#gaps, { from: this.#lastSeq + 1, to: header.seq - 1 }].slice(-MOST_GAPS);
    this.#records = CountedRecords.after(placeBefore(header, message.offset));
    const item = this.#records.take(message);
    return this.#entry((item as Extract<LogItem, { readonly type: 'entry' }>).entry, problems);
  }

  #isExplained(header: AnyHeader): boolean {
    if (this.#lost === 0 && this.#cut === null) return false;
    if (header.kind === 'fence') return false;
    const { seq, epoch, part, prev, follows } = header;
    if (epoch > (this.#records?.epoch ?? 0) + this.#lost) return false;
    const tail = this.#records?.tail ?? null;
    if (tail === null) return true;
    // A fence may be missing between two records, but they follow each other all the same.
    if (part === 1 && seq === tail.seq + 1) return prev === tail.checksum && follows === tail.pos;
    return seq > tail.seq && seq <= (this.#cut ?? tail.seq) + 1 + this.#lost;
  }

  #problem({ code, message }: ChangeoverError, header: AnyHeader, offset: number): Problem {
    const seq = header.kind === 'fence' ? null : header.seq;
    switch (code) {
      case 'LOG_RECREATED':
        return { code, check: 'log-id', offset, seq, what: message };
      case 'LOG_TRUNCATED':
        return { code, check: 'start', offset, seq, what: message };
      case 'LOG_GAP':
        return { code, check: 'order', offset, seq, what: message };
      default:
        return { code: 'LOG_CORRUPT', check: 'message', offset, seq, what: message };
    }
  }
}

function judged(verdict: Verdict, problems: readonly Problem[], abandoned = 0): Judged {
  return { verdict, abandoned, problems };
}

function problemAt(code: FindingCode, offset: number, seq: number | null, what: string): Problem {
  return { code, check: 'order', offset, seq, what: `${what} (offset ${String(offset)})` };
}

/** Where a reader would be that takes this record next. */
function placeBefore(header: RecordHeader, offset: number): ReadPosition {
  const { logId, epoch, seq, follows, prev } = header;
  return { logId, epoch, seq: seq - 1, pos: follows, checksum: prev, at: offset - 1 };
}

function decode({ bytes, offset }: StoredMessage): DecodedMessage | ChangeoverError {
  try {
    return decodeMessage(bytes, offset);
  } catch (error) {
    if (error instanceof ChangeoverError) return error;
    // A JSON parser's message quotes what it read.
    return new ChangeoverError('LOG_CORRUPT', `the message at offset ${String(offset)} cannot be read: its header is no JSON`);
  }
}
