import { ChangeoverError } from '@changeover/core';
import {
  decodeJsonBody,
  FrameReader,
  readPositionOf,
  type EventLog,
  type Frame,
  type LogEntry,
  type ReadPosition,
  type RecordHeader,
  type RecordKind,
  type StreamName,
  type TableSchema,
} from '@changeover/events';

/** `form`: a table has this form from here on. `chunk`: the rows were copied. `decision`: what becomes of rows is another thing from here on, though none of them was touched. `end`: the record is whole. `given-up`: what it said is not. */
type StreamStep =
  | { readonly what: 'form'; readonly form: TableSchema }
  | { readonly what: 'frame'; readonly form: TableSchema; readonly frame: Frame; readonly chunk: boolean }
  | { readonly what: 'decision' }
  | { readonly what: 'end'; readonly header: RecordHeader }
  | { readonly what: 'given-up' };

const DECISIONS: ReadonlySet<RecordKind> = new Set<RecordKind>(['correction', 'reference-data', 'mapping-activated']);

/** The rows of a stream's records from a place on, read as far as is asked for, and further another time. */
export class StreamFrames {
  readonly #log: EventLog;
  readonly #stream: StreamName;
  readonly #forms = new Map<number, TableSchema>();
  readonly #frames = new FrameReader();
  #reached: ReadPosition;
  #hasGoneBack = false;

  constructor({ log, stream, from }: { readonly log: EventLog; readonly stream: StreamName; readonly from: ReadPosition }) {
    this.#log = log;
    this.#stream = stream;
    this.#reached = from;
  }

  /** The end lay before the beginning: what is between the two is not known. */
  get hasGoneBack(): boolean {
    return this.#hasGoneBack;
  }

  /** Up to this record, which the stream holds. */
  async *to({ logId, seq }: Pick<ReadPosition, 'logId' | 'seq'>, signal: AbortSignal): AsyncGenerator<StreamStep> {
    if (logId !== this.#reached.logId || seq < this.#reached.seq) this.#hasGoneBack = true;
    if (this.#hasGoneBack || seq === this.#reached.seq) return;
    const ending = new AbortController();
    for await (const items of this.#log.read(this.#stream, this.#reached, AbortSignal.any([signal, ending.signal]))) {
      for (const item of items) {
        if (item.type === 'abandoned') {
          this.#frames.reset();
          yield { what: 'given-up' };
          continue;
        }
        const { entry } = item;
        if (entry.header.seq > seq) break;
        yield* this.#steps(entry);
        if (!entry.header.last) continue;
        this.#reached = readPositionOf(entry);
        yield { what: 'end', header: entry.header };
      }
      if (this.#reached.seq >= seq) ending.abort();
      if (ending.signal.aborted) break;
    }
    signal.throwIfAborted();
  }

  async *#steps(entry: LogEntry): AsyncGenerator<StreamStep> {
    const { kind, part } = entry.header;
    if (DECISIONS.has(kind)) yield { what: 'decision' };
    if (kind === 'schema') yield { what: 'form', form: decodeJsonBody('schema', entry).table };
    if (kind !== 'transaction' && kind !== 'snapshot-chunk') return;
    for (const ref of entry.header.schemas ?? [])
      if (!this.#forms.has(ref.seq)) this.#forms.set(ref.seq, decodeJsonBody('schema', await this.#log.fetch(this.#stream, ref)).table);
    if (part === 1) {
      this.#frames.reset();
      yield { what: 'given-up' };
    }
    for (const frame of this.#frames.push(entry.body)) {
      const form = this.#forms.get(frame.schemaSeq);
      if (form === undefined)
        throw new ChangeoverError('LOG_CORRUPT', `a frame refers to schema ${String(frame.schemaSeq)}, which its record does not name`);
      yield { what: 'frame', form, frame, chunk: kind === 'snapshot-chunk' };
    }
  }
}
