import type { EventEmitter } from 'node:events';

import { SystemClock, type Clock } from '@changeover/core';
import { DataSource, type EntityManager } from 'typeorm';

import { controlError } from './control-error.js';
import { CONTROL_SCHEMA } from './control-schema.js';
import { LEASE, REQUEST } from './entities.js';
import { LeaseKeeper } from './lease-keeper.js';
import { LeasesAndRequests1764000000000 } from './migrations/1764000000000-leases-and-requests.js';
import { RequestQueue } from './request-queue.js';

/** Any number that no other program is likely to lock in this database. */
const MIGRATION_LOCK = 7_245_903_113;
/** A query that takes longer has lost its server: everything here is a few rows by key. */
const QUERY_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;
const POOL_SIZE = 4;

export type ControlOptions = {
  readonly url: string;
  readonly clock?: Clock;
};

/**
 * Leases, status and operators' requests: all that is not data path. Its loss must never stop the data path; who uses it
 * logs the trouble and goes on.
 *
 * Errors of every method: CONTROL_UNREACHABLE (try again), CONTROL_DENIED.
 */
export class ControlDatabase implements AsyncDisposable {
  readonly leases: LeaseKeeper;
  readonly requests: RequestQueue;
  readonly #source: DataSource;

  constructor(source: DataSource, options: { readonly url: string; readonly clock: Clock }) {
    this.#source = source;
    const run = <T>(work: (manager: EntityManager) => Promise<T>): Promise<T> => this.#run(work);
    this.leases = new LeaseKeeper(run, options.clock);
    this.requests = new RequestQueue(run, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.destroy();
  }

  async #run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await work(this.#source.manager);
    } catch (error) {
      throw controlError(error);
    }
  }
}

/** How the parts reach the database: errors come out under our codes. */
export type ControlRun = <T>(work: (manager: EntityManager) => Promise<T>) => Promise<T>;

/** What {@link openControl} does, once TypeORM is there. */
export async function connectControl({ url, clock = new SystemClock() }: ControlOptions): Promise<ControlDatabase> {
  const source = createDataSource(url);
  try {
    await source.initialize();
    await migrate(source);
  } catch (error) {
    if (source.isInitialized) await source.destroy();
    throw controlError(error);
  }
  return new ControlDatabase(source, { url, clock });
}

/** For connecting and the test that holds entities and migrations together. */
export function createDataSource(url: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    applicationName: 'changeover-control',
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    poolSize: POOL_SIZE,
    installExtensions: false,
    schema: CONTROL_SCHEMA,
    entities: [LEASE, REQUEST],
    migrations: [LeasesAndRequests1764000000000],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'all',
    logging: false,
    // The pool replaces an idle connection that broke; the next query tells if there is trouble.
    poolErrorHandler: () => undefined,
    extra: {
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
      // One that ends while it is handed over, when neither the pool nor TypeORM listens, must not end the process: its next query fails.
      onConnect: (client: EventEmitter) => {
        client.on('error', () => undefined);
      },
    },
  });
}

async function migrate(source: DataSource): Promise<void> {
  const locked = source.createQueryRunner();
  try {
    await locked.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    // CREATE SCHEMA IF NOT EXISTS would want the privilege to create even where the schema is there.
    const found = (await locked.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [CONTROL_SCHEMA])) as unknown[];
    if (found.length === 0) await locked.query(`CREATE SCHEMA ${CONTROL_SCHEMA}`);
    await source.runMigrations();
    await locked.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  } finally {
    await locked.release();
  }
}
