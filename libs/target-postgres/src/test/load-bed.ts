import { NO_POSITION, type Position } from '@changeover/core';
import {
  formatRows,
  tableSchemaHash,
  type ApplyReport,
  type Before,
  type ColumnSchema,
  type Frame,
  type LoadBatch,
  type LoadProgress,
  type Operation,
  type TableSchema,
  type TargetSession,
} from '@changeover/events';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresTarget, type PostgresTargetOptions } from '../index.js';

type Field = string | null | undefined;
export type Row = readonly Field[];

/** Schemas of tables, and frames that refer to them. */
export class Writes {
  readonly #schemas: TableSchema[] = [];

  /** Columns as `name` or `name:type`; those before `keys` are the key. */
  table(
    name: string,
    columns: readonly string[],
    options: { readonly keys?: number; readonly identity?: TableSchema['identity'] } = {},
  ): TableRows {
    const { keys = 1, identity = 'key' } = options;
    const [schema, table] = name.includes('.') ? (name.split('.') as [string, string]) : ['public', name];
    const form = {
      schema,
      table,
      identity,
      columns: columns.map((column, index): ColumnSchema => {
        const [column_, type = 'text'] = column.split(':') as [string, string?];
        return { name: column_, type, typeOid: 25, typmod: -1, notNull: index < keys, key: index < keys, fill: 'none' };
      }),
    };
    this.#schemas.push({ ...form, hash: tableSchemaHash(form) });
    return new TableRows(this.#schemas.at(-1) as TableSchema, this.#schemas.length);
  }

  readonly lookup = (schemaSeq: number): TableSchema => this.#schemas[schemaSeq - 1] as TableSchema;
}

export class TableRows {
  readonly schema: TableSchema;
  readonly #seq: number;

  constructor(schema: TableSchema, seq: number) {
    this.schema = schema;
    this.#seq = seq;
  }

  c(...rows: readonly Row[]): Frame {
    return this.frame('c', 'none', rows.length, rows);
  }

  u(...rows: readonly Row[]): Frame {
    return this.frame('u', 'none', rows.length, rows);
  }

  /** From the key (or the whole row) before to the row after. */
  move(...pairs: readonly (readonly [before: Row, after: Row])[]): Frame {
    const lines = pairs.flatMap(([before, after]) => [this.#padded(before), after]);
    return this.frame('u', this.schema.identity === 'full' ? 'full' : 'key', pairs.length, lines);
  }

  d(...keys: readonly Row[]): Frame {
    return this.frame(
      'd',
      this.schema.identity === 'full' ? 'full' : 'key',
      keys.length,
      keys.map((key) => this.#padded(key)),
    );
  }

  t(): Frame {
    return this.frame('t', 'none', 0, []);
  }

  frame(op: Operation, before: Before, rowCount: number, lines: readonly Row[]): Frame {
    const partial = lines.some((line) => line.includes(undefined));
    return { op, before, partial, schemaSeq: this.#seq, rowCount, rows: formatRows(lines) };
  }

  #padded(row: Row): Row {
    return this.schema.columns.map((_, index) => row[index]);
  }
}

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
    return this.session.apply(this.batch(...transactions), this.writes.lookup);
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
