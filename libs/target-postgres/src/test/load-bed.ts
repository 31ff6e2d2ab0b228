import { invariant, NO_POSITION, type Position } from '@changeover/core';
import type { ApplyReport, Frame, LoadBatch, LoadProgress, TargetSession } from '@changeover/events';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresTarget, type PostgresTargetOptions } from '../index.js';
import { Writes } from './writes.js';

export type OpenRow = {
  table_name: string;
  key: unknown;
  wanted: unknown;
  stands: unknown;
  sqlstate: string | null;
  constraint_name: string | null;
  reason: string;
  to_seq: string | null;
};

/** A target database with a session on it, and the writes stream in hand. */
export class LoadBed implements AsyncDisposable {
  readonly writes = new Writes();
  readonly sql: pg.Client;
  readonly database: TestDatabase;
  session: TargetSession;
  target: PostgresTarget;
  seq = 0;

  private constructor(database: TestDatabase, sql: pg.Client, target: PostgresTarget, session: TargetSession) {
    this.database = database;
    this.sql = sql;
    this.target = target;
    this.session = session;
  }

  static async open(ddl: string, options: { readonly major?: 14 | 16 | 18 } & Partial<PostgresTargetOptions> = {}): Promise<LoadBed> {
    const { major, ...targetOptions } = options;
    const database = await testDatabase(major === undefined ? {} : { major });
    const sql = await database.connect();
    await sql.query(ddl);
    const target = new PostgresTarget({ url: database.url, migration: 'crm', ...targetOptions });
    return new LoadBed(database, sql, target, await target.open());
  }

  progress(seq = this.seq): LoadProgress {
    return {
      writes: { logId: 'w', epoch: 1, seq, pos: NO_POSITION, checksum: 'abc', at: seq * 10 },
      changes: { logId: 'c', seq },
      position: String(seq).padStart(8, '0') as Position,
      ts_ms: 1_700_000_000_000 + seq,
    };
  }

  batch(...transactions: readonly (readonly Frame[])[]): LoadBatch {
    const numbered = transactions.map((frames) => ({ seq: ++this.seq, frames }));
    return { transactions: numbered, progress: this.progress(), barriers: [] };
  }

  /** Each argument is one transaction's frames; all of them one batch. */
  async apply(...transactions: readonly (readonly Frame[])[]): Promise<ApplyReport> {
    const outcome = await this.session.apply(this.batch(...transactions), this.writes.lookup);
    invariant(!('held' in outcome), 'nobody holds load');
    return outcome;
  }

  async rows(sql: string): Promise<unknown[][]> {
    return (await this.sql.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  }

  async openRefusals(): Promise<OpenRow[]> {
    return (await this.sql.query<OpenRow>('SELECT * FROM changeover.refused WHERE to_seq IS NULL ORDER BY id')).rows;
  }

  async committedSeq(): Promise<number> {
    const [row] = (await this.sql.query<{ writes_seq: string | null }>('SELECT writes_seq FROM changeover.progress')).rows;
    return Number(row?.writes_seq ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target.stop();
    await this.database[Symbol.asyncDispose]();
  }
}
