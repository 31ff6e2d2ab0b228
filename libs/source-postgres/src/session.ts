import { ChangeoverError } from '@changeover/core';
import { ROW_TEXT_SETTINGS } from '@changeover/events';
import pg from 'pg';

import { sourceError } from './source-error.js';

/**
 * What decides how values look as text. `search_path` too: `regclass` values and the names of types are printed without schema where the path finds them.
 */
const TEXT_SETTINGS: Readonly<Record<string, string>> = {
  ...ROW_TEXT_SETTINGS,
  search_path: 'pg_catalog',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
};

/**
 * A role's or database's time-outs are for applications: they would end a stream, or the wait for a slot's start. So are its rules for
 * transactions: a database that is read-only by default (which may be how the old CRM is closed in the end) still takes our marks.
 */
const PATIENCE: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  exit_on_error: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  default_transaction_read_only: 'off',
  // A mark or a new publication need not wait for somebody's standbys.
  synchronous_commit: 'local',
};

/** Where row-level security would keep rows from us PostgreSQL then says so, instead of showing a table that looks empty. */
const EVERY_ROW: Readonly<Record<string, string>> = { row_security: 'off' };

const SESSION_SQL = Object.entries({ ...TEXT_SETTINGS, ...PATIENCE, ...EVERY_ROW })
  .map(([name, value]) => `SET ${name} = ${pg.escapeLiteral(value)}`)
  .join('; ');

/** PostgreSQL 17 and later know it. By itself: a look at anything waits for others where transactions are deferrable by default. */
const NO_TRANSACTION_TIMEOUT = `SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL`;

/**
 * A session that we have given up may wait at the source for somebody's lock, where it hears of nothing: it is to look whether we are there, or each try would leave one more behind,
 * until the source takes no connections at all. And one whose machine is gone is to be noticed within two minutes. Not every system can do either.
 */
const NOTICES_WHO_LEFT = `SET client_connection_check_interval = '5s'; SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6`;

const CONNECT_TIMEOUT_MS = 10_000;

export type SessionOptions = {
  readonly url: string;
  readonly applicationName: string;
  /** A walsender of the database instead of an ordinary session. */
  readonly replication?: boolean;
};

/** Opens a connection on which values come out in the one agreed way. SOURCE_UNREACHABLE, SOURCE_DENIED, BAD_SETTINGS. */
export async function openSession(options: SessionOptions): Promise<pg.Client> {
  const config: pg.ClientConfig & { readonly replication?: string } = {
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    ...(options.replication === true ? { replication: 'database' } : {}),
  };
  const client = new pg.Client(config);
  refuseMissingPassword(client);
  // Without a listener an error between queries would end the process; whoever queries next gets it anyway.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(SESSION_SQL);
    await client.query(NO_TRANSACTION_TIMEOUT);
    await client.query(NOTICES_WHO_LEFT).catch(() => undefined);
    return client;
  } catch (error) {
    destroySession(client);
    throw sourceError(
      error,
      'connect',
      options.replication === true ? `ALTER ROLE ${pg.escapeIdentifier(client.user ?? '')} REPLICATION` : undefined,
    );
  }
}

/** Ends a connection without the courtesies, which would wait for a peer that may be gone. */
export function destroySession(client: pg.Client): void {
  client.connection.stream.destroy();
}

/** pg reports a password that is asked for and not there as an Error without a code, like a network's. */
function refuseMissingPassword(client: pg.Client): void {
  const held = client as { password?: unknown };
  if (typeof held.password === 'string' && held.password !== '') return;
  held.password = (): never => {
    throw new ChangeoverError('SOURCE_DENIED', "the source asks for a password and the source's url has none");
  };
}
