import { ChangeoverError, invariant } from '@changeover/core';
import { countLines, formatRows, parseRows, SourceSnapshots, tableName, type SourceSnapshot, type TableSchema } from '@changeover/events';

import { keyOf, type Row } from './scripted-tables.js';

type HeldTable = { readonly form: TableSchema; readonly rows: readonly Row[] };

const PIECE_BYTES = 64 * 1024;

/** Snapshots of what a test says that its source holds. What it says later is in those that are taken later. */
export class ScriptedSnapshots extends SourceSnapshots {
  /** The transactions that a snapshot shows, as the stream writes their ids. */
  readonly visible = new Set<string>();
  /** Somebody keeps a table locked against readers. */
  locked = false;
  /** Thrown by whatever is asked. */
  fails: ChangeoverError | null = null;
  /** Called with each {@link SourceSnapshot.take}, before anything is taken. */
  onTake: (tables: readonly TableSchema[]) => void | Promise<void> = () => undefined;
  /** Called with each table that is read, before its first row. */
  onRows: (table: TableSchema) => void | Promise<void> = () => undefined;
  /** Snapshots that were opened and not disposed of. */
  readonly opened = new Set<SourceSnapshot>();
  readonly #tables = new Map<string, HeldTable>();

  /** What the table holds, and the form that it has. */
  set(form: TableSchema, rows: readonly Row[]): void {
    this.#tables.set(tableName(form), { form, rows: [...rows] });
  }

  drop(form: TableSchema): void {
    this.#tables.delete(tableName(form));
  }

  open(): Promise<SourceSnapshot> {
    if (this.fails !== null) return Promise.reject(this.fails);
    const snapshot = new ScriptedSnapshot(this, this.#tables);
    this.opened.add(snapshot);
    return Promise.resolve(snapshot);
  }

  async stop(): Promise<void> {
    for (const snapshot of this.opened) await snapshot[Symbol.asyncDispose]();
  }
}

class ScriptedSnapshot implements SourceSnapshot {
  readonly #source: ScriptedSnapshots;
  readonly #tables: ReadonlyMap<string, HeldTable>;
  #taken: { readonly tables: ReadonlyMap<string, HeldTable>; readonly visible: ReadonlySet<string> } | null = null;

  constructor(source: ScriptedSnapshots, tables: ReadonlyMap<string, HeldTable>) {
    this.#source = source;
    this.#tables = tables;
  }

  async take(tables: readonly TableSchema[]): Promise<'taken' | 'moved'> {
    this.#taken = null;
    await this.#source.onTake(tables);
    this.#answer();
    if (this.#source.locked) throw new ChangeoverError('SOURCE_LOCKED', 'a table of the source is locked against readers');
    if (tables.some((table) => this.#tables.get(tableName(table))?.form.hash !== table.hash)) return 'moved';
    this.#taken = { tables: new Map(this.#tables), visible: new Set(this.#source.visible) };
    return 'taken';
  }

  shows(txId: string): boolean {
    invariant(this.#taken !== null, 'a snapshot is asked only when it was taken');
    return this.#taken.visible.has(txId);
  }

  rows(table: TableSchema): AsyncGenerator<Buffer, void, undefined> {
    return this.#read(table, () => true);
  }

  find(table: TableSchema, keys: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const wanted = new Set(parseRows(keys).map((key) => JSON.stringify(key)));
    const places = table.columns.flatMap(({ key }, place) => (key ? [place] : []));
    return this.#read(table, (row) => wanted.has(JSON.stringify(places.map((place) => row[place] ?? null))));
  }

  async count(table: TableSchema): Promise<number> {
    let rows = 0;
    for await (const lines of this.rows(table)) rows += countLines(lines);
    return rows;
  }

  async *#read(table: TableSchema, isWanted: (row: Row) => boolean): AsyncGenerator<Buffer, void, undefined> {
    invariant(this.#taken !== null, 'a snapshot is asked only when it was taken');
    const held = this.#taken.tables.get(tableName(table));
    invariant(held?.form.hash === table.hash, 'rows are read of tables of which the snapshot was taken');
    await this.#source.onRows(table);
    this.#answer();
    const keyed = held.rows.filter(isWanted).map((row) => [keyOf(table, row), row] as const);
    if (table.columns.some(({ key }) => key)) keyed.sort(([a], [b]) => (a < b ? -1 : 1));
    let lines: Buffer[] = [];
    let bytes = 0;
    for (const [, row] of keyed) {
      const line = formatRows([row]);
      lines.push(line);
      bytes += line.length;
      if (bytes < PIECE_BYTES) continue;
      yield Buffer.concat(lines);
      this.#answer();
      lines = [];
      bytes = 0;
    }
    if (bytes > 0) yield Buffer.concat(lines);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#source.opened.delete(this);
    return Promise.resolve();
  }

  #answer(): void {
    if (this.#source.fails !== null) throw this.#source.fails;
    if (!this.#source.opened.has(this)) throw new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go');
  }
}
