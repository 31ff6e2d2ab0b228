import { createHash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';
import { Checkpoints, type BarrierPlace, type Checkpoint, type ListedCheckpoint, type Whereabouts } from '@changeover/events';
import pg from 'pg';

import { Connection } from './connection.js';
import { readProgress } from './load-holds.js';
import { isReadable } from './own-schema.js';
import { asTargetError } from './sql-state.js';

const UNIQUE_VIOLATION = '23505';

type Row = { readonly name: string; readonly contents: string; readonly checksum: string };

/** What our schema in a PostgreSQL database keeps of checkpoints. */
export class PostgresCheckpoints extends Checkpoints {
  readonly #url: string;
  readonly #migration: string;
  #connection: Promise<Connection> | null = null;

  constructor({ url, migration }: { readonly url: string; readonly migration: string }) {
    super();
    this.#url = url;
    this.#migration = migration;
  }

  placeOf(token: string): Promise<BarrierPlace | 'passed' | null> {
    return this.#ask(async (connection) => {
      const [row] = await connection.query<{ place: BarrierPlace['place'] | null } & Pick<BarrierPlace, 'forms' | 'totals' | 'exchanges'>>(
        'SELECT place, forms, totals, exchanges FROM changeover.barrier WHERE migration = $1 AND token = $2',
        [this.#migration, token],
      );
      if (row === undefined) return null;
      const { place, forms, totals, exchanges } = row;
      return place === null ? 'passed' : { place, forms, totals, exchanges };
    }, null);
  }

  async add(checkpoint: Checkpoint): Promise<void> {
    const { name } = checkpoint;
    const contents = JSON.stringify(checkpoint);
    await this.#ask(async (connection) => {
      try {
        await connection.query('INSERT INTO changeover.checkpoint (migration, name, contents, checksum) VALUES ($1, $2, $3, $4)', [
          this.#migration,
          name,
          contents,
          this.#checksum(name, contents),
        ]);
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION)
          throw new ChangeoverError('CHECKPOINT_EXISTS', `there is a checkpoint ${name} already`, { facts: { name } });
        throw error;
      }
    }, undefined);
  }

  async list(): Promise<readonly ListedCheckpoint[]> {
    const rows = await this.#ask(
      (connection) =>
        connection.query<Row & { readonly exchanges: number | null }>(
          `SELECT c.name, c.contents, c.checksum, p.exchanges
             FROM changeover.checkpoint AS c LEFT JOIN changeover.progress AS p USING (migration) WHERE c.migration = $1`,
          [this.#migration],
        ),
      [],
    );
    const placeIn = (listed: ListedCheckpoint): number => ('damaged' in listed ? Infinity : listed.place.writes.seq);
    const isExchanged = (listed: ListedCheckpoint, exchanges: number | null): boolean =>
      !('damaged' in listed) && exchanges !== null && listed.exchanges !== exchanges;
    const all = rows.map(({ exchanges, ...row }): ListedCheckpoint => {
      const listed = this.#listed(row);
      return isExchanged(listed, exchanges) ? { ...(listed as Checkpoint), exchanged: true } : listed;
    });
    return all.sort((a, b) => placeIn(a) - placeIn(b) || (a.name < b.name ? -1 : 1));
  }

  async find(name: string): Promise<Checkpoint> {
    const rows = await this.#ask(
      (connection) =>
        connection.query<Row>('SELECT name, contents, checksum FROM changeover.checkpoint WHERE migration = $1 AND name = $2', [
          this.#migration,
          name,
        ]),
      [],
    );
    const [row] = rows;
    if (row === undefined) throw unknown(name);
    const listed = this.#listed(row);
    if ('damaged' in listed) throw new ChangeoverError('CHECKPOINT_DAMAGED', `checkpoint ${name}: ${listed.damaged}`, { facts: { name } });
    return listed;
  }

  async delete(name: string): Promise<void> {
    await this.#ask(async (connection) => {
      const deleted = await connection.execute({
        text: 'DELETE FROM changeover.checkpoint WHERE migration = $1 AND name = $2',
        values: [this.#migration, name],
      });
      if (deleted === 0) throw unknown(name);
    }, undefined);
  }

  whereabouts(): Promise<Whereabouts | null> {
    return this.#ask(async (connection) => {
      const row = await readProgress(connection, this.#migration);
      return row?.progress == null ? null : { progress: row.progress, parked: row.parked };
    }, null);
  }

  async stop(): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    this.#connection = null;
    await connection?.[Symbol.asyncDispose]();
  }

  /** It is of this migration, under this name, and not a letter of it is another. */
  #checksum(name: string, contents: string): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#migration, name, contents]))
      .digest('hex');
  }

  #listed({ name, contents, checksum }: Row): ListedCheckpoint {
    if (checksum !== this.#checksum(name, contents)) return { name, damaged: 'it is not as it was written down' };
    return JSON.parse(contents) as Checkpoint;
  }

  /** `nothing`: where there is no schema of ours. */
  async #ask<Answer>(question: (connection: Connection) => Promise<Answer>, nothing: Answer): Promise<Answer> {
    try {
      this.#connection ??= Connection.open(this.#url, `?changeover-${this.#migration}-checkpoints`);
      const connection = await this.#connection;
      return (await isReadable(connection)) ? await question(connection) : nothing;
    } catch (error) {
      if (!(error instanceof ChangeoverError)) await this.stop();
      throw asTargetError(error);
    }
  }
}

function unknown(name: string): ChangeoverError {
  return new ChangeoverError('CHECKPOINT_UNKNOWN', `there is no checkpoint ${name}`, { facts: { name } });
}
