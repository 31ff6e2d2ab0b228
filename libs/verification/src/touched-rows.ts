import { ChangeoverError } from '@changeover/core';
import {
  CopyTextWriter,
  decodeJsonBody,
  FrameReader,
  readPositionOf,
  scanLine,
  tableName,
  tableSchemaHash,
  type EventLog,
  type Frame,
  type LogEntry,
  type ReadPosition,
  type StreamName,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';

import { shapeOf } from './compare-table.js';
import { notFollowing } from './followed-changes.js';
import { idOf, KeyPlaces } from './row-sums.js';

/** Rows of one table by the ids under which differences know them; null: all of them. */
type WatchedRows = { readonly table: TableSchema; readonly ids: ReadonlySet<string> | null };

type Watched = WatchedRows & { readonly keys: TableSchema; readonly places: KeyPlaces };

type TouchedRowsOptions = {
  readonly log: EventLog;
  /** `changes` or `writes`. */
  readonly stream: StreamName;
  /** Records behind this one are looked at. */
  readonly from: ReadPosition;
  readonly rows: readonly WatchedRows[];
  /** Puts keys into the words in which ids have them; left out: they are as the stream has them. */
  readonly asCompared?: TargetSnapshot['asCompared'];
  /** The most that are remembered: NOT_FOLLOWING if there are more. Left out: as many as are watched. */
  readonly most?: number;
};

/**
 * Which rows of some tables the records of a stream touch from a place on: by their keys before and behind each change. Of what is read only the rows that are watched are
 * remembered. Where a table is emptied, copied, or told in another form, all of its rows count.
 */
export class TouchedRows {
  readonly #options: TouchedRowsOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  readonly #forms = new Map<number, TableSchema>();
  readonly #frames = new FrameReader();
  /** `schema.table`, and a row's id. */
  readonly #touched = new Map<string, Set<string>>();
  readonly #whole = new Set<string>();
  #room: number;
  #reached: ReadPosition;
  #hasGoneBack = false;

  constructor(options: TouchedRowsOptions) {
    this.#options = options;
    this.#room = options.most ?? Infinity;
    this.#reached = options.from;
    this.#watched = new Map(options.rows.map((rows) => [tableName(rows.table), { ...rows, ...keysOf(rows.table) }]));
  }

  /** Whether the row was touched as far as was read; all are where the end lies before the beginning. */
  has(table: TableSchema, id: string): boolean {
    const of = this.of(table);
    return of === 'all' || of.has(id);
  }

  /** The rows of the table that were touched. */
  of(table: TableSchema): ReadonlySet<string> | 'all' {
    const name = tableName(table);
    if (this.#hasGoneBack || this.#whole.has(name)) return 'all';
    return this.#touched.get(name) ?? new Set();
  }

  /** Reads on up to this record, which the stream holds. */
  async readTo({ logId, seq }: Pick<ReadPosition, 'logId' | 'seq'>, signal: AbortSignal): Promise<void> {
    const { log, stream } = this.#options;
    if (logId !== this.#reached.logId || seq < this.#reached.seq) this.#hasGoneBack = true;
    if (this.#hasGoneBack || seq === this.#reached.seq) return;
    const ending = new AbortController();
    for await (const items of log.read(stream, this.#reached, AbortSignal.any([signal, ending.signal]))) {
      for (const item of items) {
        if (item.type === 'abandoned') {
          this.#frames.reset();
          continue;
        }
        const { entry } = item;
        if (entry.header.seq > seq) break;
        await this.#take(entry);
        if (entry.header.last) this.#reached = readPositionOf(entry);
      }
      if (this.#reached.seq >= seq) ending.abort();
      if (ending.signal.aborted) break;
    }
    signal.throwIfAborted();
  }

  async #take(entry: LogEntry): Promise<void> {
    const { log, stream } = this.#options;
    const { kind } = entry.header;
    if (kind === 'schema') this.#whole.add(tableName(decodeJsonBody('schema', entry).table));
    if (kind !== 'transaction' && kind !== 'snapshot-chunk') return;
    for (const ref of entry.header.schemas ?? [])
      if (!this.#forms.has(ref.seq)) this.#forms.set(ref.seq, decodeJsonBody('schema', await log.fetch(stream, ref)).table);
    if (entry.header.part === 1) this.#frames.reset();
    for (const frame of this.#frames.push(entry.body)) {
      const form = this.#forms.get(frame.schemaSeq);
      if (form === undefined)
        throw new ChangeoverError('LOG_CORRUPT', `a frame refers to schema ${String(frame.schemaSeq)}, which its record does not name`);
      const watched = this.#watched.get(tableName(form));
      if (kind === 'snapshot-chunk') this.#whole.add(tableName(form));
      else if (watched !== undefined) await this.#touch(watched, form, frame);
    }
  }

  async #touch({ table, ids, keys, places }: Watched, form: TableSchema, frame: Frame): Promise<void> {
    const name = tableName(table);
    const columns = keys.columns.map((key) => form.columns.findIndex((column) => column.name === key.name));
    if (frame.op === 't' || columns.includes(-1)) {
      this.#whole.add(name);
      return;
    }
    const touched = this.#touched.get(name) ?? new Set<string>();
    this.#touched.set(name, touched);
    const told = fieldsOf(frame.rows, form.columns.length, columns);
    const lines = (await this.#options.asCompared?.(keys, told)) ?? told;
    for (const { key } of places.of(lines)) {
      const id = idOf(lines, key);
      if ((ids !== null && !ids.has(id)) || touched.has(id)) continue;
      if (this.#room-- <= 0) throw notFollowing('very much is being written at the source');
      touched.add(id);
    }
  }
}

/** The columns of its key as a form of their own. */
function keysOf(table: TableSchema): { readonly keys: TableSchema; readonly places: KeyPlaces } {
  const form = { schema: table.schema, table: table.table, columns: table.columns.filter(({ key }) => key), identity: table.identity };
  const keys: TableSchema = { ...form, hash: tableSchemaHash(form) };
  return { keys, places: new KeyPlaces(shapeOf(keys)) };
}

/** Some fields of each line, in this order. */
function fieldsOf(lines: Buffer, width: number, columns: readonly number[]): Buffer {
  const writer = new CopyTextWriter(lines.length + 1);
  const starts = new Int32Array(width + 1);
  for (let at = 0; at < lines.length;) {
    const { end } = scanLine(lines, at, starts);
    columns.forEach((column, place) => {
      if (place > 0) writer.tab();
      writer.raw(lines, starts[column] as number, (starts[column + 1] as number) - 1);
    });
    writer.endRow();
    at = end + 1;
  }
  return writer.take();
}
