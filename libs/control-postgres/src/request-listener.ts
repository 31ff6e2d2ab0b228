import { ChangeoverError, type Clock } from '@changeover/core';
import pg from 'pg';

import { controlError } from './control-error.js';

/** Who submits a request tells this channel the migration's id, in the same transaction. */
export const REQUEST_CHANNEL = 'changeover_request';

const CONNECT_TIMEOUT_MS = 5_000;

type ListenOptions = { readonly migration: string; readonly clock: Clock };

/** A connection of its own that waits for NOTIFY. One waiter at a time. */
export class RequestListener implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #clock: Clock;
  #notified = false;
  #broken: unknown;
  #wake: () => void = () => undefined;

  private constructor(client: pg.Client, { migration, clock }: ListenOptions) {
    this.#client = client;
    this.#clock = clock;
    client.on('notification', ({ payload }) => {
      if (payload !== migration) return;
      this.#notified = true;
      this.#wake();
    });
    const breaks = (error: unknown): void => {
      this.#broken ??= error;
      this.#wake();
    };
    client.on('error', breaks);
    client.on('end', () => {
      breaks(new ChangeoverError('CONTROL_UNREACHABLE', 'the connection that waits for requests was closed'));
    });
  }

  /** Listens when it resolves. */
  static async open(url: string, options: ListenOptions): Promise<RequestListener> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'changeover-control-listen',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    const listener = new RequestListener(client, options);
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(REQUEST_CHANNEL)}`);
    } catch (error) {
      await listener[Symbol.asyncDispose]();
      throw controlError(error);
    }
    return listener;
  }

  /**
   * Resolves when something was submitted since the last wait (or since open), after `ms`, or on abort; rejects when
   * the connection broke.
   */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#notified && this.#broken === undefined && !signal.aborted) {
      const sleep = new AbortController();
      const wake = (): void => {
        sleep.abort();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await this.#clock.sleep(ms, sleep.signal);
      signal.removeEventListener('abort', wake);
    }
    this.#notified = false;
    if (this.#broken !== undefined) throw controlError(this.#broken);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.removeAllListeners('end');
    // A connection that is broken already has nothing to end.
    await this.#client.end().catch(() => undefined);
  }
}
