import { invariant } from '@changeover/core';

import type { StateDatabase } from './database.js';
import { type PackedChange, PackedChanges, unpackChanges } from './packed-changes.js';

const PAGE_BYTES = 4096;

/** A record fills one page, whose header has 16 bytes. For a longer one LMDB must find pages that are free side by side. */
const RECORD_BYTES = PAGE_BYTES - 16;

/** What one transaction may change, about. LMDB keeps the pages that it changes in memory until it ends; each key may lie in another one. */
const TRANSACTION_BYTES = 32 * 2 ** 20;

/**
 * What stood in the place of each spilled change, in records: made from the last record to the first, they lead back to the last commit. Each
 * method is a part of a transaction of the caller's.
 *
 * One record stands behind the other, not by key: to write them costs the same for keys in any order, and nobody has to look whether a key is
 * there already. One that was spilled several times is there several times, and the oldest has the last word; within a spill it is there once.
 */
export class UndoJournal {
  readonly #database: StateDatabase;

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** Makes changes, of each key at most one, as many as fit into one transaction. True: there may be more. */
  change(changes: Iterator<PackedChange>): boolean {
    const undo = new PackedChanges(RECORD_BYTES);
    let next: IteratorResult<PackedChange>;
    let bytes = 0;
    do {
      next = changes.next();
      if (next.done !== true) bytes += this.#changeOne(next.value, undo);
    } while (next.done !== true && bytes < TRANSACTION_BYTES);
    this.#append(undo);
    return next.done !== true;
  }

  /** Undoes the latest changes, as many as fit into one transaction. True: there are more. */
  undo(): boolean {
    const { undo } = this.#database;
    let number = this.#last();
    for (let bytes = 0; number > 0 && bytes < TRANSACTION_BYTES; number--) {
      const record = undo.get(numberKey(number));
      invariant(record !== undefined, `record ${String(number)} of the undo journal is gone`);
      for (const change of unpackChanges(record)) {
        makeChange(this.#database, change);
        bytes += PAGE_BYTES;
      }
      undo.removeSync(numberKey(number));
      bytes += record.length;
    }
    return number > 0;
  }

  forget(): void {
    if (this.#last() > 0) this.#database.undo.clearSync();
  }

  /** Gives about how many bytes LMDB keeps for it. */
  #changeOne(change: PackedChange, undo: PackedChanges): number {
    const before = this.#database[change.table].get(change.key) ?? null;
    undo.add(change.table, change.key, before);
    makeChange(this.#database, change);
    return PAGE_BYTES + change.key.length + (change.value?.length ?? 0) + (before?.length ?? 0);
  }

  #append(changes: PackedChanges): void {
    let number = this.#last();
    for (const record of changes.pieces()) if (record.length > 0) this.#database.undo.putSync(numberKey(++number), record);
  }

  /** Records are numbered from 1 on; 0: there is none. */
  #last(): number {
    for (const key of this.#database.undo.getKeys({ reverse: true, limit: 1 })) return key.readUInt32BE();
    return 0;
  }
}

export function makeChange(database: StateDatabase, { table, key, value }: PackedChange): void {
  if (value === null) database[table].removeSync(key);
  else database[table].putSync(key, value);
}

function numberKey(number: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(number);
  return key;
}
