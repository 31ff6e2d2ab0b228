import { ChangeoverError, type Clock } from '@changeover/core';
import { tableSchemaHash, type TableSchema } from '@changeover/events';
import pg from 'pg';

import { formsByName } from '../catalogue.js';
import { destroySession, openSession, type SessionOptions } from '../session.js';
import { sourceError } from '../source-error.js';
import { inTime } from './in-time.js';
import { PLAN_ONCE, prepared } from './prepared.js';
import { isGone, lockError, lockTables } from './table-lock.js';
import { Visibility } from './visibility.js';

/** Tables that one transaction keeps locked since then, in the forms (their hashes) in which it found them. */
type Locks = { readonly forms: ReadonlySet<string>; readonly since: number };

/** `name`: by which other sessions read it, as long as `locks` are held. */
export type KeptSnapshot = { readonly visibility: Visibility; readonly name: string; readonly locks: Locks };

const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY';
const SNAPSHOT = 'SELECT pg_current_snapshot()::text AS snapshot, pg_export_snapshot() AS name';

/** Whether somebody waits for a table that this session has locked. */
const WAITS = `
  SELECT EXISTS (
    SELECT FROM pg_locks ours JOIN pg_locks waiting ON waiting.locktype = 'relation' AND waiting.database = ours.database AND waiting.relation = ours.relation
     WHERE ours.pid = pg_backend_pid() AND ours.locktype = 'relation' AND ours.granted AND NOT waiting.granted) AS waits`;

/** As long as the locks are held the source keeps the rows that its first snapshot shows, and an ALTER TABLE waits, with all who come behind it. */
const RENEW_LOCKS_MS = 10_000;

/**
 * One session that locks tables and exports snapshots of them.
 *
 *     lock · compare the forms · snapshot · snapshot · …
 *
 * As a transaction that is READ COMMITTED it may export one snapshot after another while its locks stay: nobody can have altered the tables meanwhile, so
 * another snapshot of them is a single small question, and only the first is as dear as looking at their forms. The locks come before each snapshot.
 */
export class SnapshotKeeper {
  readonly #session: SessionOptions;
  readonly #clock: Clock;
  #client: pg.Client | undefined;
  #locks: Locks | null = null;
  /** Also one that has failed, which holds nothing any more. */
  #inTransaction = false;
  /** One statement at a time, though several readers ask. */
  #last: Promise<unknown> = Promise.resolve();
  #renew = false;
  #closed = false;

  constructor(session: SessionOptions, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /** So that {@link take} need not. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  /** null: a table has another form, or is gone; then nothing is locked. SOURCE_LOCKED, and nothing is locked either. */
  async take(tables: readonly TableSchema[]): Promise<KeptSnapshot | null> {
    const client = await this.#connected();
    try {
      this.#locks = this.#lasting(tables) ?? (await this.#lock(client, tables));
      if (this.#locks === null) return null;
      const { rows } = await this.#ask(client, () => client.query<{ snapshot: string; name: string }>(SNAPSHOT));
      const { snapshot, name } = rows[0] as { snapshot: string; name: string };
      return { visibility: Visibility.of(snapshot), name, locks: this.#locks };
    } catch (error) {
      throw this.#failed(client, error);
    }
  }

  /** SOURCE_UNREACHABLE if the locks of the snapshot were let go: by now it may show a table empty that was rewritten. */
  async vouchFor({ locks }: KeptSnapshot): Promise<void> {
    const client = this.#client;
    if (client !== undefined && this.#locks === locks) {
      try {
        await this.#ask(client, () => client.query('SELECT'));
      } catch (error) {
        throw this.#failed(client, error);
      }
    }
    if (this.#locks !== locks) throw new ChangeoverError('SOURCE_UNREACHABLE', 'the source no longer keeps the snapshot that was read');
  }

  /** SOURCE_LOCKED if somebody waits for one of the tables (ALTER TABLE, TRUNCATE): with him waits everybody who comes behind him, so we rather give up. */
  async requireNobodyWaits(): Promise<void> {
    const client = await this.#connected();
    const { rows } = await this.#ask(client, () => client.query<{ waits: boolean }>(WAITS)).catch((error: unknown) => {
      throw this.#failed(client, error);
    });
    if (rows[0]?.waits === true)
      throw new ChangeoverError('SOURCE_LOCKED', 'somebody waits to change a table of the source while its rows are read: he goes first');
  }

  /** The next snapshot begins with new locks: who waits for these has his turn first. */
  renewLocks(): void {
    this.#renew = true;
  }

  close(): void {
    this.#closed = true;
    this.#locks = null;
    if (this.#client !== undefined) destroySession(this.#client);
  }

  #lasting(tables: readonly TableSchema[]): Locks | null {
    const locks = this.#locks;
    if (locks === null || this.#renew || this.#clock.monotonic() - locks.since > RENEW_LOCKS_MS) return null;
    return tables.every(({ hash }) => locks.forms.has(hash)) ? locks : null;
  }

  async #lock(client: pg.Client, tables: readonly TableSchema[]): Promise<Locks | null> {
    this.#locks = null;
    const begin = [...(this.#inTransaction ? ['ROLLBACK'] : []), BEGIN, ...lockTables(tables)].join('; ');
    this.#inTransaction = true;
    this.#renew = false;
    const since = this.#clock.monotonic();
    try {
      await this.#ask(client, () => client.query(begin));
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
    const found = await this.#ask(client, () => formsByName(tables, prepared(client)));
    const hashes = new Set(found.map(({ hash }) => hash));
    if (tables.every((table) => hashes.has(withoutGeneration(table)))) return { forms: new Set(tables.map(({ hash }) => hash)), since };
    await this.#ask(client, () => client.query('ROLLBACK'));
    this.#inTransaction = false;
    return null;
  }

  #ask<Answer>(client: pg.Client, statement: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(() => inTime(client, this.#clock, statement()));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** A session in which a statement failed is of use to the next {@link take}; one that gave no answer is not. */
  #failed(client: pg.Client, error: unknown): ChangeoverError {
    this.#locks = null;
    if (!(error instanceof pg.DatabaseError)) destroySession(client);
    return this.#closed ? new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go', { cause: error }) : lockError(error);
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const client = await openSession(this.#session);
    if (this.#closed) {
      destroySession(client);
      throw new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go');
    }
    this.#client = client;
    this.#inTransaction = false;
    client.once('end', () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#locks = null;
    });
    try {
      await inTime(client, this.#clock, client.query(PLAN_ONCE));
      // Planned here, so that no snapshot waits for it.
      await inTime(client, this.#clock, formsByName([], prepared(client)));
      return client;
    } catch (error) {
      destroySession(client);
      throw sourceError(error, 'sql');
    }
  }
}

/**
 * What is compared: all of the form but its generation. That counts what has happened to a table since somebody looked first, so the catalogue alone cannot tell
 * it: rows that were written anew under the same form are found out by the stream.
 */
function withoutGeneration({ generation, ...form }: TableSchema): string {
  return generation === undefined ? form.hash : tableSchemaHash(form);
}
