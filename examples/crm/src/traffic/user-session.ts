import type { Clock } from '@changeover/core';
import pg from 'pg';

import type { Random } from '../random.js';
import type { ChangeKind } from './change-kinds.js';
import type { Journal } from './journal.js';
import type { KnownRows } from './known-rows.js';

/** Users get in each other's way: integrity violations (class 23), deadlocks and serialization failures (class 40). */
const isConflict = (code: string): boolean => code.startsWith('23') || code.startsWith('40');

/** The connection broke or the server goes down (classes 08 and 57): the user logs in again. */
const isConnectionLoss = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /^(?:08|57P)/u.test(code) ||
    code.startsWith('E') ||
    error.message.startsWith('Connection terminated') ||
    error.message.includes('not queryable')
  );
};

const RECONNECT_MS = 250;

/** Thrown by {@link UserTransaction.giveUp}; never leaves the session. */
class GivenUp {
  readonly reason = 'there is nothing to do';
}

type Outcome<Row> = { readonly rows: Row[]; readonly count: number };

/** What sessions tell of by themselves. */
type SessionKind = 'rolled back' | 'asynchronous commit';

/** One transaction of one user. What it learns about rows becomes known to the others after COMMIT. */
export class UserTransaction<Kind extends string = ChangeKind> {
  readonly kinds = new Set<Kind | SessionKind>();
  rows = 0;
  readonly #client: pg.Client;
  readonly #afterCommit: (() => void)[] = [];

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Runs one statement, by a prepared statement per text, and returns the rows it wrote or gave back. */
  async run<Row extends pg.QueryResultRow>(text: string, ...values: readonly unknown[]): Promise<Outcome<Row>> {
    const result = await this.#client.query<Row>({ name: statementName(text), text, values: [...values] });
    const count = result.rowCount ?? 0;
    if (result.command !== 'SELECT') this.rows += count;
    return { rows: result.rows, count };
  }

  /** Like {@link run}; gives the transaction up when the statement met no row (someone else deleted it). */
  async must<Row extends pg.QueryResultRow>(text: string, ...values: readonly unknown[]): Promise<Row[]> {
    const { rows, count } = await this.run<Row>(text, ...values);
    if (count === 0) this.giveUp();
    return rows;
  }

  /** Like {@link must}, for a statement that is about exactly two rows. */
  async two<Row extends pg.QueryResultRow>(text: string, ...values: readonly unknown[]): Promise<[Row, Row]> {
    const rows = await this.must<Row>(text, ...values);
    if (rows.length !== 2) this.giveUp();
    return rows as [Row, Row];
  }

  afterCommit(learn: () => void): void {
    this.#afterCommit.push(learn);
  }

  /** There is nothing to do after all: roll back and count nothing. */
  giveUp(): never {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a private signal, caught by UserSession.transaction
    throw new GivenUp();
  }

  committed(): void {
    for (const learn of this.#afterCommit) learn();
  }
}

const statementNames = new Map<string, string>();

function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = `s${String(statementNames.size)}`;
    statementNames.set(text, name);
  }
  return name;
}

export type SessionOptions<Kind extends string = ChangeKind, Known = KnownRows> = {
  readonly url: string;
  readonly number: number;
  readonly random: Random;
  readonly known: Known;
  readonly journal: Journal<Kind | SessionKind>;
  readonly clock: Clock;
  /** `synchronous_commit=off` for this user. */
  readonly asynchronousCommit: boolean;
};

/** One user's connection to the old CRM. */
export class UserSession<Kind extends string = ChangeKind, Known = KnownRows> {
  readonly random: Random;
  readonly known: Known;
  readonly #options: SessionOptions<Kind, Known>;
  #client: pg.Client | undefined;

  constructor(options: SessionOptions<Kind, Known>) {
    this.random = options.random;
    this.known = options.known;
    this.#options = options;
  }

  /**
   * Runs `work` in a transaction and journals it after COMMIT returned. A conflict between users is rolled back and
   * counted; a lost connection is counted (as "maybe" if it broke in COMMIT) and opened again by the next transaction.
   */
  async transaction(work: (transaction: UserTransaction<Kind>) => Promise<void>, end: 'COMMIT' | 'ROLLBACK' = 'COMMIT'): Promise<void> {
    const attempt = { inCommit: false };
    try {
      await this.#attempt(work, end, attempt);
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      if (attempt.inCommit) this.#options.journal.maybe();
      await this.close();
      await this.#options.clock.sleep(RECONNECT_MS);
    }
  }

  async #attempt(
    work: (transaction: UserTransaction<Kind>) => Promise<void>,
    end: 'COMMIT' | 'ROLLBACK',
    attempt: { inCommit: boolean },
  ): Promise<void> {
    const { journal, asynchronousCommit } = this.#options;
    const client = await this.#connected();
    const transaction = new UserTransaction<Kind>(client);
    try {
      await client.query('BEGIN');
      await work(transaction);
      attempt.inCommit = end === 'COMMIT';
      await client.query(end);
    } catch (error) {
      if (isConnectionLoss(error)) throw error;
      await client.query('ROLLBACK');
      if (error instanceof GivenUp) return;
      if (!(error instanceof pg.DatabaseError) || !isConflict(error.code ?? '')) throw error;
      journal.conflict();
      return;
    }
    if (end === 'ROLLBACK') {
      journal.rollback('rolled back');
      return;
    }
    if (asynchronousCommit) transaction.kinds.add('asynchronous commit');
    transaction.committed();
    journal.commit(transaction.kinds, transaction.rows);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // A connection that is gone already has nothing left to say.
    await client?.end().catch(() => undefined);
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const { url, number, asynchronousCommit } = this.#options;
    const client = new pg.Client({ connectionString: url, application_name: `crm user ${String(number)}`, keepAlive: true });
    // A connection lost while idle is noticed by the next query.
    client.on('error', () => undefined);
    await client.connect();
    if (asynchronousCommit) await client.query('SET synchronous_commit = off');
    this.#client = client;
    return client;
  }
}
