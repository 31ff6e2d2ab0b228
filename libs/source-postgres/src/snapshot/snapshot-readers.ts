import { ChangeoverError, type Clock } from '@changeover/core';
import type { TableSchema } from '@changeover/events';
import pg from 'pg';
import { to as copyTo, type CopyToStreamQuery } from 'pg-copy-streams';

import { destroySession, openSession, type SessionOptions } from '../session.js';
import { sourceError } from '../source-error.js';
import { inTime } from './in-time.js';
import { PLAN_ONCE, prepared } from './prepared.js';
import { lockError, lockTables } from './table-lock.js';
import { isOneOfKeys, KEYS, keyList, keysJson, layoutOf, selectRows, type Layout } from './table-layout.js';
import { wholeLines } from './whole-lines.js';

/** `vouch` rejects unless the snapshot's locks have been held until now. */
export type SharedSnapshot = { readonly name: string; readonly vouch: () => Promise<void> };

/** A session that reads, and the rows on their way. */
type Reading = { readonly client: pg.Client; copy: CopyToStreamQuery | null };

const MOST_READERS = 3;
const PIECE_BYTES = 64 * 1024;

/** In the order of the key by its index: the rows come at once, and the source need not keep all of them aside to sort them. */
const BY_INDEX = 'SET enable_sort = off';

/**
 * Reads a table's rows in a snapshot that another session keeps, over sessions of its own: a few at a time, opened when they are needed. Between two tables
 * they hold nothing.
 */
export class SnapshotReaders {
  readonly #session: SessionOptions;
  readonly #clock: Clock;
  readonly #idle = new Set<pg.Client>();
  readonly #readings = new Set<Reading>();
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #closed = false;

  constructor(session: SessionOptions, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /** The rows, or those of these keys. SOURCE_LOCKED where somebody waits for the table: behind him we would wait for ourselves. */
  async *read(table: TableSchema, snapshot: SharedSnapshot, keys?: Buffer): AsyncGenerator<Buffer, void, undefined> {
    const reading = await this.#take();
    let ended = false;
    try {
      reading.copy = await this.#copy(reading.client, await this.#begin(reading.client, table, snapshot), table, keys);
      yield* wholeLines(reading.copy, PIECE_BYTES);
      await inTime(reading.client, this.#clock, reading.client.query('COMMIT'));
      ended = true;
    } catch (error) {
      throw this.#closed ? letGo(error) : lockError(error);
    } finally {
      this.#giveBack(reading, ended);
    }
  }

  /** Ends what is being read: it rejects. */
  close(): void {
    this.#closed = true;
    for (const { client, copy } of this.#readings) {
      copy?.destroy(letGo());
      destroySession(client);
    }
    for (const client of this.#idle) destroySession(client);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** How many there are. */
  async count(table: TableSchema, snapshot: SharedSnapshot): Promise<number> {
    const reading = await this.#take();
    let ended = false;
    try {
      const layout = await this.#begin(reading.client, table, snapshot);
      // It may take long: nobody but the server knows whether it is under way.
      const { rows } = await reading.client.query<{ rows: string }>(
        `SELECT count(*) AS rows FROM (${selectRows(table, layout, table, '')}) t`,
      );
      await inTime(reading.client, this.#clock, reading.client.query('COMMIT'));
      ended = true;
      return Number(rows[0]?.rows);
    } catch (error) {
      throw this.#closed ? letGo(error) : lockError(error);
    } finally {
      this.#giveBack(reading, ended);
    }
  }

  async #begin(client: pg.Client, table: TableSchema, { name, vouch }: SharedSnapshot): Promise<Layout> {
    const begin = [
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
      `SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(name)}`,
      ...lockTables([table]),
    ];
    try {
      await inTime(client, this.#clock, client.query(begin.join('; ')));
    } catch (error) {
      // A snapshot that is no more has no name either: that is what is to be said then.
      await vouch();
      throw error;
    }
    // Behind our own lock: from the snapshot's to ours the table was always locked.
    await vouch();
    return inTime(client, this.#clock, layoutOf(table, prepared(client)));
  }

  async #copy(client: pg.Client, layout: Layout, table: TableSchema, keys?: Buffer): Promise<CopyToStreamQuery> {
    const order = layout.keys.length === 0 ? '' : `ORDER BY ${keyList(layout.keys)}`;
    // COPY takes no parameters, but it may read a setting.
    if (keys !== undefined) await inTime(client, this.#clock, client.query(`SELECT set_config('${KEYS}', $1, true)`, [keysJson(keys)]));
    const which = keys === undefined ? order : `WHERE ${isOneOfKeys(layout.keys, table)}`;
    const copy = client.query(copyTo(`COPY (${selectRows(table, layout, table, which)}) TO STDOUT`));
    // Whoever reads it hears of it; who has stopped reading need not.
    copy.on('error', () => undefined);
    return copy;
  }

  async #take(): Promise<Reading> {
    while (this.#taken >= MOST_READERS && !this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#taken++;
    try {
      const client = this.#reuse() ?? (await this.#open());
      const reading = { client, copy: null };
      this.#readings.add(reading);
      if (!this.#closed) return reading;
      this.#readings.delete(reading);
      destroySession(client);
      throw letGo();
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  #reuse(): pg.Client | undefined {
    const [client] = this.#idle;
    if (client !== undefined) this.#idle.delete(client);
    return client;
  }

  async #open(): Promise<pg.Client> {
    const client = await openSession(this.#session);
    client.once('end', () => this.#idle.delete(client));
    try {
      await inTime(client, this.#clock, client.query(`${PLAN_ONCE}; ${BY_INDEX}`));
      return client;
    } catch (error) {
      destroySession(client);
      throw sourceError(error, 'sql');
    }
  }

  /** Not `ended`: the source still sends the rest, or the session failed. */
  #giveBack(reading: Reading, ended: boolean): void {
    this.#readings.delete(reading);
    if (ended && !this.#closed) this.#idle.add(reading.client);
    else destroySession(reading.client);
    this.#free();
  }

  #free(): void {
    this.#taken--;
    this.#waiting.shift()?.();
  }
}

function letGo(cause?: unknown): ChangeoverError {
  return new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go', { cause });
}
