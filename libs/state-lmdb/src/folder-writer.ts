import { ABORT, TransactionFlags } from 'lmdb';

import { formatOf, type StateDatabase } from './database.js';
import { entryKeysUnder, memberKeysUnder } from './keys-under.js';
import { isReplaced } from './numbered-folders.js';
import { lastChanges, unpackChanges } from './packed-changes.js';
import type { WriteTask } from './state-process.js';
import { makeChange, UndoJournal } from './undo-journal.js';

/** Keys that are removed in one transaction: it takes some milliseconds, and others get their turn. */
const FORGOTTEN_KEYS = 10_000;

/** Visible when it returns, and synced: with `overlappingSync` LMDB lets the lock go before it syncs. */
const COMMIT = (TransactionFlags.SYNCHRONOUS_COMMIT | TransactionFlags.NO_SYNC_FLUSH) as TransactionFlags;

/** Writes to a folder as long as it is ours. A method that gives false says that we are not the owner any more. */
export class FolderWriter {
  readonly #task: WriteTask;
  readonly #database: StateDatabase;
  readonly #journal: UndoJournal;

  constructor(task: WriteTask, database: StateDatabase) {
    this.#task = task;
    this.#database = database;
    this.#journal = new UndoJournal(database);
  }

  /** Makes us the owner; what an owner before commits from then on is refused. Says how its predecessor left the folder. */
  claim(): 'closed' | 'not closed' | 'damaged' | 'other format' {
    const { root, facts } = this.#database;
    return root.transactionSync(() => {
      const format = facts.get('format');
      if (format === undefined) return 'damaged';
      if (!format.equals(formatOf(this.#task.name))) return 'other format';
      const closed = facts.get('closed') !== undefined;
      facts.putSync('owner', Buffer.from(this.#task.owner));
      facts.removeSync('closed');
      return closed ? 'closed' : 'not closed';
    }, COMMIT);
  }

  /** In transactions of a bounded size, each with what undoes it. */
  spill(pieces: readonly Buffer[]): boolean {
    const changes = lastChanges(pieces);
    return this.#inTurns(() => this.#journal.change(changes));
  }

  /** Leads back to the last commit. If we die on the way, the next one goes on. */
  discard(): boolean {
    return this.#inTurns(() => this.#journal.undo());
  }

  /** Together with everything that was spilled. */
  commit(pieces: readonly Buffer[], place: Buffer): boolean {
    return this.#transact((database) => {
      for (const piece of pieces) for (const change of unpackChanges(piece)) makeChange(database, change);
      this.#journal.forget();
      database.facts.putSync('place', place);
    });
  }

  /** Entries and members of sets that begin so, in one transaction of a bounded size. `more`: there may be others. */
  forget(prefix: Buffer): { readonly isOurs: boolean; readonly more: boolean } {
    let more = false;
    const isOurs = this.#transact(({ entries, members }) => {
      let left = FORGOTTEN_KEYS;
      for (const [table, keys] of [
        [entries, entryKeysUnder(this.#database, prefix, left)],
        [members, memberKeysUnder(this.#database, prefix, left)],
      ] as const) {
        for (const key of [...keys].slice(0, left)) {
          table.removeSync(key);
          left--;
        }
      }
      more = left === 0;
    });
    return { isOurs, more };
  }

  clear(): boolean {
    return this.#transact(({ facts, entries, members }) => {
      entries.clearSync();
      members.clearSync();
      this.#journal.forget();
      facts.removeSync('place');
    });
  }

  close(): boolean {
    return this.#transact(({ facts }) => {
      facts.putSync('closed', Buffer.alloc(0));
    });
  }

  /** Takes a step after the other, each in a transaction of its own, until one says that there is no more. */
  #inTurns(step: () => boolean): boolean {
    for (let more = true; more;) {
      const isOurs = this.#transact(() => {
        more = step();
      });
      if (!isOurs) return false;
    }
    return true;
  }

  #transact(change: (database: StateDatabase) => void): boolean {
    const { base, number, owner } = this.#task;
    const result = this.#database.root.transactionSync<unknown>(() => {
      const isOurs = this.#database.facts.get('owner')?.toString() === owner && !isReplaced(base, number);
      if (!isOurs) return ABORT;
      change(this.#database);
      return true;
    }, COMMIT);
    // Whoever replaces the folder looks at it after it has said so: what was committed before that is seen there.
    return result === true && !isReplaced(base, number);
  }
}
