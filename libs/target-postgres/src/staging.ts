import { CopyTextWriter, keyText, lineOf, scanLine, type Frame, type Line, type SchemaLookup, type TableSchema } from '@changeover/events';

import { parentsFirst } from './apply/table-order.js';
import type { TargetTable } from './catalogue/target-table.js';
import type { Connection } from './connection.js';
import { checkCreated, NetChanges } from './net/net-changes.js';
import { addressingOf, keyColumns, tableId, type NetRow, type Segment } from './net/net-row.js';

const TABLE = 'pg_temp.changeover_staged';
/** A slice is what the client holds at once. */
const SLICE_ROWS = 5000;
const SLICE_BYTES = 4 * 1024 * 1024;
/** What a slice may come to if it happens to hold only the largest rows. */
const WORST_SLICE_BYTES = 32 * 1024 * 1024;

type StagedTable = { readonly schema: TableSchema; readonly ops: Set<Frame['op']> };
type StagedRow = { tab: number; op: Frame['op']; key: string; before: string | null; after: string | null };

/** Which net rows of a slice are applied in a pass. */
type Pass = { readonly tab: number; readonly kind: NetRow['kind'] };

/**
 * The rows of one record that is too large for memory, in a temporary table of the session, and the way back from there in slices.
 *
 * Usually slices come sorted by key, so that each holds all that happened to its rows and nets like a batch, in passes over the tables: inserts parents
 * first, updates, deletes children first. Where keys move, tables are truncated or have no key, they come in the order of the record.
 */
