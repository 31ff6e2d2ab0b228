import { keyText, scanLine, type Frame, type Line, type SchemaLookup, type TableSchema } from '@changeover/events';

import { parentsFirst } from './apply/table-order.js';
import type { TargetTable } from './catalogue/target-table.js';
import type { Connection } from './connection.js';
import { checkCreated, NetChanges } from './net/net-changes.js';
import { addressingOf, keyColumns, tableId, type NetRow, type Segment } from './net/net-row.js';
import { segmentsOf } from './net/segments.js';
import { entriesPerSlice, Extent, frameOf, lineFrom, STAGED_TABLE, StagedWriter, type StagedEntry } from './staged-entries.js';

/** `whole`: it has entries that are whole frames. */
type StagedTable = { readonly schema: TableSchema; readonly ops: Set<Frame['op']>; readonly extent: Extent; whole: boolean };

/** Which net rows of a slice are applied in a pass. */
type Pass = { readonly tab: number; readonly kind: NetRow['kind'] };

/**
 * The rows of one record that is too large for memory, in a temporary table of the session, and the way back from there in slices.
 *
 * Usually slices come sorted by key, so that each holds all that happened to its rows and nets like a batch, in passes over the tables: inserts parents
 * first, updates, deletes children first. Where keys move, tables are truncated or have no key, they come in the order of the record.
 *
 * Frames of a table to which the record only adds rows stay whole ({@link segmentsOf}). If something else happens to the table later in the record, they
 * are broken up into rows, to be sorted with the others.
 */
export class Staging {
  readonly #connection: Connection;
  readonly #copyFromRows: number;
  readonly #writer = new StagedWriter();
  readonly #tables: StagedTable[] = [];
  readonly #places = new Map<TableSchema, number>();
  /** Of all rows, also those inside of whole frames. */
  #nextOrdinal = 0;
  #inOrderOnly = false;

  constructor(connection: Connection, copyFromRows: number) {
    this.#connection = connection;
    this.#copyFromRows = copyFromRows;
  }

  get isEmpty(): boolean {
    return this.#tables.length === 0;
  }

  get schemas(): readonly TableSchema[] {
    return this.#tables.map(({ schema }) => schema);
  }

  /** Whether only the order of the record will do. */
  get inOrderOnly(): boolean {
    return this.#inOrderOnly;
  }

  async add(frames: readonly Frame[], schemas: SchemaLookup): Promise<void> {
    if (this.isEmpty) await this.#create();
    for (const frame of frames) this.#add(frame, schemas(frame.schemaSeq));
    await this.#flush();
  }

