import { ChangeoverError } from '@changeover/core';

import { FrameReader } from '../frame/frame-codec.js';
import { tableName, type TableSchema } from '../frame/table-schema.js';
import type { EventLog, LogEntry } from '../log/event-log.port.js';
import type { MessageStore, StreamName } from '../log/message-store.port.js';
import { decodeJsonBody } from '../record/bodies.js';
import { holdsFrames, type RecordHeader, type RecordKind, type RecordRef } from '../record/header.js';
import { decodeMessage } from '../record/message-codec.js';
import type { LogFinding } from './finding.js';
import { findPlaceBefore } from './find-record.js';
import { RecordOrder } from './record-order.js';
import { rowChanges, type RowChange } from './row-changes.js';
import { scanStream, type ScanStep } from './scan-stream.js';

export type ListOptions = {
  readonly store: MessageStore;
  readonly log: EventLog;
  readonly stream: StreamName;
  /** The first sequence. */
  readonly from: number;
  /** Offset of a message that counts, of that record or one behind it: with it a record near the end is found sooner. */
  readonly known?: number;
  readonly kind?: Exclude<RecordKind, 'fence'>;
  /** `schema.table`: only records that hold rows, or the form, of this table. */
  readonly table?: string;
  /** Wait at the end for more. */
  readonly follow: boolean;
  /** What is in the way of a reader; the list goes on behind it. */
  readonly onFinding: (finding: LogFinding) => void;
  readonly signal: AbortSignal;
};

/** A record that counts and is complete. */
export type ListedRecord = {
  /** Of its last part, which has all the facts. */
  readonly header: RecordHeader;
  /** Of its first part. */
  readonly offset: number;
  readonly bytes: number;
  readonly parts: number;
  /** Tables whose rows or form it holds. */
  readonly tables: readonly string[];
  /** Its rows, read again where it has several parts, so that no record has to fit into memory. With `table`, only of that one. */
  changes(): AsyncGenerator<RowChange>;
};

/** Messages. */
const NEAR = 16;

type Open = { seq: number; offset: number; bytes: number; parts: number; readonly refs: Map<number, RecordRef> };

/** Records in order, from a sequence on. */
export async function* listRecords(options: ListOptions): AsyncGenerator<ListedRecord> {
  const { store, stream, from, known, follow, signal } = options;
  const { start, end } = await store.bounds(stream);
  const place = await findPlaceBefore(store, stream, from, { start, end, known, signal });
  const order = place === 0 ? RecordOrder.fromBeginning() : RecordOrder.fromSomewhere();
  const forms = new Forms(options.log, stream);
  let open: Open | null = null;
  const until = follow ? Infinity : end;
  // Who knows that much asks for one record, which is near: a store gives as much at once as it is let.
  const near = known === undefined ? place : Math.min(place + NEAR, end);
  for await (const step of scanned(store, stream, [place, near, until], signal)) {
    if (step.type === 'lost') {
      const { from: offset, to, code, what } = step.lost;
      order.lose(to - offset);
      options.onFinding({ stream, code, check: 'store', offset, seq: null, what });
      continue;
    }
    for (const message of step.messages) {
      const { verdict, problems } = order.take(message);
      for (const problem of problems) options.onFinding({ stream, ...problem });
      if (verdict.type !== 'entry') continue;
      const { entry } = verdict;
      open = grown(open, entry, message.bytes.length);
      if (!entry.header.last || entry.header.seq < from) continue;
      const record = await listed(options, { entry, open, forms });
      if (record !== null) yield record;
    }
  }
}

async function* scanned(store: MessageStore, stream: StreamName, places: readonly number[], signal: AbortSignal): AsyncGenerator<ScanStep> {
  for (const [index, from] of places.slice(0, -1).entries())
    yield* scanStream(store, stream, { from, until: places[index + 1] as number, signal });
}

function grown(open: Open | null, { header, at }: LogEntry, bytes: number): Open {
  const { seq, part, schemas = [] } = header;
  const record = open === null || part === 1 ? { seq, offset: at, bytes: 0, parts: 0, refs: new Map<number, RecordRef>() } : open;
  record.bytes += bytes;
  record.parts++;
  for (const ref of schemas) record.refs.set(ref.seq, ref);
  return record;
}

async function listed(
  options: ListOptions,
  { entry, open, forms }: { readonly entry: LogEntry; readonly open: Open; readonly forms: Forms },
): Promise<ListedRecord | null> {
  const { kind, table } = options;
  const { header } = entry;
  if (kind !== undefined && header.kind !== kind) return null;
  const known = await forms.of(header.kind === 'schema' ? [{ seq: header.seq, at: entry.at }] : [...open.refs.values()]);
  const tables = [...new Set([...known.values()].map(tableName))];
  if (table !== undefined && !tables.includes(table)) return null;
  const { offset, bytes, parts } = open;
  const changes = (): AsyncGenerator<RowChange> => rowsOf(options, { entry, offset, known });
  return { header, offset, bytes, parts, tables, changes };
}

async function* rowsOf(
  { store, stream, table, signal }: ListOptions,
  { entry, offset, known }: { readonly entry: LogEntry; readonly offset: number; readonly known: ReadonlyMap<number, TableSchema> },
): AsyncGenerator<RowChange> {
  if (!holdsFrames(entry.header.kind)) return;
  const frames = new FrameReader();
  for await (const body of bodiesOf(entry, () => store.read(stream, offset, { signal, until: entry.at }))) {
    for (const frame of frames.push(body)) {
      const form = known.get(frame.schemaSeq);
      if (form === undefined) {
        const what = `record ${String(entry.header.seq)} refers to schema ${String(frame.schemaSeq)}, which it does not name`;
        throw new ChangeoverError('LOG_CORRUPT', what, { facts: { seq: entry.header.seq, offset: entry.at } });
      }
      if (table === undefined || tableName(form) === table) yield* rowChanges(frame, form);
    }
  }
}

/** Of all parts of a record, whose last one is in hand. Late messages of a fenced writer may stand between them. */
async function* bodiesOf(last: LogEntry, read: () => ReturnType<MessageStore['read']>): AsyncGenerator<Buffer> {
  let next = 1;
  if (last.header.part > 1) {
    for await (const batch of read()) {
      for (const { bytes, offset } of batch) {
        const { header, body } = decodeMessage(bytes, offset);
        const { seq, epoch } = last.header;
        if (header.kind === 'fence' || header.epoch !== epoch || header.seq !== seq || header.part !== next) continue;
        next++;
        yield body;
      }
    }
  }
  yield last.body;
}

/** The forms of tables, fetched when a record first names them. */
class Forms {
  readonly #log: EventLog;
  readonly #stream: StreamName;
  readonly #known = new Map<number, TableSchema>();

  constructor(log: EventLog, stream: StreamName) {
    this.#log = log;
    this.#stream = stream;
  }

  /** Without those that lead nowhere. */
  async of(refs: readonly RecordRef[]): Promise<ReadonlyMap<number, TableSchema>> {
    const found = new Map<number, TableSchema>();
    for (const ref of refs) {
      const table = this.#known.get(ref.seq) ?? (await this.#fetch(ref));
      if (table === null) continue;
      this.#known.set(ref.seq, table);
      found.set(ref.seq, table);
    }
    return found;
  }

  async #fetch(ref: RecordRef): Promise<TableSchema | null> {
    try {
      return decodeJsonBody('schema', await this.#log.fetch(this.#stream, ref)).table;
    } catch (error) {
      if (error instanceof ChangeoverError && error.policy === 'stop') return null;
      throw error;
    }
  }
}
