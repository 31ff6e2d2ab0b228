import type pg from 'pg';

import { destroySession, openSession, type SessionOptions } from './session.js';
import { sourceError, type Doing } from './source-error.js';

const DEFAULT_TIMEOUT_MS = 15_000;

export type SqlOptions = {
  readonly doing?: Doing;
  /** After it the connection is given up; 0 waits for ever. */
  readonly timeoutMs?: number;
};

/** Asks one session or another. */
export type Query = <Row extends pg.QueryResultRow>(text: string, values: unknown[]) => Promise<Row[]>;

/** One ordinary connection to the source, opened when needed and again after it broke; one statement at a time. */
export class SqlSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  #client: Promise<pg.Client> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The statement's rows. A statement that failed is not tried again: the caller knows whether it may be. */
  query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = [], options: SqlOptions = {}): Promise<Row[]> {
    const run = this.#last.then(() => this.#run<Row>(text, values, options));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await client.then((open) => open.end()).catch(() => undefined);
  }

  async #run<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
    { doing = 'sql', timeoutMs = DEFAULT_TIMEOUT_MS }: SqlOptions,
  ): Promise<Row[]> {
    const client = await this.#opened();
    // pg's own query_timeout leaves the connection in the middle of an answer; a destroyed one is at least known to be useless.
    const timer = timeoutMs === 0 ? undefined : setTimeout(destroySession, timeoutMs, client);
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw sourceError(error, doing);
    } finally {
      clearTimeout(timer);
    }
  }

  #opened(): Promise<pg.Client> {
    this.#client ??= this.#open();
    return this.#client;
  }

  async #open(): Promise<pg.Client> {
    try {
      const client = await openSession(this.#options);
      client.once('end', () => {
        this.#client = undefined;
      });
      return client;
    } catch (error) {
      this.#client = undefined;
      throw error;
    }
  }
}
