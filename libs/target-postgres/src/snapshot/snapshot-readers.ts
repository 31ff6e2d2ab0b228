import { ChangeoverError } from '@changeover/core';
import { DatabaseError, escapeLiteral } from 'pg';

import type { Connection } from '../connection.js';
import { verdictOf } from '../sql-state.js';

/** As the planner does where nobody says otherwise: whole tables are read. */
const READING_WHOLE_TABLES = `SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on; SET enable_bitmapscan = on;
  SET enable_material = on; SET plan_cache_mode = auto; SET lock_timeout = '5s'`;

/**
 * Connections that see what one transaction sees, for as long as that is open: one for each reading that is under way, so that none waits for another, whose rows
 * nobody may be taking.
 */
export class SnapshotReaders implements AsyncDisposable {
  readonly #open: () => Promise<Connection>;
  readonly #snapshot: string;
  readonly #idle: Connection[] = [];
  readonly #busy = new Set<Connection>();
  #closed = false;

  private constructor(open: () => Promise<Connection>, snapshot: string) {
    this.#open = open;
    this.#snapshot = snapshot;
  }

  /** `owner`: in the transaction, and in no savepoint. */
  static async of(owner: Connection, open: () => Promise<Connection>): Promise<SnapshotReaders> {
    const [exported] = await owner.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
    return new SnapshotReaders(open, (exported as { snapshot: string }).snapshot);
  }

  async take(): Promise<Connection> {
    this.#requireOpen();
    const reader = this.#idle.pop() ?? (await this.#another());
    try {
      // It may have been closed meanwhile.
      this.#requireOpen();
    } catch (error) {
      await this.drop(reader);
      throw error;
    }
    this.#busy.add(reader);
    return reader;
  }

  /** It may be used again. */
  giveBack(reader: Connection): void {
    // Already dropped when the snapshot was closed.
    if (this.#busy.delete(reader) && !this.#closed) this.#idle.push(reader);
  }

  /** It is in the middle of something. */
  async drop(reader: Connection): Promise<void> {
    this.#busy.delete(reader);
    await reader[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const readers = [...this.#idle.splice(0), ...this.#busy];
    this.#busy.clear();
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  }

  #requireOpen(): void {
    if (this.#closed) throw new ChangeoverError('TARGET_UNREACHABLE', 'the snapshot of the target was closed');
  }

  async #another(): Promise<Connection> {
    const reader = await this.#open();
    try {
      await reader.query(`${READING_WHOLE_TABLES}; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`);
      await reader.query(`SET TRANSACTION SNAPSHOT ${escapeLiteral(this.#snapshot)}`).catch((error: unknown) => {
        // Of which there are none but that the snapshot is unknown.
        const isUnknown = error instanceof DatabaseError && (verdictOf(error) === 'row' || verdictOf(error) === 'form');
        throw isUnknown
          ? new ChangeoverError('TARGET_UNREACHABLE', 'the transaction that kept the snapshot of the target has ended')
          : error;
      });
      return reader;
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  }
}
