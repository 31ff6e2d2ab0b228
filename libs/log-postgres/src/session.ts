import { ChangeoverError, type Clock } from '@changeover/core';
import type pg from 'pg';

import { toLogError } from './log-error.js';

type Statement = { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] };

const ignore = (): void => undefined;

/** Clients of the pool that have been told how to behave; a client keeps its settings for life. */
const prepared = new WeakSet<pg.PoolClient>();

/**
 * One connection, ours until released. After an error it is thrown away instead of reused: what the server did, and
 * what is still on the wire, nobody knows.
 */
export class Session {
  readonly #client: pg.PoolClient;
  readonly #clock: Clock;
  #lost: Error | undefined;
  #busy = 0;
  #listening = false;
  #notified = false;
  #released = false;
  #wake: () => void = ignore;

  private constructor(client: pg.PoolClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    client.on('error', this.#onLost);
    client.on('end', this.#onEnd);
  }

  readonly #onNotify = (): void => {
    this.#notified = true;
    this.#wake();
  };

  readonly #onLost = (error: Error): void => {
    this.#lost ??= error;
    this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#onLost(new ChangeoverError('LOG_UNREACHABLE', 'the connection to the log ended'));
  };

  static async open(pool: pg.Pool, clock: Clock): Promise<Session> {
    const client = await pool.connect().catch((error: unknown) => {
      throw toLogError(error, 'connecting to the log');
    });
    const session = new Session(client, clock);
    if (!prepared.has(client)) {
      try {
        // Roles and databases may carry settings of their own; a record counts as stored only when it is flushed.
        await session.query({ text: 'set synchronous_commit = on' });
      } catch (error) {
        session.release();
        throw error;
      }
      prepared.add(client);
    }
    return session;
  }

  async query<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[]> {
    const { rows } = await this.#run<Row>(statement);
    return rows;
  }

  /** How many rows the statement wrote. */
  async count(statement: Statement): Promise<number> {
    const { rowCount } = await this.#run(statement);
    return rowCount ?? 0;
  }

  async #run<Row extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<Row>> {
    this.#busy += 1;
    try {
      return await this.#client.query<Row>(statement as pg.QueryConfig);
    } catch (error) {
      const wrapped = toLogError(error, 'the log');
      this.#lost ??= wrapped;
      throw wrapped;
    } finally {
      this.#busy -= 1;
    }
  }

  /** From now on {@link waitForNotify} returns when somebody notifies on `channel`. */
  async listen(channel: string): Promise<void> {
    this.#listening = true;
    this.#client.on('notification', this.#onNotify);
    await this.query({ text: `listen ${this.#client.escapeIdentifier(channel)}` });
  }

  /** Returns at the first notification since the last call, after `ms`, or when `signal` aborts; throws if the connection is lost. */
  async waitForNotify(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#notified && this.#lost === undefined && !signal.aborted) {
      const turn = new AbortController();
      this.#wake = (): void => {
        turn.abort();
      };
      signal.addEventListener('abort', this.#wake, { once: true });
      await this.#clock.sleep(ms, turn.signal);
      signal.removeEventListener('abort', this.#wake);
      this.#wake = ignore;
    }
    this.#notified = false;
    if (this.#lost !== undefined) throw toLogError(this.#lost, 'the log');
  }

  /** Gives the connection back, or closes it if it is lost, listens, is in the middle of something, or `discard` says so. */
  release(discard = false): void {
    if (this.#released) return;
    this.#released = true;
    this.#client.removeListener('notification', this.#onNotify);
    this.#client.removeListener('end', this.#onEnd);
    this.#client.removeListener('error', this.#onLost);
    this.#client.release(discard || this.#lost !== undefined || this.#busy > 0 || this.#listening);
  }
}
