import { ChangeoverError } from '@changeover/core';
import {
  decodeJsonBody,
  FrameReader,
  readPositionOf,
  type EventLog,
  type Frame,
  type LogEntry,
  type LogItem,
  type LogTail,
  type ProgressBody,
  type RecordRef,
  type StreamName,
  type TableSchema,
} from '@changeover/events';

import type { TableCopies } from './table-copies.js';

type BehindProgress = {
  readonly log: EventLog;
  readonly stream: StreamName;
  /** The last `progress`, and the forms that it tells of. */
  readonly entry: LogEntry;
  readonly schemas: ProgressBody['schemas'];
  readonly tail: LogTail;
  readonly copies: TableCopies;
};

/**
 * What stands in the log behind the last `progress` is in no progress yet: the ids of these transactions, which are given, and the rows that they moved, which
 * `copies` is told of.
 */
export async function readBehindProgress({ log, stream, entry, schemas, tail, copies }: BehindProgress): Promise<readonly string[]> {
  const forms = new Forms(log, stream, schemas, copies);
  const frames = new FrameReader();
  const txIds: string[] = [];
  for await (const item of itemsBehind({ log, stream, entry, tail })) {
    if (item.type === 'abandoned' || item.entry.header.part === 1) frames.reset();
    if (item.type === 'abandoned') continue;
    const { header, body } = item.entry;
    if (header.kind === 'schema') forms.add(header.seq, decodeJsonBody('schema', item.entry).table);
    if (header.kind !== 'transaction') continue;
    for (const frame of frames.push(body)) {
      // Also of a transaction that was given up half-way: it comes again before any chunk does.
      const form = concerns(frame) ? await forms.of(frame.schemaSeq) : null;
      if (form !== null) copies.find(form)?.touched(frame, form);
    }
    if (header.last && header.txId !== undefined) txIds.push(header.txId);
  }
  return txIds;
}

/**
 * The last `progress`, where `entry` is the one that the tail names. A record names the last that was durable when it was queued; between that one and it
 * there may be others, which went out with it.
 */
export async function latestProgress({ log, stream, entry, tail }: Stretch): Promise<LogEntry> {
  let latest = entry;
  for await (const item of itemsBehind({ log, stream, entry, tail }))
    if (item.type === 'entry' && item.entry.header.kind === 'progress') latest = item.entry;
  return latest;
}

type Stretch = Pick<BehindProgress, 'log' | 'stream' | 'entry' | 'tail'>;

/** What stands behind the record, up to the tail. */
async function* itemsBehind({ log, stream, entry, tail }: Stretch): AsyncGenerator<LogItem> {
  if (tail.seq === entry.header.seq) return;
  const abort = new AbortController();
  try {
    for await (const batch of log.read(stream, readPositionOf(entry), abort.signal)) {
      for (const item of batch) {
        yield item;
        if (item.type === 'entry' && item.entry.header.last && item.entry.header.seq === tail.seq) return;
      }
    }
  } finally {
    abort.abort();
  }
  throw new ChangeoverError('INTERNAL', `${stream} could not be read up to record ${String(tail.seq)}`);
}

function concerns({ op, partial, before }: Frame): boolean {
  return op === 't' || (op === 'u' && partial && before !== 'none');
}

/** The forms of the tables that are being copied. */
class Forms {
  readonly #log: EventLog;
  readonly #stream: StreamName;
  readonly #copied: ReadonlySet<string>;
  readonly #refs = new Map<number, RecordRef>();
  readonly #known = new Map<number, TableSchema>();

  constructor(log: EventLog, stream: StreamName, schemas: ProgressBody['schemas'], copies: TableCopies) {
    this.#log = log;
    this.#stream = stream;
    this.#copied = new Set(Array.from(copies, ({ name }) => name));
    for (const [table, told] of Object.entries(schemas)) if (this.#copied.has(table)) for (const ref of told) this.#refs.set(ref.seq, ref);
  }

  add(seq: number, form: TableSchema): void {
    this.#known.set(seq, form);
  }

  /** Null where the record tells the form of another table. */
  async of(seq: number): Promise<TableSchema | null> {
    const ref = this.#refs.get(seq);
    const known = this.#known.get(seq);
    if (known !== undefined || ref === undefined) return known ?? null;
    const { table } = decodeJsonBody('schema', await this.#log.fetch(this.#stream, ref));
    this.#known.set(seq, table);
    return table;
  }
}
