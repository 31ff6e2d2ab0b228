import { ChangeoverError } from '@changeover/core';
import {
  decodeJsonBody,
  FrameReader,
  type EventLog,
  type Frame,
  type LogEntry,
  type ReadPosition,
  type RecordRef,
  type SchemaLookup,
  type StreamName,
  type TableSchema,
} from '@changeover/events';

/** What is done with the records of a stretch of `writes`. */
export type WrittenSink = {
  /** Frames of a record, which may come in several calls. */
  add(
    record: { readonly seq: number; readonly frames: readonly Frame[] },
    schemas: SchemaLookup,
    refOf: (schemaSeq: number) => RecordRef,
  ): void | Promise<void>;
  /** Parts of a record were added that its writer gave up: everything comes again from the beginning. */
  forget(): void | Promise<void>;
};

export type WrittenStretch = {
  readonly log: EventLog;
  readonly writes: StreamName;
  /** Behind this record; null: from the beginning. */
  readonly after: ReadPosition | null;
  /** Up to this record, which is there. */
  readonly through: number;
  /** The record that was come to. */
  readonly onRecord?: (seq: number) => void;
};

/** Gives all frames of a stretch of `writes`, in order. */
export async function readWritten(stretch: WrittenStretch, sink: WrittenSink, signal: AbortSignal): Promise<void> {
  const givenUp = new Set<number>();
  while (!(await readOnce(stretch, { sink, forms: new WrittenForms(stretch), givenUp }, signal))) await sink.forget();
}

type Reading = { readonly sink: WrittenSink; readonly forms: WrittenForms; readonly givenUp: Set<number> };

/** False: parts were added of a record that was given up. Its first part's offset is known then. */
async function readOnce(
  { log, writes, after, through, onRecord }: WrittenStretch,
  { sink, forms, givenUp }: Reading,
  signal: AbortSignal,
): Promise<boolean> {
  if ((after?.seq ?? 0) >= through) return true;
  const frames = new FrameReader();
  const abort = new AbortController();
  let begun: number | null = null;
  let skips = false;
  try {
    for await (const items of log.read(writes, after, AbortSignal.any([signal, abort.signal]))) {
      for (const item of items) {
        if (item.type === 'abandoned' || item.entry.header.part === 1) {
          if (begun !== null) {
            givenUp.add(begun);
            return false;
          }
          frames.reset();
          skips = item.type === 'entry' && givenUp.has(item.entry.at);
        }
        if (item.type === 'abandoned' || skips) continue;
        const { entry } = item;
        const { seq, last, kind } = entry.header;
        await forms.take(entry);
        if (kind === 'transaction') {
          begun = last ? null : (begun ?? entry.at);
          const some = frames.push(entry.body);
          if (some.length > 0) await sink.add({ seq, frames: some }, forms.of, forms.refOf);
          if (last) frames.end();
        }
        if (last) onRecord?.(seq);
        if (last && seq >= through) return true;
      }
    }
  } finally {
    abort.abort();
  }
  signal.throwIfAborted();
  throw new ChangeoverError('LOG_GAP', `the stream ends before record ${String(through)} of writes`);
}

/** Where forms are told; `place`: under which name a table is known, if not under that. */
type Written = Pick<WrittenStretch, 'log' | 'writes'> & { readonly place?: ((table: TableSchema) => TableSchema) | undefined };

const itself = (table: TableSchema): TableSchema => table;

/** The forms of rows, as the stream tells them. */
export class WrittenForms {
  readonly #stretch: Written;
  readonly #told = new Map<number, { readonly schema: TableSchema; readonly ref: RecordRef }>();

  constructor(stretch: Written) {
    this.#stretch = stretch;
  }

  /** Learns what the entry tells, and whatever it refers to. */
  async take(entry: LogEntry): Promise<void> {
    const { kind, seq, schemas } = entry.header;
    if (kind === 'schema') this.#tell({ seq, at: entry.at }, entry);
    for (const ref of schemas ?? []) if (!this.#told.has(ref.seq)) await this.fetch(ref);
  }

  async fetch(ref: RecordRef): Promise<TableSchema> {
    const { log, writes } = this.#stretch;
    return this.#tell(ref, await log.fetch(writes, ref));
  }

  readonly of: SchemaLookup = (seq) => this.#find(seq).schema;

  /** Where a form was told. */
  readonly refOf = (seq: number): RecordRef => this.#find(seq).ref;

  #tell(ref: RecordRef, entry: LogEntry): TableSchema {
    const { place = itself } = this.#stretch;
    const schema = place(decodeJsonBody('schema', entry).table);
    this.#told.set(ref.seq, { schema, ref });
    return schema;
  }

  #find(seq: number): { readonly schema: TableSchema; readonly ref: RecordRef } {
    const told = this.#told.get(seq);
    if (told === undefined)
      throw new ChangeoverError('LOG_CORRUPT', `a frame refers to schema ${String(seq)}, which its record does not name`);
    return told;
  }
}
