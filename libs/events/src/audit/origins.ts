import type { LogEntry, ReadPosition } from '../log/event-log.port.js';
import type { FindingCode, Problem } from './finding.js';

type Mark = Pick<ReadPosition, 'logId' | 'pos' | 'checksum' | 'at'>;

/**
 * The records of `changes` that records of `writes` may still name. Given as both are read side by side, so it holds no more than those between
 * where `writes` is and how far `changes` was read ahead.
 */
export class RecordMarks {
  readonly #marks = new Map<number, Mark>();
  /** The last record read. */
  #through = 0;
  #logId: string | null = null;

  get through(): number {
    return this.#through;
  }

  get logId(): string | null {
    return this.#logId;
  }

  add({ header, checksum, at }: LogEntry): void {
    const { logId, seq, pos, follows } = header;
    this.#marks.set(seq, { logId, pos: pos ?? follows, checksum, at });
    this.#through = Math.max(this.#through, seq);
    this.#logId = logId;
  }

  get(seq: number): Mark | null {
    return this.#marks.get(seq) ?? null;
  }

  forgetBefore(seq: number): void {
    // They were put in ascending order, but behind damage.
    for (const known of this.#marks.keys()) {
      if (known >= seq) return;
      this.#marks.delete(known);
    }
  }
}

/** Whether records of `writes` name records of `changes` that are there, and none before the one that was named last. */
export class OriginCheck {
  readonly #marks: RecordMarks;
  readonly #lossIsTold: boolean;
  readonly #foreign = new Set<string>();
  #last = 0;
  #endTold = false;

  /** `lossIsTold`: what `changes` lacks in its middle is told as a finding of its own. */
  constructor(marks: RecordMarks, lossIsTold: boolean) {
    this.#marks = marks;
    this.#lossIsTold = lossIsTold;
  }

  /** `changes` has been read up to the record that the entry names, or to its end. */
  take(entry: LogEntry): readonly Problem[] {
    const { from, seq } = entry.header;
    if (from === undefined) return [];
    const wrong = this.#judge(from);
    if (wrong === null) return [];
    return [{ code: wrong.code, check: 'origin', offset: entry.at, seq, what: `record ${String(seq)} was made from ${wrong.what}` }];
  }

  #judge(from: ReadPosition): { readonly code: FindingCode; readonly what: string } | null {
    const name = `record ${String(from.seq)} of changes`;
    const { logId, through } = this.#marks;
    if (logId !== null && from.logId !== logId) {
      if (this.#foreign.has(from.logId)) return null;
      this.#foreign.add(from.logId);
      return { code: 'LOG_RECREATED', what: `${name} of log ${from.logId}, but changes is log ${logId}` };
    }
    if (from.seq < this.#last) return { code: 'LOG_GAP', what: `${name}, behind one that was made from record ${String(this.#last)}` };
    const before = this.#last;
    this.#last = from.seq;
    this.#marks.forgetBefore(from.seq);
    // What is read from the beginning on has no record that it follows.
    if (from.seq === 0) return null;
    if (from.seq > through) {
      if (this.#endTold) return null;
      this.#endTold = true;
      return { code: 'LOG_TRUNCATED', what: `${name}, which ends with record ${String(through)}` };
    }
    const mark = this.#marks.get(from.seq);
    // Several records may be made from one.
    if (mark === null) return this.#lossIsTold || before === from.seq ? null : { code: 'LOG_GAP', what: `${name}, which cannot be read` };
    if (mark.checksum !== from.checksum || mark.pos !== from.pos)
      return { code: 'LOG_GAP', what: `another ${name} than the one that is there` };
    if (mark.at !== from.at) return { code: 'LOG_GAP', what: `${name} at offset ${String(from.at)}, and it lies at ${String(mark.at)}` };
    return null;
  }
}
