import type { StateEntry } from '@changeover/events';

import { asReadError } from './damage.js';
import { openDatabase, type StateDatabase } from './database.js';
import { behindPrefix, bytesOf, FIRST_KEY, nextKey, setPrefix } from './keys.js';

/** What is in LMDB, as far as changes can be laid over it. */
export type SeenState = {
  get(key: Buffer): Buffer | undefined;
  members(set: string, after: string | null): Generator<string>;
  entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry>;
  refresh(): void;
};

/** What LMDB holds, read in our own process: it never waits for a writer. */
export class CommittedState implements SeenState, AsyncDisposable {
  readonly #database: StateDatabase;
  /** Iterations under way, each over a snapshot of its own. */
  readonly #readings = new Set<Reading>();

  constructor(path: string) {
    this.#database = openDatabase(path, { readOnly: true });
  }

  get place(): Buffer | null {
    return this.#database.facts.get('place') ?? null;
  }

  get(key: Buffer): Buffer | undefined {
    try {
      return this.#database.entries.get(key);
    } catch (error) {
      throw asReadError(error);
    }
  }

  /** Members behind `after` as long as they are asked for; the reader ends it in the same turn. */
  members(set: string, after: string | null): Generator<string> {
    return membersIn(this.#database, null, set, after);
  }

  *entries(prefix: Uint8Array, after: Uint8Array | null): Generator<StateEntry> {
    const reading = new Reading(this.#database, prefix, after);
    this.#readings.add(reading);
    try {
      for (let entry = reading.next(); entry !== undefined; entry = reading.next()) yield entry;
    } finally {
      this.#readings.delete(reading);
      reading.end();
    }
  }

  /** From here on the latest commit is seen, not the one that this turn of the event loop began with. */
  refresh(): void {
    this.#database.root.resetReadTxn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reading of this.#readings) reading.end();
    await this.#database.root.close();
  }
}

/** One iteration over one snapshot. LMDB itself must never be asked once the snapshot is given back. */
class Reading {
  readonly #snapshot: Snapshot;
  readonly #entries: Iterator<{ readonly key: Buffer; readonly value: Buffer }>;
  #ended = false;

  constructor(database: StateDatabase, prefix: Uint8Array, after: Uint8Array | null) {
    this.#snapshot = database.root.useReadTransaction();
    this.#entries = entriesIn(database, this.#snapshot, prefix, after)[Symbol.iterator]();
  }

  next(): StateEntry | undefined {
    if (this.#ended) return undefined;
    try {
      const step = this.#entries.next();
      return step.done === true ? undefined : step.value;
    } catch (error) {
      throw asReadError(error);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#entries.return?.();
    this.#snapshot.done();
  }
}

type Snapshot = ReturnType<StateDatabase['root']['useReadTransaction']>;

/** In the order of their keys. Asked for no more once the snapshot is given back. */
export function entriesIn(
  { entries }: StateDatabase,
  transaction: Snapshot,
  prefix: Uint8Array,
  after: Uint8Array | null,
): Iterable<{ readonly key: Buffer; readonly value: Buffer }> {
  const end = behindPrefix(prefix);
  return entries.getRange({ start: startOf(prefix, after), ...(end === undefined ? {} : { end }), transaction });
}

/** In their order. Asked for no more once the snapshot is given back; `transaction` null: as this turn of the event loop sees it. */
export function* membersIn({ members }: StateDatabase, transaction: Snapshot | null, set: string, after: string | null): Generator<string> {
  const prefix = setPrefix(set);
  const start = after === null ? bytesOf(prefix) : nextKey(bytesOf(prefix + after));
  const end = behindPrefix(bytesOf(prefix));
  const range = { start, ...(end === undefined ? {} : { end }), ...(transaction === null ? {} : { transaction }) };
  try {
    for (const key of members.getKeys(range)) yield key.toString('latin1', prefix.length);
  } catch (error) {
    throw asReadError(error);
  }
}

function startOf(prefix: Uint8Array, after: Uint8Array | null): Buffer {
  const first = prefix.length === 0 ? FIRST_KEY : Buffer.from(prefix);
  const next = after === null ? first : nextKey(after);
  return Buffer.compare(next, first) > 0 ? next : first;
}
