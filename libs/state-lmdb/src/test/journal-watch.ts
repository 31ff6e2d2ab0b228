import { setImmediate } from 'node:timers/promises';

import { openDatabase, type StateDatabase } from '../database.js';

/** How long the undo journal of a folder is, seen from outside while others write. */
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

  /** Resolves with another number than `from` when there is one, or with `from` when `until` has ended. */
  async changed(from: number, until: Promise<unknown> = new Promise(() => undefined)): Promise<number> {
    let ended = false;
    void until.finally(() => (ended = true)).catch(() => undefined);
    let records = this.records;
    for (; records === from && !ended; records = this.records) await setImmediate();
    return records;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.root.close();
  }
}
