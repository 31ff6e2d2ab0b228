import { ChangeoverError, SystemClock, type Clock, type Position } from '@changeover/core';
import {
  ChangeSource,
  type HeldSource,
  type PreflightFinding,
  type SourceIdentity,
  type TableSchema,
  type TableSize,
} from '@changeover/events';

import { quoted } from './captured-tables.js';
import { Catalogue } from './catalogue.js';
import { HeldPostgresSource, slotGone } from './held-postgres-source.js';
import { KeptAtSource } from './kept-at-source.js';
import { tellOpenTransactions } from './open-transactions.js';
import { preflight } from './preflight.js';
import { ReplicationConnection } from './replication-connection.js';
import { sourceConfig, type PostgresSourceSettings, type SourceConfig } from './settings.js';
import type { CreatedSlot } from './slot-creation.js';
import { SqlSession } from './sql-session.js';
import { tableSizes } from './table-sizes.js';

/** How long a session that we end may take to let the slot go. */
const TAKE_OVER_TIMEOUT_MS = 15_000;
const TAKE_OVER_POLL_MS = 50;

/** A timeline is the first eight digits of a WAL file's name; `pg_control_checkpoint` would lag behind a promotion. */
const IDENTITY = `
  SELECT system_identifier::text AS "systemId", ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline
    FROM pg_control_system()`;

/**
 * A PostgreSQL database, 14 to 18, followed by logical decoding: pgoutput, protocol version 1, one publication and one
 * slot, both `changeover_<migration>`.
 *
 * What a reader of its events may count on beyond {@link ChangeSource}:
 * - a transaction that holds only our mark is a `mark` event; one in which nothing of ours happened, a `keepalive`;
 * - TRUNCATE of several tables is one `rows` event per table, one behind the other; a key change is one `u` with `before: key`;
 * - with REPLICA IDENTITY FULL an `u` is never partial.
 */
export class PostgresSource extends ChangeSource {
  readonly #config: SourceConfig;
  readonly #clock: Clock;
  readonly #sql: SqlSession;
  readonly #catalogue: Catalogue;
  readonly #kept: KeptAtSource;

  /** BAD_SETTINGS if the settings do not fit. Connects when it is first asked for something. */
  constructor(settings: PostgresSourceSettings, clock: Clock = new SystemClock()) {
    super();
    this.#config = sourceConfig(settings);
    this.#clock = clock;
    this.#sql = new SqlSession(this.#config);
    this.#catalogue = new Catalogue(this.#sql, this.#config.slot);
    this.#kept = new KeptAtSource(this.#sql, this.#config);
  }

  preflight(): Promise<readonly PreflightFinding[]> {
    return preflight(this.#sql, this.#config, this.#clock);
  }

  async identity(): Promise<SourceIdentity> {
    const [identity] = await this.#sql.query<SourceIdentity>(IDENTITY);
    if (identity === undefined) throw new ChangeoverError('INTERNAL', 'the source has no identity');
    return identity;
  }

  async tables(): Promise<readonly TableSchema[]> {
    const oids = (await this.#kept.captured()).map((table) => table.oid);
    this.#catalogue.rewrites.keepOnly(oids);
    return this.#catalogue.forms(oids);
  }

  async isEmpty(table: Pick<TableSchema, 'schema' | 'table'>): Promise<boolean> {
    const [found] = await this.#sql.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [quoted(table)]);
    // Renamed since: nobody can say.
    if (found?.found !== true) return false;
    // Of a partitioned table, or one that others inherit from, theirs count as well: rather too many than too few.
    const [row] = await this.#sql.query<{ filled: boolean }>(`SELECT EXISTS (SELECT FROM ${quoted(table)}) AS filled`);
    return row?.filled === false;
  }

  async sizes(tables: readonly Pick<TableSchema, 'schema' | 'table'>[]): Promise<readonly (TableSize | null)[]> {
    const sizes = await tableSizes(this.#sql, tables);
    return sizes.map((size) => (size === null || size.rows === null ? null : { rows: size.rows, bytes: size.bytes }));
  }

  leftOut(): Promise<readonly string[]> {
    return this.#kept.leftOut();
  }

  async kept(): Promise<{ readonly confirmed: Position } | null> {
    const slot = await this.#kept.slot();
    if (slot === null) return null;
    if (slot.walStatus === 'lost')
      throw new ChangeoverError(
        'SOURCE_LOST',
        `the source has given up the slot ${this.#config.slot}: it needed more log than the source keeps`,
      );
    return { confirmed: slot.confirmed };
  }

  async create(onWaiting: (warning: ChangeoverError) => void = () => undefined): Promise<CreatedSlot> {
    const made = new AbortController();
    const { applicationName } = this.#config;
    const telling = tellOpenTransactions(this.#sql, { applicationName, clock: this.#clock, signal: made.signal, tell: onWaiting });
    // Whether the source answers is for the work itself to find out.
    telling.catch(() => undefined);
    try {
      return await this.#kept.create();
    } finally {
      made.abort();
    }
  }

  drop(): Promise<void> {
    return this.#kept.drop();
  }

  async hold({ takeOver }: { readonly takeOver: boolean }): Promise<HeldSource> {
    if ((await this.kept()) === null) throw slotGone(this.#config.slot);
    await this.#kept.followTables();
    const deadline = this.#clock.monotonic() + TAKE_OVER_TIMEOUT_MS;
    for (;;) {
      const connection = await ReplicationConnection.open(this.#config, this.#clock);
      const parts = { config: this.#config, clock: this.#clock, sql: this.#sql, catalogue: this.#catalogue, kept: this.#kept, connection };
      try {
        return await HeldPostgresSource.start(parts);
      } catch (error) {
        await connection.close();
        const busy = error instanceof ChangeoverError && error.code === 'SOURCE_BUSY';
        if (!busy || !takeOver || this.#clock.monotonic() > deadline) throw error;
      }
      await this.#endOtherHolder();
      await this.#clock.sleep(TAKE_OVER_POLL_MS);
    }
  }

  async stop(): Promise<void> {
    await this.#sql[Symbol.asyncDispose]();
  }

  /** Only a holder of our own name: a slot that somebody else reads is not ours to take. */
  async #endOtherHolder(): Promise<void> {
    await this.#sql.query(
      `SELECT pg_terminate_backend(a.pid) FROM pg_replication_slots s JOIN pg_stat_activity a ON a.pid = s.active_pid
        WHERE s.slot_name = $1 AND a.application_name = $2`,
      [this.#config.slot, this.#config.applicationName],
    );
  }
}