export class Staging {
  readonly #connection: Connection;
  readonly #writer = new CopyTextWriter(1024 * 1024);
  readonly #tables: StagedTable[] = [];
  readonly #places = new Map<TableSchema, number>();
  #rows = 0;
  #bytes = 0;
  #largestRow = 0;
  #inOrderOnly = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  get schemas(): readonly TableSchema[] {
    return this.#tables.map(({ schema }) => schema);
  }

  /** Whether only the order of the record will do. */
  get inOrderOnly(): boolean {
    return this.#inOrderOnly;
  }

  async add(frames: readonly Frame[], schemas: SchemaLookup): Promise<void> {
    if (this.#rows === 0) await this.#create();
    for (const frame of frames) this.#write(frame, schemas(frame.schemaSeq));
    if (this.#writer.length > 0) await this.#connection.copyIn(`COPY ${TABLE} FROM STDIN`, [this.#writer.take()]);
  }

  async discard(): Promise<void> {
    if (this.#rows === 0) return;
    this.#rows = this.#bytes = this.#largestRow = 0;
    this.#inOrderOnly = false;
    this.#tables.length = 0;
    this.#places.clear();
    if (!this.#connection.lost) await this.#connection.query(`DROP TABLE IF EXISTS ${TABLE}`);
  }

  /** The record's rows as segments, a slice at a time. Inside a transaction. */
  slices(seq: number, tables: ReadonlyMap<string, TargetTable>, inOrder: boolean): AsyncGenerator<readonly Segment[]> {
    return inOrder ? this.#inOrder(seq) : this.#inPasses(seq, tables);
  }

  async *#inOrder(seq: number): AsyncGenerator<readonly Segment[]> {
    for await (const rows of this.#read('ORDER BY ord', () => true)) yield this.#net(seq, rows).segments();
  }

  async *#inPasses(seq: number, tables: ReadonlyMap<string, TargetTable>): AsyncGenerator<readonly Segment[]> {
    for (const { tab, kind } of this.#passes(tables)) {
      // With one kind of operation there is nothing to bring together.
      const sorted = (this.#tables[tab] as StagedTable).ops.size > 1;
      const order = sorted ? 'ORDER BY key COLLATE "C", ord' : 'ORDER BY ord';
      const mayCut = sorted ? (last: StagedRow, next: StagedRow): boolean => last.key !== next.key : (): boolean => true;
      for await (const rows of this.#read(`WHERE tab = ${String(tab)} ${order}`, mayCut)) {
        yield this.#net(seq, rows)
          .segments()
          .map(({ truncated, changes }) => ({
            truncated,
            changes: changes.map((change) => ({ ...change, rows: change.rows.filter((row) => row.kind === kind) })),
          }));
      }
    }
  }

  #passes(tables: ReadonlyMap<string, TargetTable>): Pass[] {
    const ranks = parentsFirst(
      this.#tables.map(({ schema }) => tableId(schema)),
      tables,
    );
    const order = this.#tables
      .map((_, tab) => tab)
      .sort((a, b) => (ranks.get(this.#idOf(a)) as number) - (ranks.get(this.#idOf(b)) as number));
    const having = (kind: NetRow['kind'], ...ops: readonly Frame['op'][]): Pass[] =>
      order.filter((tab) => ops.some((op) => (this.#tables[tab] as StagedTable).ops.has(op))).map((tab) => ({ tab, kind }));
    // A row that was deleted and made again is an update, so creates may be updates too.
    return [
      ...having('insert', 'c', 'r'),
      ...having('update', 'u', 'd').filter(({ tab }) => this.#mayUpdate(tab)),
      ...having('delete', 'd').reverse(),
    ];
  }

  #mayUpdate(tab: number): boolean {
    const { ops } = this.#tables[tab] as StagedTable;
    return ops.has('u') || (ops.has('d') && (ops.has('c') || ops.has('r')));
  }

  #idOf(tab: number): string {
    return tableId((this.#tables[tab] as StagedTable).schema);
  }

  #net(seq: number, rows: readonly StagedRow[]): NetChanges {
    const net = new NetChanges();
    for (const { tab, op, before, after } of rows) {
      const { schema } = this.#tables[tab] as StagedTable;
      if (op === 't') net.truncate(schema);
      else net.addRow(seq, schema, op, toLine(before), toLine(after));
    }
    return net;
  }

  /** Rows by a cursor, in bounded slices that end only where `mayCut`. */
  async *#read(rest: string, mayCut: (last: StagedRow, next: StagedRow) => boolean): AsyncGenerator<StagedRow[]> {
    const average = this.#bytes / this.#rows;
    const count = Math.max(1, Math.floor(Math.min(SLICE_ROWS, SLICE_BYTES / average, WORST_SLICE_BYTES / this.#largestRow)));
    await this.#connection.query(`DECLARE changeover_staged NO SCROLL CURSOR FOR SELECT tab, op, key, before, after FROM ${TABLE} ${rest}`);
    let slice: StagedRow[] = [];
    for (;;) {
      const rows = await this.#connection.query<StagedRow>(`FETCH ${String(count)} FROM changeover_staged`);
      for (const row of rows) {
        const last = slice.at(-1);
        if (last !== undefined && slice.length >= count && mayCut(last, row)) {
          yield slice;
          slice = [];
        }
        slice.push(row);
      }
      if (rows.length < count) break;
    }
    if (slice.length > 0) yield slice;
    await this.#connection.query('CLOSE changeover_staged');
  }

  async #create(): Promise<void> {
    await this.#connection.query(
      `CREATE TEMP TABLE IF NOT EXISTS changeover_staged (ord bigint NOT NULL, tab integer NOT NULL, op "char" NOT NULL, key text NOT NULL, before text, after text);
       TRUNCATE ${TABLE}`,
    );
  }

  #write(frame: Frame, schema: TableSchema): void {
    checkCreated(schema, frame);
    const tab = this.#place(schema);
    (this.#tables[tab] as StagedTable).ops.add(frame.op);
    if (frame.op === 't') {
      this.#inOrderOnly = true;
      this.#row(tab, 't', '', null, null);
      return;
    }
    const keys = addressingOf(schema) === 'key' ? keyColumns(schema) : [];
    if (keys.length === 0) this.#inOrderOnly = true;
    const columns = schema.columns.length;
    const beforeStarts = new Int32Array(columns + 1);
    const afterStarts = new Int32Array(columns + 1);
    let at = 0;
    const next = (starts: Int32Array): Line => {
      const line = { bytes: frame.rows, start: at, end: scanLine(frame.rows, at, starts).end };
      at = line.end + 1;
      return line;
    };
    for (let row = 0; row < frame.rowCount; row++) {
      const before = frame.before === 'none' ? null : next(beforeStarts);
      const after = frame.op === 'd' ? null : next(afterStarts);
      const from = before === null || keys.length === 0 ? null : keyText(before.bytes, beforeStarts, keys);
      const to = after === null || keys.length === 0 ? null : keyText(after.bytes, afterStarts, keys);
      if (from !== null && to !== null && from !== to) this.#inOrderOnly = true;
      this.#row(tab, frame.op, from ?? to ?? '', before, after);
    }
  }

  /** Lines and keys are escaped once more: to COPY they are values like any other. */
  #row(tab: number, op: Frame['op'], key: string, before: Line | null, after: Line | null): void {
    const writer = this.#writer;
    const start = writer.length;
    const text = Buffer.from(`${String(this.#rows)}\t${String(tab)}\t${op}\t`);
    writer.raw(text, 0, text.length);
    const keyBytes = Buffer.from(key, 'latin1');
    writer.value(keyBytes, 0, keyBytes.length);
    for (const line of [before, after]) {
      writer.tab();
      if (line === null) writer.null();
      else writer.value(line.bytes, line.start, line.end);
    }
    writer.endRow();
    const size = writer.length - start;
    this.#rows += 1;
    this.#bytes += size;
    this.#largestRow = Math.max(this.#largestRow, size);
  }

  #place(schema: TableSchema): number {
    const known = this.#places.get(schema);
    if (known !== undefined) return known;
    let place = this.#tables.findIndex((table) => table.schema.hash === schema.hash && tableId(table.schema) === tableId(schema));
    if (place === -1) {
      // Two forms of one table in one record: only its order tells which row has which.
      if (this.#tables.some((table) => tableId(table.schema) === tableId(schema))) this.#inOrderOnly = true;
      place = this.#tables.push({ schema, ops: new Set() }) - 1;
    }
    this.#places.set(schema, place);
    return place;
  }
}

function toLine(text: string | null): Line | null {
  return text === null ? null : lineOf(Buffer.from(`${text}\n`, 'utf8'));
}
