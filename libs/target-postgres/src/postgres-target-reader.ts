import { ChangeoverError, noCrash, type Clock, type IdSource } from '@changeover/core';
import {
  HOLD_MS,
  TargetReader,
  type LoadHold,
  type LoadProgress,
  type NumbersTold,
  type ReadPosition,
  type RepairOutcome,
  type RowRepair,
  type TargetSnapshot,
  type Verified,
} from '@changeover/events';

import { Connection } from './connection.js';
import { LOOKING } from './held-row-list.js';
import { readProgress, takeHold, type HeldPlace, type Holder } from './load-holds.js';
import type { CrashPoint } from './options.js';
import { isReadable } from './own-schema.js';
import { holdLost, NothingToHold, PostgresLoadHold } from './postgres-load-hold.js';
import { repairRows } from './repair-rows.js';
import { asTargetError } from './sql-state.js';
import { openTargetSnapshot } from './target-snapshot.js';
import { lastVerified, numbersTold, recordVerified } from './verifications.js';

/**
 * A transaction of load under way is waited for so long: then TARGET_BUSY, which is tried again. A hold that is lost in a crash of the server ends, as any, so
 * that nobody has to wait for it to be on disk.
 */
const HOLDING = `SET lock_timeout = ${String(HOLD_MS)}; SET synchronous_commit = off`;

export type PostgresTargetReaderOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  /** The migration's id. */
  readonly migration: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly crashPoint?: CrashPoint;
};

/** Reads a PostgreSQL database that load keeps in sync. A hold stands in the progress row, which every transaction of load moves first; rows are written by a repair alone. */
export class PostgresTargetReader extends TargetReader {
  readonly #options: PostgresTargetReaderOptions;
  readonly #holds = new Set<LoadHold>();
  /** Those that are closed are forgotten when another one is opened. */
  readonly #connections = new Set<Connection>();

  constructor(options: PostgresTargetReaderOptions) {
    super();
    this.#options = options;
  }

  async hold(): Promise<LoadHold> {
    const { migration, ids } = this.#options;
    const holder = { migration, holdId: ids.uuid() };
    const opened: Connection[] = [];
    try {
      const connection = await this.#connect();
      opened.push(connection);
      if (!(await isReadable(connection))) return await this.#nothing(opened);
      // The snapshot's, before load is held: that must not last longer than it has to.
      const spare = await this.#connect();
      opened.push(spare);
      await connection.query(HOLDING);
      const place = await takeHold(connection, holder);
      if (place === null) return await this.#nothing(opened);
      if (place === 'parked')
        throw new ChangeoverError(
          'TARGET_PARKED',
          `load of migration ${migration} stays at a checkpoint, to which the target was taken back`,
        );
      if (place === 'busy') throw new ChangeoverError('TARGET_BUSY', `somebody else holds load of migration ${migration}`);
      return this.#held(holder, place, { connection, spare });
    } catch (error) {
      await close(opened);
      throw asTargetError(error);
    }
  }

  async record(verified: Verified, began_ms: number): Promise<void> {
    await this.#ask((connection) => recordVerified(connection, this.#options.migration, verified, began_ms));
  }

  async lastVerified(which: 'any' | 'base'): Promise<Verified | null> {
    return this.#ask(async (connection) =>
      (await isReadable(connection)) ? lastVerified(connection, this.#options.migration, which) : null,
    );
  }

  async numbersTold(at: Pick<ReadPosition, 'logId' | 'seq'>): Promise<NumbersTold | null> {
    return this.#ask((connection) => numbersTold(connection, this.#options.migration, at));
  }

  async stop(): Promise<void> {
    for (const hold of this.#holds) await hold[Symbol.asyncDispose]();
    await close([...this.#connections]);
    this.#connections.clear();
  }

  #held(
    holder: Holder,
    place: HeldPlace,
    { connection, spare }: { readonly connection: Connection; readonly spare: Connection },
  ): LoadHold {
    let unused: Connection | null = spare;
    const take = (): Connection | null => {
      const first = unused;
      unused = null;
      return first;
    };
    const hold = new PostgresLoadHold(
      {
        connection,
        holder,
        clock: this.#options.clock,
        openSnapshot: (at) => this.#snapshot(take(), at),
        repair: (at, rows) => this.#repair(take(), { holder, at, rows }),
        close: async () => {
          this.#holds.delete(hold);
          await close(unused === null ? [connection] : [connection, unused]);
        },
      },
      place,
    );
    this.#holds.add(hold);
    return hold;
  }

  /** `at`: where it has to show load. Other records of `writes` that came of the same one of `changes` only told forms. */
  async #snapshot(spare: Connection | null, at: LoadProgress): Promise<TargetSnapshot> {
    const { migration } = this.#options;
    const opened: Connection[] = spare === null ? [] : [spare];
    try {
      const connection = spare ?? (await this.#connect());
      opened[0] = connection;
      await connection.query(LOOKING);
      const row = await readProgress(connection, migration);
      const progress = row?.progress ?? null;
      if (row === null || progress?.changes.seq !== at.changes.seq || progress.changes.logId !== at.changes.logId) {
        throw holdLost({ migration }, `it is at record ${String(progress?.changes.seq ?? 0)}, not at ${String(at.changes.seq)}`);
      }
      const { generation, pinned } = row;
      return await openTargetSnapshot(connection, { migration, progress, generation, pinned, open: () => this.#connect() });
    } catch (error) {
      await close(opened);
      throw asTargetError(error);
    }
  }

  async #repair(
    spare: Connection | null,
    work: { readonly holder: Holder; readonly at: LoadProgress; readonly rows: readonly RowRepair[] },
  ): Promise<readonly RepairOutcome[]> {
    const connection = spare ?? (await this.#connect());
    try {
      return await repairRows(connection, { ...work, crashPoint: this.#options.crashPoint ?? noCrash });
    } finally {
      await close([connection]);
    }
  }

  async #ask<Answer>(question: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const connection = await this.#connect();
    try {
      return await question(connection);
    } catch (error) {
      throw asTargetError(error);
    } finally {
      await close([connection]);
    }
  }

  async #nothing(opened: readonly Connection[]): Promise<LoadHold> {
    await close(opened);
    return new NothingToHold(this.#options.migration);
  }

  async #connect(): Promise<Connection> {
    const { url, migration } = this.#options;
    const connection = await Connection.open(url, `?changeover-${migration}-read`);
    for (const other of this.#connections) if (other.lost) this.#connections.delete(other);
    this.#connections.add(connection);
    return connection;
  }
}

async function close(connections: readonly Connection[]): Promise<void> {
  for (const connection of connections) await connection[Symbol.asyncDispose]();
}
