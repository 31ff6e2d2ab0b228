import { tableName, type CopyProgress, type TableSchema, type TableSize } from '@changeover/events';

import type { ToldSchemas } from '../../told-schemas.js';
import { TableCopy } from './table-copy.js';

type Copies = Readonly<Record<string, CopyProgress>>;

/** The copies that are not finished, as `progress` carries them. */
export class TableCopies {
  readonly #copies = new Map<string, TableCopy>();
  /** Of tables that are captured no longer: nothing follows of them, and nothing that they held may be taken for gone. */
  readonly #left = new Map<string, CopyProgress>();

  static from(copies: Copies, told: ToldSchemas): TableCopies {
    const all = new TableCopies();
    for (const [name, progress] of Object.entries(copies)) {
      if (progress.left === true) all.#left.set(name, progress);
      else all.#copies.set(name, new TableCopy(name, progress, told.latestOf(name)?.hash));
    }
    return all;
  }

  [Symbol.iterator](): Iterator<TableCopy> {
    return this.#copies.values();
  }

  get isEmpty(): boolean {
    return this.#copies.size === 0;
  }

  find(table: Pick<TableSchema, 'schema' | 'table'>): TableCopy | undefined {
    // Asked for with all rows of the stream, and nearly always there is none.
    return this.#copies.size === 0 ? undefined : this.#copies.get(tableName(table));
  }

  /** The table is to be copied, from its first row on; `since` stands before it in the log. */
  begin(table: Pick<TableSchema, 'schema' | 'table'>, since: number, estimate: TableSize | null): TableCopy {
    const name = tableName(table);
    this.#left.delete(name);
    const known = this.#copies.get(name);
    const copy = known ?? new TableCopy(name, newCopy(since, estimate));
    if (known === undefined) this.#copies.set(name, copy);
    else copy.beginAnew(since);
    return copy;
  }

  finish(copy: TableCopy): void {
    this.#copies.delete(copy.name);
  }

  wasLeft(name: string): boolean {
    return this.#left.has(name);
  }

  /** The others are captured no longer. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, copy] of this.#copies) {
      if (names.has(name)) continue;
      this.#left.set(name, { ...copy.toJSON(), left: true });
      this.#copies.delete(name);
    }
  }

  toJSON(): Copies {
    const copies = Array.from(this.#copies, ([name, copy]) => [name, copy.toJSON()] as const);
    return Object.fromEntries([...copies, ...this.#left]);
  }
}

/** Of a table without a key nobody could tell which rows were copied, and which of them a change concerns. */
export function canBeCopied({ columns }: TableSchema): boolean {
  return columns.some(({ key }) => key);
}

export function newCopy(since: number, estimate: TableSize | null): CopyProgress {
  return { since, after: null, again: [], rows: 0, bytes: 0, estimate };
}
