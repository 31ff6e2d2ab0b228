import { createHash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';
import { TargetWriter, type PreflightFinding, type TableSchema, type TargetSession } from '@changeover/events';

import { Connection } from './connection.js';
import { COPY_FROM_ROWS, type PostgresTargetOptions } from './options.js';
import { ensureOwnSchema, findBarrier, takeOwnership, type Ownership } from './own-schema.js';
import { PostgresSession } from './postgres-session.js';
import { preflight } from './preflight.js';
import { asTargetError, verdictOf } from './sql-state.js';

const NAME_BYTES = 63;
/** Each waits a second for the owner before us, whose session was just told to end. */
const TAKE_OVER_ATTEMPTS = 10;

/**
 * A PostgreSQL database (14 or later) that is kept in sync. Rows, refused rows and progress are committed together; who owns the progress row may write.
 *
 * Foreign keys, unique indexes, checks and triggers of the target stay on. Our own tables are in its schema `changeover`.
 */
export class PostgresTarget extends TargetWriter {
  readonly #options: PostgresTargetOptions;
  readonly #sessions = new Set<PostgresSession>();
  /** Kept, as whoever waits for a barrier looks again and again. */
  #looking: Promise<Connection> | null = null;

  constructor(options: PostgresTargetOptions) {
    super();
    this.#options = options;
  }

  async preflight(tables: readonly TableSchema[]): Promise<readonly PreflightFinding[]> {
    const { url, migration, existingRows = 'refuse' } = this.#options;
    return preflight({ url, migration, existingRows, applicationName: lookingNameOf(migration) }, tables);
  }

  async open(): Promise<TargetSession> {
    const { url, migration, synchronousCommit = 'off', copyFromRows = COPY_FROM_ROWS, existingRows = 'refuse' } = this.#options;
    const { crashPoint = (): void => undefined } = this.#options;
    let connection: Connection | null = null;
    try {
      connection = await Connection.open(url, applicationNameOf(migration));
      await endEarlierSessions(connection);
      await ensureOwnSchema(connection);
      const ownership = await takeOver(connection, migration);
      const how = { synchronousCommit, copyFromRows, existingRows, crashPoint };
      const session = await PostgresSession.begin({ connection, migration, ownership, ...how });
      this.#sessions.add(session);
      return session;
    } catch (error) {
      await connection?.[Symbol.asyncDispose]();
      throw asTargetError(error);
    }
  }

  async findBarrier(token: string): ReturnType<TargetWriter['findBarrier']> {
    const { url, migration } = this.#options;
    try {
      this.#looking ??= Connection.open(url, lookingNameOf(migration));
      return await findBarrier(await this.#looking, migration, token);
    } catch (error) {
      // The next look may find the target back.
      await this.#stopLooking();
      throw asTargetError(error);
    }
  }

  async stop(): Promise<void> {
    await this.#stopLooking();
    for (const session of this.#sessions) await session[Symbol.asyncDispose]();
    this.#sessions.clear();
  }

  async #stopLooking(): Promise<void> {
    const looking = this.#looking;
    this.#looking = null;
    const opened = await looking?.catch(() => null);
    await opened?.[Symbol.asyncDispose]();
  }
}

/** Another name than the owner's, so that no take-over ends a session that only looks. */
function lookingNameOf(migration: string): string {
  return `?${applicationNameOf(migration)}`;
}

/** By which the next owner finds this one's sessions. PostgreSQL would cut a long one off, and two migrations would share a name. */
export function applicationNameOf(migration: string): string {
  const name = `changeover-${migration}-load`;
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  return `changeover-${createHash('sha256').update(migration).digest('hex').slice(0, 40)}-load`;
}

/** A stopped process keeps its locks, also on what {@link ensureOwnSchema} may have to alter. */
async function endEarlierSessions(connection: Connection): Promise<void> {
  await connection.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()`,
  );
}

/** Ends the sessions of the owner before us, then raises the owner number. */
async function takeOver(connection: Connection, migration: string): Promise<Ownership> {
  for (let attempt = 1; attempt <= TAKE_OVER_ATTEMPTS; attempt++) {
    await endEarlierSessions(connection);
    try {
      await connection.query(`BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL synchronous_commit = on`);
      const ownership = await takeOwnership(connection, migration);
      await connection.commit();
      return ownership;
    } catch (error) {
      if (verdictOf(error) !== 'TARGET_BUSY') throw error;
      await connection.query('ROLLBACK');
    }
  }
  throw new ChangeoverError('TARGET_BUSY', `the owner before us does not let go of the progress row of migration ${migration}`);
}
