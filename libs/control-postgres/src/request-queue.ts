import { ChangeoverError, type Clock } from '@changeover/core';
import { MoreThan, type EntityManager } from 'typeorm';

import type { ControlRun } from './control-database.js';
import { controlError } from './control-error.js';
import { REQUEST, type RequestKind, type RequestRow } from './entities.js';
import { REQUEST_CHANNEL, RequestListener } from './request-listener.js';

/** An operator's request, as submitted. */
export type NewRequest = {
  readonly migration: string;
  /** A UUID chosen by who asks: with the same id a request counts once, however often it is sent. */
  readonly id: string;
  readonly kind: RequestKind;
  /** JSON. */
  readonly payload: unknown;
};

/** `submittedMs`: when it was asked for, by the database's clock, in ms since the epoch. */
export type OperatorRequest = NewRequest & { readonly ordinal: number; readonly submittedMs: number };

/** How long a request can go unseen if its wake-up was lost. */
const POLL_MS = 10_000;
const RECONNECT_MS = 1_000;
/** Requests read at a time: they are rare, this only bounds memory. */
const PAGE = 100;

/**
 * What operators ask of a migration, in the order in which it counts: capture takes requests by ascending ordinal into
 * `<m>.changes` and remembers only the last ordinal. So an ordinal must never become visible after a higher one.
 */
export class RequestQueue {
  readonly #run: ControlRun;
  readonly #url: string;
  readonly #clock: Clock;

  constructor(run: ControlRun, options: { readonly url: string; readonly clock: Clock }) {
    this.#run = run;
    this.#url = options.url;
    this.#clock = options.clock;
  }

  /**
   * Stores the request durably and gives its ordinal; the same request again gives the same ordinal and does nothing else.
   * REQUEST_CONFLICT if the id stands for another request.
   */
  submit(request: NewRequest): Promise<number> {
    return this.#run((manager) => manager.transaction((transaction) => insertOnce(transaction, request)));
  }

  /** The requests after `ordinal` in order, at most a hundred. */
  async after(migration: string, ordinal: number): Promise<readonly OperatorRequest[]> {
    const rows = await this.#run((manager) =>
      manager.find(REQUEST, { where: { migration, ordinal: MoreThan(ordinal) }, order: { ordinal: 'ASC' }, take: PAGE }),
    );
    return rows.map(requestOf);
  }

  /** All requests of a kind, in order. */
  async ofKind(migration: string, kind: RequestKind): Promise<readonly OperatorRequest[]> {
    const rows = await this.#run((manager) => manager.find(REQUEST, { where: { migration, kind }, order: { ordinal: 'ASC' } }));
    return rows.map(requestOf);
  }

  /**
   * The requests after `afterOrdinal`, each once and in order, as they come; ends when `signal` aborts. Never throws:
   * while the database does not answer it tells `onTrouble` and tries again, because the data path must not stop for it.
   */
  async *requests(
    migration: string,
    afterOrdinal: number,
    options: { readonly signal: AbortSignal; readonly onTrouble?: (error: ChangeoverError) => void },
  ): AsyncGenerator<OperatorRequest, void, undefined> {
    const { signal, onTrouble } = options;
    const isAborted = (): boolean => signal.aborted;
    let last = afterOrdinal;
    while (!isAborted()) {
      try {
        // Listens first and looks then, so that nothing can come in between unnoticed.
        await using listener = await RequestListener.open(this.#url, { migration, clock: this.#clock });
        while (!isAborted()) {
          const page = await this.after(migration, last);
          for (const request of page) {
            if (isAborted()) return;
            last = request.ordinal;
            yield request;
          }
          if (page.length === 0) await listener.wait(POLL_MS, signal);
        }
      } catch (error) {
        if (isAborted()) return;
        onTrouble?.(controlError(error));
        await this.#clock.sleep(RECONNECT_MS, signal);
      }
    }
  }
}

async function insertOnce(transaction: EntityManager, request: NewRequest): Promise<number> {
  const { migration, id, kind, payload } = request;
  // Held until the commit is visible, so ordinals become visible in order. A statement of its own: the snapshot of the
  // statements that follow must be taken behind the lock.
  await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`changeover_control.request ${migration}`]);
  const known = await transaction.query<{ ordinal: string; same: boolean }[]>(
    'SELECT ordinal, kind = $3 AND payload = $4::jsonb AS same FROM changeover_control.request WHERE migration = $1 AND id = $2',
    [migration, id, kind, JSON.stringify(payload)],
  );
  const before = known[0];
  if (before !== undefined) {
    if (before.same) return Number(before.ordinal);
    throw new ChangeoverError('REQUEST_CONFLICT', `request ${id} of migration ${migration} was already made, with another kind or content`);
  }
  const inserted = await transaction.query<{ ordinal: string }[]>(
    `INSERT INTO changeover_control.request (migration, ordinal, id, kind, payload)
     SELECT $1, coalesce(max(ordinal), 0) + 1, $2, $3, $4 FROM changeover_control.request WHERE migration = $1
     RETURNING ordinal`,
    [migration, id, kind, JSON.stringify(payload)],
  );
  await transaction.query('SELECT pg_notify($1, $2)', [REQUEST_CHANNEL, migration]);
  return Number(inserted[0]?.ordinal);
}

function requestOf({ submittedAt, ...request }: RequestRow): OperatorRequest {
  return { ...request, submittedMs: submittedAt.getTime() };
}
