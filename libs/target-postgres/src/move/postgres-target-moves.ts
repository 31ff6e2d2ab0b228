import { ChangeoverError, type Clock, type IdSource } from '@changeover/core';
import { HOLD_MS, TargetMoves, type TargetMove, type Whereabouts } from '@changeover/events';

import { KnownTables } from '../catalogue/known-tables.js';
import type { PinnedForms } from '../catalogue/table-form.js';
import { Connection } from '../connection.js';
import { takeHold } from '../load-holds.js';
import type { CrashPoint } from '../options.js';
import { isReadable } from '../own-schema.js';
import { PostgresLoadHold } from '../postgres-load-hold.js';
import { PreexistingRows } from '../preexisting-rows.js';
import { asTargetError } from '../sql-state.js';
import { PostgresTargetMove } from './postgres-target-move.js';

export type PostgresTargetMovesOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  /** The migration's id. */
  readonly migration: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Bytes that rows between the two places may take in memory. */
  readonly maxBytes: number;
  readonly crashPoint?: CrashPoint;
};

/** Takes a PostgreSQL database to other places of the stream. */
export class PostgresTargetMoves extends TargetMoves {
  readonly #options: PostgresTargetMovesOptions;
  readonly #connections = new Set<Connection>();

  constructor(options: PostgresTargetMovesOptions) {
    super();
    this.#options = options;
  }

  async take(): Promise<TargetMove | null> {
    const { migration, ids } = this.#options;
    const holder = { migration, holdId: ids.uuid() };
    const opened: Connection[] = [];
    try {
      const holding = await this.#connect(opened);
      if (!(await isReadable(holding))) return await this.#nothing(opened);
      const moving = await this.#connect(opened);
      await holding.query(`SET lock_timeout = ${String(HOLD_MS)}; SET synchronous_commit = off`);
      const place = await takeHold(holding, holder, { alsoParked: true });
      if (place === null || place === 'parked') return await this.#nothing(opened);
      if (place === 'busy') throw new ChangeoverError('TARGET_BUSY', `somebody else holds load of migration ${migration}`);
      const { progress, parked } = place;
      if (progress === null) return await this.#nothing(opened);
      return await this.#move({ holder, from: { progress, parked }, opened, holding, moving });
    } catch (error) {
      await this.#close(opened);
      throw asTargetError(error);
    }
  }

  async stop(): Promise<void> {
    await this.#close([...this.#connections]);
  }

  async #move({ holder, from, opened, holding, moving }: Taken): Promise<TargetMove> {
    const { migration, clock, maxBytes, crashPoint = (): void => undefined } = this.#options;
    const notAsked = (): Promise<never> => Promise.reject(new Error('a target that is moved is neither read nor repaired'));
    const hold = new PostgresLoadHold(
      { connection: holding, holder, clock, openSnapshot: notAsked, repair: notAsked, close: () => Promise.resolve() },
      { progress: from.progress },
    );
    try {
      const [row] = await moving.query<{ tables: PinnedForms; exchanges: number }>(
        'SELECT tables, exchanges FROM changeover.progress WHERE migration = $1',
        [migration],
      );
      const { tables: pinned, exchanges } = row ?? { tables: {}, exchanges: 0 };
      const known = new KnownTables(moving, pinned, await PreexistingRows.read(moving, migration, 'leave'));
      await known.check();
      const openJudge = (): Promise<Connection> => this.#connect(opened);
      return new PostgresTargetMove({
        ...{ connection: moving, holder, hold, from, known, pinned, exchanges, maxBytes, openJudge, crashPoint },
        close: () => this.#close(opened),
      });
    } catch (error) {
      await hold[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #nothing(opened: readonly Connection[]): Promise<null> {
    await this.#close(opened);
    return null;
  }

  async #connect(opened: Connection[]): Promise<Connection> {
    const { url, migration } = this.#options;
    const connection = await Connection.open(url, `?changeover-${migration}-move`);
    opened.push(connection);
    this.#connections.add(connection);
    return connection;
  }

  async #close(connections: readonly Connection[]): Promise<void> {
    for (const connection of connections) {
      this.#connections.delete(connection);
      await connection[Symbol.asyncDispose]();
    }
  }
}

type Taken = {
  readonly holder: { readonly migration: string; readonly holdId: string };
  readonly from: Whereabouts;
  /** All of its connections; grows. */
  readonly opened: Connection[];
  readonly holding: Connection;
  readonly moving: Connection;
};
