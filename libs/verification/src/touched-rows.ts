import type { ChangeoverError } from '@changeover/core';
import {
  CopyTextWriter,
  scanLine,
  tableName,
  tableSchemaHash,
  type EventLog,
  type Frame,
  type ReadPosition,
  type StreamName,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';

import { shapeOf } from './compare-table.js';
import { notFollowing } from './followed-changes.js';
import { idOf, KeyPlaces } from './row-sums.js';
import { StreamFrames } from './stream-frames.js';

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
  /** The most that are remembered; left out: as many as are watched. */
  readonly most?: number;
  /** What it means that there are more; left out: NOT_FOLLOWING. */
  readonly tooMany?: () => ChangeoverError;
};

/**
 * Which rows of some tables the records of a stream touch from a place on: by their keys before and behind each change. Of what is read only the rows that are watched are
 * remembered. Where a table is emptied, copied, or told in another form, all of its rows count.
 */
export class TouchedRows {
  readonly #options: TouchedRowsOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  readonly #frames: StreamFrames;
  /** `schema.table`, and a row's id. */
  readonly #touched = new Map<string, Set<string>>();
  readonly #whole = new Set<string>();
  readonly #net = new Map<string, number>();
  #hasDecisions = false;
  #room: number;

  constructor(options: TouchedRowsOptions) {
    this.#options = options;
    this.#room = options.most ?? Infinity;
    this.#frames = new StreamFrames(options);
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
    if (this.#frames.hasGoneBack || this.#whole.has(name)) return 'all';
    return this.#touched.get(name) ?? new Set();
  }

  /** How many rows of the table came, less those that went: watched or not. */
  net(table: TableSchema): number {
    return this.#net.get(tableName(table)) ?? 0;
  }

  /** Whether there were corrections, rows of the target that were recorded, or another mapping: then other rows come of rows that none has touched. */
  get hasDecisions(): boolean {
    return this.#hasDecisions;
  }

  /** Reads on up to this record, which the stream holds. */
  async readTo(end: Pick<ReadPosition, 'logId' | 'seq'>, signal: AbortSignal): Promise<void> {
    for await (const step of this.#frames.to(end, signal)) {
      if (step.what === 'decision') this.#hasDecisions = true;
      if (step.what === 'form') this.#whole.add(tableName(step.form));
      if (step.what !== 'frame') continue;
      const watched = this.#watched.get(tableName(step.form));
      if (step.chunk) this.#whole.add(tableName(step.form));
      else if (watched !== undefined) await this.#touch(watched, step.form, step.frame);
    }
  }

  async #touch({ table, ids, keys, places }: Watched, form: TableSchema, frame: Frame): Promise<void> {
    const name = tableName(table);
    const columns = keys.columns.map((key) => form.columns.findIndex((column) => column.name === key.name));
    if (frame.op === 't' || columns.includes(-1)) {
      this.#whole.add(name);
      return;
    }
    const change = frame.op === 'c' ? frame.rowCount : frame.op === 'd' ? -frame.rowCount : 0;
    this.#net.set(name, (this.#net.get(name) ?? 0) + change);
    const touched = this.#touched.get(name) ?? new Set<string>();
    this.#touched.set(name, touched);
    const told = fieldsOf(frame.rows, form.columns.length, columns);
    const lines = (await this.#options.asCompared?.(keys, told)) ?? told;
    for (const { key } of places.of(lines)) {
      const id = idOf(lines, key);
      if ((ids !== null && !ids.has(id)) || touched.has(id)) continue;
      if (this.#room-- <= 0) throw this.#options.tooMany?.() ?? notFollowing('very much is being written at the source');
      touched.add(id);
    }
  }
}

/** The columns of its key as a form of their own. */
export function keysOf(table: TableSchema): { readonly keys: TableSchema; readonly places: KeyPlaces } {
  const form = { schema: table.schema, table: table.table, columns: table.columns.filter(({ key }) => key), identity: table.identity };
  const keys: TableSchema = { ...form, hash: tableSchemaHash(form) };
  return { keys, places: new KeyPlaces(shapeOf(keys)) };
}

/** Some fields of each line, in this order. */
export function fieldsOf(lines: Buffer, width: number, columns: readonly number[]): Buffer {
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
