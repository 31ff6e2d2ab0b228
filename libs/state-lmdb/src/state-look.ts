import { existsSync } from 'node:fs';

import { ChangeoverError } from '@changeover/core';
import type { StateDraft, StateEntry, StateLook } from '@changeover/events';

import { entriesIn, membersIn } from './committed-state.js';
import { asReadError } from './damage.js';
import { formatOf, openDatabase, type StateDatabase } from './database.js';
import { LmdbStateDraft } from './lmdb-state-draft.js';
import { numberedFolders } from './numbered-folders.js';

/**
 * Looks at the state in the folder beside its owner, from any process of this machine. Null: there is none. Who dies while he looks leaves a mark that LMDB clears away when
 * the next one opens.
 *
 * @throws ChangeoverError STATE_UNAVAILABLE: it cannot be read, or is not of this name or format
 */
export async function lookAtStoredState({ folder, name }: { readonly folder: string; readonly name: string }): Promise<StateLook | null> {
  let database: StateDatabase | null = null;
  try {
    const complete = existsSync(folder) ? numberedFolders(folder).filter((one) => one.complete) : [];
    const [last] = complete.sort((one, other) => other.number - one.number);
    if (last === undefined) return null;
    database = openDatabase(last.path, { readOnly: true });
    const look = new LmdbStateLook(database);
    if (look.format?.equals(formatOf(name)) !== true) {
      await look[Symbol.asyncDispose]();
      throw new ChangeoverError('STATE_UNAVAILABLE', `${last.path} holds no state of ${name} that this program understands`);
    }
    return look;
  } catch (cause) {
    await database?.root.close();
    throw cause instanceof ChangeoverError ? cause : new ChangeoverError('STATE_UNAVAILABLE', `cannot look into ${folder}`, { cause });
  }
}

/** All that is read here is read in one transaction of LMDB, which neither waits for the owner nor keeps him waiting. */
class LmdbStateLook implements StateLook {
  readonly format: Buffer | undefined;
  readonly place: Buffer | null;
  readonly isBetween: boolean;
  readonly #database: StateDatabase;
  readonly #transaction: ReturnType<StateDatabase['root']['useReadTransaction']>;

  constructor(database: StateDatabase) {
    const transaction = database.root.useReadTransaction();
    const read = (name: 'format' | 'place'): Buffer | undefined => {
      const value = database.facts.get(name, { transaction });
      return value === undefined ? undefined : Buffer.from(value);
    };
    this.#database = database;
    this.#transaction = transaction;
    this.format = read('format');
    this.place = read('place') ?? null;
    // A spill leaves what undoes it, until the next commit.
    this.isBetween = [...database.undo.getKeys({ limit: 1, transaction })].length > 0;
  }

  entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry> {
    return entriesIn(this.#database, this.#transaction, prefix, after);
  }

  draft(): StateDraft {
    const [database, transaction] = [this.#database, this.#transaction];
    return new LmdbStateDraft({
      get: (key) => {
        try {
          return database.entries.get(key, { transaction });
        } catch (error) {
          throw asReadError(error);
        }
      },
      members: (set, after) => membersIn(database, transaction, set, after),
      entries: (prefix, after) => entriesIn(database, transaction, prefix, after),
      refresh: () => undefined,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transaction.done();
    await this.#database.root.close();
  }
}
