import { ChangeoverError, invariant, SystemClock, type Clock } from '@changeover/core';
import { SourceSnapshots, type SourceSnapshot, type TableSchema } from '@changeover/events';

import type { SessionOptions } from '../session.js';
import { sourceConfig, type PostgresSourceSettings } from '../settings.js';
import { SnapshotKeeper, type KeptSnapshot } from './snapshot-keeper.js';
import { SnapshotReaders, type SharedSnapshot } from './snapshot-readers.js';

/**
 * Snapshots of a PostgreSQL database, 14 to 18; four sessions each, at most. As long as one is held its tables cannot be altered, truncated or vacuumed in
 * full, and who tries waits, with all who come behind him: {@link SourceSnapshot.rows} says SOURCE_LOCKED then, and whoever hears that should let go.
 */
export class PostgresSourceSnapshots extends SourceSnapshots {
  readonly #session: SessionOptions;
  readonly #clock: Clock;
  readonly #open = new Set<PostgresSnapshot>();
  #stopped = false;

  /** BAD_SETTINGS if the settings do not fit. Connects when a snapshot is opened. */
  constructor(settings: PostgresSourceSettings, clock: Clock = new SystemClock()) {
    super();
    this.#session = { url: sourceConfig(settings).url, applicationName: `changeover-${settings.migration}-snapshot` };
    this.#clock = clock;
  }

  async open(): Promise<SourceSnapshot> {
    if (this.#stopped) throw new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go');
    const snapshot = new PostgresSnapshot(this.#session, this.#clock, () => this.#open.delete(snapshot));
    this.#open.add(snapshot);
    try {
      await snapshot.connect();
      return snapshot;
    } catch (error) {
      await snapshot[Symbol.asyncDispose]();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(Array.from(this.#open, (snapshot) => snapshot[Symbol.asyncDispose]()));
  }
}

/** How often it is looked whether somebody waits for what is being read. */
const LOOK_MS = 1_000;

class PostgresSnapshot implements SourceSnapshot {
  readonly #keeper: SnapshotKeeper;
  readonly #readers: SnapshotReaders;
  readonly #clock: Clock;
  readonly #onDisposed: () => void;
  #kept: KeptSnapshot | null = null;

  constructor(session: SessionOptions, clock: Clock, onDisposed: () => void) {
    this.#keeper = new SnapshotKeeper(session, clock);
    this.#readers = new SnapshotReaders(session, clock);
    this.#clock = clock;
    this.#onDisposed = onDisposed;
  }

  connect(): Promise<void> {
    return this.#keeper.connect();
  }

  async take(tables: readonly TableSchema[]): Promise<'taken' | 'moved'> {
    this.#kept = null;
    this.#kept = await this.#keeper.take(tables);
    return this.#kept === null ? 'moved' : 'taken';
  }

  shows(txId: string): boolean {
    return this.#taken.visibility.sees(txId);
  }

  rows(table: TableSchema): AsyncGenerator<Buffer, void, undefined> {
    return this.#read(table);
  }

  find(table: TableSchema, keys: Buffer): AsyncGenerator<Buffer, void, undefined> {
    return this.#read(table, keys);
  }

  async count(table: TableSchema): Promise<number> {
    return this.#readers.count(table, this.#shared(table));
  }

  async *#read(table: TableSchema, keys?: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const shared = this.#shared(table);
    try {
      let looked = this.#clock.monotonic();
      for await (const lines of this.#readers.read(table, shared, keys)) {
        yield lines;
        if (this.#clock.monotonic() - looked < LOOK_MS) continue;
        await this.#keeper.requireNobodyWaits();
        looked = this.#clock.monotonic();
      }
    } catch (error) {
      if (error instanceof ChangeoverError && error.code === 'SOURCE_LOCKED') this.#keeper.renewLocks();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#kept = null;
    this.#readers.close();
    this.#keeper.close();
    this.#onDisposed();
    return Promise.resolve();
  }

  #shared({ hash }: TableSchema): SharedSnapshot {
    const kept = this.#taken;
    invariant(kept.locks.forms.has(hash), 'rows are read of tables of which the snapshot was taken');
    return { name: kept.name, vouch: () => this.#keeper.vouchFor(kept) };
  }

  get #taken(): KeptSnapshot {
    invariant(this.#kept !== null, 'a snapshot is asked only when it was taken');
    return this.#kept;
  }
}
