import { setImmediate } from 'node:timers/promises';

import { openDatabase, type StateDatabase } from '../database.js';

/** How much there is in the tables of a folder, seen from outside while others write. */
export class JournalWatch implements AsyncDisposable {
  readonly #database: StateDatabase;

  constructor(path: string) {
    this.#database = openDatabase(path, { readOnly: true });
  }

  get records(): number {
    this.#database.root.resetReadTxn();
    for (const key of this.#database.undo.getKeys({ reverse: true, limit: 1 })) return key.readUInt32BE();
    return 0;
  }

  /** Members of all sets. */
  get members(): number {
    this.#database.root.resetReadTxn();
    return (this.#database.members.getStats() as { readonly entryCount: number }).entryCount;
  }

  /** Resolves with another number than `from` when there is one, or with `from` when `until` has ended. */
  async changed(what: 'records' | 'members', from: number, until: Promise<unknown> = new Promise(() => undefined)): Promise<number> {
    let ended = false;
    void until.finally(() => (ended = true)).catch(() => undefined);
    let count = this[what];
    for (; count === from && !ended; count = this[what]) await setImmediate();
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.root.close();
  }
}
