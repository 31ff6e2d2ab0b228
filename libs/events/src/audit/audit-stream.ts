import type { MessageStore, StoredMessage, StreamName } from '../log/message-store.port.js';
import type { Problem } from './finding.js';
import { RecordContents, type RowCount } from './record-contents.js';
import { type RecordOrder, type Verdict } from './record-order.js';
import { scanStream, type LostRange } from './scan-stream.js';

/** One message, judged. */
export type AuditedMessage = {
  readonly offset: number;
  readonly bytes: number;
  readonly verdict: Verdict;
  /** Messages of an unfinished record that readers forget here. */
  readonly abandoned: number;
  /** Rows of the record that ends here. */
  readonly rows: readonly RowCount[];
  readonly problems: readonly Problem[];
};

export type AuditedBatch = {
  readonly messages: readonly AuditedMessage[];
  /** Told by the store, of no message. */
  readonly problems: readonly Problem[];
  /** Messages that the store did not give. */
  readonly lost: number;
  /** The offset behind it. */
  readonly reached: number;
};

export type AuditRange = {
  /** Where the stream begins and ends for this audit: see {@link MessageStore.bounds}. */
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
};

/** Judges every message of one stream, in order. */
export class StreamAudit {
  readonly #contents = new RecordContents();
  readonly #order: RecordOrder;

  constructor(order: RecordOrder) {
    this.#order = order;
  }

  get unfinished(): RecordOrder['unfinished'] {
    return this.#order.unfinished;
  }

  get logId(): string | null {
    return this.#order.logId;
  }

  take(message: StoredMessage): AuditedMessage {
    const { verdict, abandoned, problems } = this.#order.take(message);
    const { offset, bytes } = message;
    if (verdict.type !== 'entry') return { offset, bytes: bytes.length, verdict, abandoned, rows: [], problems };
    const { rows, problems: more } = this.#contents.take(verdict.entry);
    return { offset, bytes: bytes.length, verdict, abandoned, rows, problems: [...problems, ...more] };
  }

  lose({ from, to, code, what }: LostRange): Problem {
    this.#order.lose(to - from);
    const range = to - from === 1 ? `offset ${String(from)}` : `offsets ${String(from)} to ${String(to - 1)}`;
    return { code, check: 'store', offset: from, seq: null, what: `${range}: ${what}` };
  }
}

/** A whole stream, from where it begins to where it ended when this was begun. Ends early when `signal` aborts. */
export async function* auditStream(
  audit: StreamAudit,
  store: MessageStore,
  stream: StreamName,
  { start, end, signal }: AuditRange,
): AsyncGenerator<AuditedBatch, void> {
  const missing = startProblem(start, end);
  if (missing !== null) yield { messages: [], problems: [missing], lost: start, reached: start };
  for await (const step of scanStream(store, stream, { from: start, until: end, signal })) {
    if (step.type === 'lost') {
      const { from, to } = step.lost;
      yield { messages: [], problems: [audit.lose(step.lost)], lost: to - from, reached: to };
      continue;
    }
    const messages = step.messages.map((message) => audit.take(message));
    yield { messages, problems: [], lost: 0, reached: (messages.at(-1)?.offset ?? start) + 1 };
  }
}

function startProblem(start: number, end: number): Problem | null {
  if (start === 0) return null;
  const what =
    start === end
      ? `all ${String(end)} messages were deleted`
      : `it begins at offset ${String(start)}: the messages before that were deleted`;
  return { code: 'LOG_TRUNCATED', check: 'start', offset: start, seq: null, what };
}