  async discard(): Promise<void> {
    if (this.isEmpty) return;
    this.#nextOrdinal = 0;
    this.#inOrderOnly = false;
    this.#tables.length = 0;
    this.#places.clear();
    if (!this.#connection.lost) await this.#connection.query(`DROP TABLE IF EXISTS ${STAGED_TABLE}`);
  }

  /** Makes the record ready for {@link slices}, once it is complete. Outside of a transaction. */
  async prepare(): Promise<void> {
    if (this.#inOrderOnly) return;
    for (const [tab, { whole, ops }] of this.#tables.entries()) if (whole && ops.size > 1) await this.#breakUp(tab);
  }

  /** The record's rows as segments, a slice at a time. Inside a transaction. */
  slices(seq: number, tables: ReadonlyMap<string, TargetTable>, inOrder: boolean): AsyncGenerator<readonly Segment[]> {
    return inOrder ? this.#inOrder(seq) : this.#inPasses(seq, tables);
  }

  async *#inOrder(seq: number): AsyncGenerator<readonly Segment[]> {
    const extent = Extent.ofAll(this.#tables.map((table) => table.extent));
    for await (const entries of this.#read('ORDER BY ord', extent, () => true)) yield this.#net(seq, entries).segments();
  }

  async *#inPasses(seq: number, tables: ReadonlyMap<string, TargetTable>): AsyncGenerator<readonly Segment[]> {
    for (const { tab, kind } of this.#passes(tables)) {
      const { ops, extent, schema, whole } = this.#tables[tab] as StagedTable;
      // With one kind of operation there is nothing to bring together.
      const sorted = ops.size > 1;
      const order = sorted ? 'ORDER BY key COLLATE "C", ord' : 'ORDER BY ord';
      const mayCut = sorted ? (last: StagedEntry, next: StagedEntry): boolean => last.key !== next.key : (): boolean => true;
      for await (const entries of this.#read(`WHERE tab = ${String(tab)} ${order}`, extent, mayCut)) {
        if (whole) {
          const placed = entries.map((entry) => ({ seq, schema, frame: frameOf(entry) }));
          yield segmentsOf(placed, this.#copyFromRows);
          continue;
        }
        yield this.#net(seq, entries)
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

  #net(seq: number, entries: readonly StagedEntry[]): NetChanges {
    const net = new NetChanges();
    for (const entry of entries) {
      const { schema } = this.#tables[entry.tab] as StagedTable;
      if (entry.op === 't') net.truncate(schema);
      else if (entry.whole !== null) net.addFrame(seq, schema, frameOf(entry));
      else net.addRow(seq, schema, entry.op, lineFrom(entry.before), lineFrom(entry.after));
    }
    return net;
  }

  /** Entries by a cursor, in bounded slices that end only where `mayCut`. */
  async *#read(rest: string, extent: Extent, mayCut: (last: StagedEntry, next: StagedEntry) => boolean): AsyncGenerator<StagedEntry[]> {
    const count = entriesPerSlice(extent);
    await this.#connection.query(
      `DECLARE changeover_staged NO SCROLL CURSOR FOR SELECT ord::float8, tab, op, whole, key, before, after FROM ${STAGED_TABLE} ${rest}`,
    );
    let slice: StagedEntry[] = [];
    for (;;) {
      const entries = await this.#connection.query<StagedEntry>(`FETCH ${String(count)} FROM changeover_staged`);
      for (const entry of entries) {
        const last = slice.at(-1);
        if (last !== undefined && slice.length >= count && mayCut(last, entry)) {
          yield slice;
          slice = [];
        }
        slice.push(entry);
      }
      if (entries.length < count) break;
    }
    if (slice.length > 0) yield slice;
    await this.#connection.query('CLOSE changeover_staged');
  }

  async #create(): Promise<void> {
    // Frames are large and not worth packing for so short a time.
    await this.#connection.query(
      `CREATE TEMP TABLE IF NOT EXISTS changeover_staged (ord bigint NOT NULL, tab integer NOT NULL, op "char" NOT NULL, whole integer, key text NOT NULL,
         before text, after text);
       ALTER TABLE ${STAGED_TABLE} ALTER COLUMN after SET STORAGE EXTERNAL; TRUNCATE ${STAGED_TABLE}`,
    );
  }

  async #flush(): Promise<void> {
    if (this.#writer.length > 0) await this.#connection.copyIn(`COPY ${STAGED_TABLE} FROM STDIN`, [this.#writer.take()]);
  }

  #add(frame: Frame, schema: TableSchema): void {
    checkCreated(schema, frame);
    const tab = this.#place(schema);
    const table = this.#tables[tab] as StagedTable;
    table.ops.add(frame.op);
    if (frame.op === 't' || addressingOf(schema) !== 'key') this.#inOrderOnly = true;
    const isOnlyCreated = table.ops.size === 1 && (frame.op === 'c' || frame.op === 'r');
    if (frame.op === 't') this.#writer.truncate({ ord: this.#nextOrdinal++, tab }, table.extent);
    else if (isOnlyCreated) {
      table.whole = true;
      this.#writer.frame({ ord: this.#nextOrdinal, tab }, frame, table.extent);
      this.#nextOrdinal += frame.rowCount;
    } else this.#nextOrdinal = this.#addRows(tab, frame, this.#nextOrdinal);
  }

  /** Gives the ordinal behind the last. */
  #addRows(tab: number, frame: Frame, first: number): number {
    const { schema, extent } = this.#tables[tab] as StagedTable;
    const keys = addressingOf(schema) === 'key' ? keyColumns(schema) : [];
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
      this.#writer.row({ ord: first + row, tab }, { op: frame.op, key: from ?? to ?? '', before, after }, extent);
    }
    return first + frame.rowCount;
  }

  /** Puts rows in the place of the table's whole frames. */
  async #breakUp(tab: number): Promise<void> {
    const table = this.#tables[tab] as StagedTable;
    const whole = `tab = ${String(tab)} AND whole IS NOT NULL`;
    const extent = table.extent.take();
    await this.#connection.query('BEGIN');
    for await (const entries of this.#read(`WHERE ${whole} ORDER BY ord`, extent, () => true)) {
      for (const entry of entries) this.#addRows(tab, frameOf(entry), entry.ord);
      await this.#flush();
    }
    await this.#connection.query(`DELETE FROM ${STAGED_TABLE} WHERE ${whole}; COMMIT`);
    table.whole = false;
  }

  #place(schema: TableSchema): number {
    const known = this.#places.get(schema);
    if (known !== undefined) return known;
    let place = this.#tables.findIndex((table) => table.schema.hash === schema.hash && tableId(table.schema) === tableId(schema));
    if (place === -1) {
      // Two forms of one table in one record: only its order tells which row has which.
      if (this.#tables.some((table) => tableId(table.schema) === tableId(schema))) this.#inOrderOnly = true;
      place = this.#tables.push({ schema, ops: new Set(), extent: new Extent(), whole: false }) - 1;
    }
    this.#places.set(schema, place);
    return place;
  }
}
