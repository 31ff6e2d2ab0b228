import { ChangeoverError, unreachable } from '@changeover/core';

import { choosePostgres, type PostgresMajor } from './choose-service.js';
import { startDockerPostgres } from './docker-postgres.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { inspectMachine } from './machine.js';
import { givenServer, RunningPostgres } from './running-server.js';

export type StartPostgresOptions = {
  /** Default 18. */
  readonly major?: PostgresMajor;
  /** Kept when the server stops, and used again when it is there. Default: a temporary directory. */
  readonly dataDir?: string;
  /** Server settings over the defaults, such as `max_slot_wal_keep_size`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: a free one; it stays the same over restarts. */
  readonly port?: number;
  /** A server that may be killed: never one given by address. Default: true when a place, a port or settings are asked for. */
  readonly own?: boolean;
};

const SETTINGS: Readonly<Record<string, string>> = {
  wal_level: 'logical',
  max_replication_slots: '20',
  max_wal_senders: '20',
  max_connections: '200',
};

/**
 * A PostgreSQL with wal_level=logical that answers: the one given by `CHANGEOVER_TEST_POSTGRES_<major>`, else a
 * container where a Docker engine runs, else the binaries from npm.
 * @throws ChangeoverError SERVICE_MISSING with what would enable it.
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<RunningPostgres> {
  const major = options.major ?? 18;
  const { dataDir, port } = options;
  const own = options.own ?? (dataDir !== undefined || port !== undefined || options.settings !== undefined);
  const choice = choosePostgres(major, process.env, await inspectMachine(), own);
  const settings = { ...SETTINGS, ...options.settings };
  switch (choice.from) {
    case 'given':
      return new RunningPostgres(givenServer(`PostgreSQL ${String(major)}`), choice.url, major);
    case 'docker':
      return startDockerPostgres({ major, settings, dataDir, port });
    case 'embedded':
      return startEmbeddedPostgres({ major, settings, dataDir, port });
    case 'missing':
      throw new ChangeoverError('SERVICE_MISSING', choice.enable);
    default:
      return unreachable(choice);
  }
}
