import { ChangeoverError } from '@changeover/core';
import {
  CopyTextWriter,
  decodeJsonBody,
  FrameReader,
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
import { idOf, KeyPlaces } from './row-sums.js';

/** Rows of one table by the ids under which differences know them. */
export type WatchedRows = { readonly table: TableSchema; readonly ids: ReadonlySet<string> };

type Watched = WatchedRows & { readonly keys: TableSchema; readonly places: KeyPlaces };

export type LoadedSinceOptions = {
  readonly log: EventLog;
  readonly writes: StreamName;
  /** Where the rows were compared. */
  readonly from: ReadPosition;
  readonly rows: readonly WatchedRows[];
  /** Puts keys into the words in which ids have them. */
  readonly snapshot: Pick<TargetSnapshot, 'asCompared'>;
};

/**
 * Which of some rows the records of `writes` touch, from the place where the rows were compared on: read as far as load has come. Of what is read only the rows that
 * are watched are remembered.
 */
export class LoadedSince {
  readonly #options: LoadedSinceOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  readonly #forms = new Map<number, TableSchema>();
  readonly #frames = new FrameReader();
  /** `schema.table`, and a row's id. */
  readonly #touched = new Map<string, Set<string>>();
  readonly #emptied = new Set<string>();
  #reached: ReadPosition;
  #hasGoneBack = false;

  constructor(options: LoadedSinceOptions) {
    this.#options = options;
    this.#reached = options.from;
    this.#watched = new Map(options.rows.map((rows) => [tableName(rows.table), { ...rows, ...keysOf(rows.table) }]));
  }

  /** Whether load has touched the row as far as was read; all of them, where load has gone back to before the comparison. */
  has(table: TableSchema, id: string): boolean {
    const name = tableName(table);
    return this.#hasGoneBack || this.#emptied.has(name) || this.#touched.get(name)?.has(id) === true;
  }

  /** Reads on up to where load is, a record that the stream holds. */
  async readTo({ logId, seq }: ReadPosition, signal: AbortSignal): Promise<void> {
    const { log, writes } = this.#options;
    if (logId !== this.#reached.logId || seq < this.#reached.seq) this.#hasGoneBack = true;
    if (this.#hasGoneBack || seq === this.#reached.seq) return;
    const ending = new AbortController();
    for await (const items of log.read(writes, this.#reached, AbortSignal.any([signal, ending.signal]))) {
      for (const item of items) {
        if (item.type === 'abandoned') {
          this.#frames.reset();
          continue;
        }
        const { header, checksum, at } = item.entry;
        if (header.seq > seq) break;
        if (header.kind === 'transaction') await this.#take(item.entry);
        if (header.last)
          this.#reached = { logId: header.logId, epoch: header.epoch, seq: header.seq, pos: header.pos ?? header.follows, checksum, at };
      }
      if (this.#reached.seq >= seq) ending.abort();
      if (ending.signal.aborted) break;
    }
    signal.throwIfAborted();
  }

  async #take(entry: LogEntry): Promise<void> {
    const { log, writes } = this.#options;
    for (const ref of entry.header.schemas ?? [])
      if (!this.#forms.has(ref.seq)) this.#forms.set(ref.seq, decodeJsonBody('schema', await log.fetch(writes, ref)).table);
    if (entry.header.part === 1) this.#frames.reset();
    for (const frame of this.#frames.push(entry.body)) {
      const form = this.#forms.get(frame.schemaSeq);
      if (form === undefined)
        throw new ChangeoverError('LOG_CORRUPT', `a frame refers to schema ${String(frame.schemaSeq)}, which its record does not name`);
      const watched = this.#watched.get(tableName(form));
      if (watched !== undefined) await this.#touch(watched, form, frame);
    }
  }

  async #touch({ table, ids, keys, places }: Watched, form: TableSchema, frame: Frame): Promise<void> {
    const name = tableName(table);
    const columns = keys.columns.map((key) => form.columns.findIndex((column) => column.name === key.name));
    if (frame.op === 't' || columns.includes(-1)) {
      this.#emptied.add(name);
      return;
    }
    const touched = this.#touched.get(name) ?? new Set<string>();
    this.#touched.set(name, touched);
    const lines = await this.#options.snapshot.asCompared(keys, fieldsOf(frame.rows, form.columns.length, columns));
    for (const { key } of places.of(lines)) {
      const id = idOf(lines, key);
      if (ids.has(id)) touched.add(id);
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
