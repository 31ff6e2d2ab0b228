import { ChangeoverError, invariant } from '@changeover/core';
import { parseRows, type LoadProgress, type RefusedVersion, type TableSchema, type TargetSnapshot } from '@changeover/events';

import { ROW_MISSING } from './apply/target-op.js';
import { KnownTables } from './catalogue/known-tables.js';
import { hasColumnsOf, type PinnedForms } from './catalogue/table-form.js';
import { nameOf, rowsOf } from './catalogue/target-table.js';
import type { Connection } from './connection.js';
import { tableId } from './net/net-row.js';
import { PreexistingRows } from './preexisting-rows.js';
import { ComparedLines } from './snapshot/compared-lines.js';
import { comparedTable, KEYS, type ComparedTable } from './snapshot/compared-table.js';
import { SnapshotReaders } from './snapshot/snapshot-readers.js';
import { TypeJudge } from './snapshot/type-judge.js';
import { wholeLines } from './snapshot/whole-lines.js';
import { asTargetError, targetError, verdictOf } from './sql-state.js';

export type TargetSnapshotOptions = {
  readonly migration: string;
  /** As the connection's transaction shows it. */
  readonly progress: LoadProgress;
  readonly generation: string;
  /** What load knows of its tables there. */
  readonly pinned: PinnedForms;
  /** Opens another connection with the same target, by the same user. */
  readonly open: () => Promise<Connection>;
};

/** How much is given at a time. */
const PIECE_BYTES = 64 * 1024;

const OPEN_REFUSALS = `SELECT wanted, stands, reason = '${ROW_MISSING}' AS "isMissed" FROM changeover.refused
  WHERE migration = $1 AND table_schema = $2 AND table_name = $3 AND to_seq IS NULL ORDER BY id`;

/**
 * The snapshot of a transaction that is repeatable read and read only, and has just begun on `connection`; both end with it, also when this rejects. Other
 * connections share what it sees.
 */
export async function openTargetSnapshot(connection: Connection, options: TargetSnapshotOptions): Promise<TargetSnapshot> {
  try {
    return new PostgresTargetSnapshot(connection, await SnapshotReaders.of(connection, options.open), options);
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw asTargetError(error);
  }
}

/** A table as the snapshot shows it. */
type Known = { readonly table: ComparedTable; readonly lines: ComparedLines };

class PostgresTargetSnapshot implements TargetSnapshot {
  readonly progress: LoadProgress;
  readonly generation: string;
  readonly #migration: string;
  readonly #pinned: PinnedForms;
  /** Keeps the snapshot, and answers short questions. */
  readonly #connection: Connection;
  readonly #open: TargetSnapshotOptions['open'];
  readonly #readers: SnapshotReaders;
  readonly #known = new Map<string, Promise<Known>>();
  #lastLook: Promise<unknown> = Promise.resolve();
  #judging: Promise<{ readonly connection: Connection; readonly judge: TypeJudge }> | null = null;
  #closed = false;

  constructor(connection: Connection, readers: SnapshotReaders, { migration, progress, generation, pinned, open }: TargetSnapshotOptions) {
    this.progress = progress;
    this.generation = generation;
    this.#connection = connection;
    this.#readers = readers;
    this.#migration = migration;
    this.#pinned = pinned;
    this.#open = open;
  }

  rows(schema: TableSchema): AsyncGenerator<Buffer> {
    return this.#read(schema, (reader, { rows }) => wholeLines(reader.copyOut(`COPY (${rows}) TO STDOUT`), PIECE_BYTES));
  }

  find(schema: TableSchema, keys: Buffer): AsyncGenerator<Buffer> {
    return this.#read(schema, async function* (reader, table) {
      invariant(table.plan.keys.length > 0, 'rows are found by a key');
      if (!(await askFor(reader, table, parseRows(keys)))) return;
      yield* wholeLines(reader.copyOut(`COPY (${table.rowsOfKeys}) TO STDOUT`), PIECE_BYTES);
    });
  }

  async count(schema: TableSchema): Promise<number> {
    let count = 0;
    const counting = this.#read(schema, async function* (reader, { rows }) {
      const [found] = await reader.query<{ rows: string }>(`SELECT count(*) AS rows FROM (${rows}) AS r`);
      count = Number(found?.rows);
      yield Buffer.alloc(0);
    });
    for await (const _ of counting);
    return count;
  }

  async asCompared(schema: TableSchema, lines: Buffer): Promise<Buffer> {
    const known = await this.#table(schema);
    return known.lines.read(lines);
  }

  async refused({ schema, table }: TableSchema): Promise<readonly RefusedVersion[]> {
    return this.#connection.query<RefusedVersion>(OPEN_REFUSALS, [this.#migration, schema, table]).catch(rethrowAsOurs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#readers[Symbol.asyncDispose]();
    const judging = await this.#judging?.catch(() => null);
    await judging?.connection[Symbol.asyncDispose]();
    await this.#connection[Symbol.asyncDispose]();
  }

  async *#read(schema: TableSchema, read: (reader: Connection, table: ComparedTable) => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { table } = await this.#table(schema);
    const reader = await this.#readers.take().catch(rethrowAsOurs);
    let ended = false;
    try {
      await requireUntouched(reader, table);
      yield* read(reader, table);
      ended = true;
    } catch (error) {
      throw ours(error);
    } finally {
      if (ended) this.#readers.giveBack(reader);
      else await this.#readers.drop(reader);
    }
  }

  #table(schema: TableSchema): Promise<Known> {
    const id = `${tableId(schema)} ${schema.hash}`;
    let known = this.#known.get(id);
    if (known === undefined) this.#known.set(id, (known = this.#look(schema)));
    return known;
  }

  /** One look after the other, as each sets the session's path for a moment. */
  #look(schema: TableSchema): Promise<Known> {
    const look = this.#lastLook
      .then(async () => {
        const table = await comparedTable(this.#connection, this.#migration, schema);
        await this.#requireColumns(table);
        return { table, lines: new ComparedLines(table, () => this.#judge()) };
      })
      .catch(rethrowAsOurs);
    this.#lastLook = look.catch(() => undefined);
    return look;
  }

  /** A type that somebody has made narrower has cut the rows, and would cut what they are compared with: TARGET_CHANGED. Load may not have met it yet. */
  async #requireColumns({ plan: { id, target } }: ComparedTable): Promise<void> {
    const pinned = this.#pinned[id];
    if (pinned === undefined || hasColumnsOf(pinned, target)) return;
    const left = await PreexistingRows.read(this.#connection, this.#migration, 'refuse');
    await new KnownTables(this.#connection, { [id]: pinned }, left).check();
  }

  async #judge(): Promise<TypeJudge> {
    if (this.#closed) throw new ChangeoverError('TARGET_UNREACHABLE', 'the snapshot of the target was closed');
    this.#judging ??= this.#openJudge();
    const { judge } = await this.#judging.catch(rethrowAsOurs);
    return judge;
  }

  async #openJudge(): Promise<{ readonly connection: Connection; readonly judge: TypeJudge }> {
    const connection = await this.#open();
    try {
      // A domain's check may be a function of theirs.
      await connection.query('SET default_transaction_read_only = on');
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
    return { connection, judge: new TypeJudge(connection) };
  }
}

/**
 * A table that was emptied by TRUNCATE, or written anew by ALTER TABLE, since the snapshot was taken looks empty in it, or not at all like what it was then; and one that was exchanged
 * with another is that one: TARGET_BUSY.
 * Looking at it comes first, which locks it against both. What VACUUM FULL does is harmless, and looks the same.
 */
async function requireUntouched(reader: Connection, { plan: { id, target } }: ComparedTable): Promise<void> {
  await reader.query(`SELECT FROM ${rowsOf(target)} LIMIT 0`);
  const [found] = await reader.query<{ untouched: boolean }>(
    `SELECT coalesce(bool_and(c.relfilenode = pg_relation_filenode(c.oid) AND t.oid = to_regclass($3)), true) AS untouched
     FROM pg_namespace n JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = $2
       CROSS JOIN LATERAL (SELECT t.oid UNION SELECT relid FROM pg_partition_tree(t.oid)) part JOIN pg_class c ON c.oid = part.oid
     WHERE n.nspname = $1 AND c.relkind = 'r'`,
    [target.schema, target.table, nameOf(target)],
  );
  if (found?.untouched !== true)
    throw new ChangeoverError('TARGET_BUSY', `${id} of the target was emptied, written anew or exchanged while a snapshot of it was read`, {
      facts: { table: id },
    });
}

type Keys = readonly (readonly (string | null | undefined)[])[];

/** Has those of the keys that their columns' types take in the setting of which rows are selected; false: there is none. */
async function askFor(reader: Connection, table: ComparedTable, keys: Keys): Promise<boolean> {
  const taken = await keysTaken(reader, table, keys);
  // Behind a key that was not taken the setting is what it was before.
  if (taken.length > 0 && taken.length < keys.length) await reader.query(SET_KEYS, [JSON.stringify(taken)]);
  return taken.length > 0;
}

const SET_KEYS = `SELECT set_config('${KEYS}', $1, true)`;

async function keysTaken(reader: Connection, table: ComparedTable, keys: Keys): Promise<Keys> {
  await reader.query('SAVEPOINT keys');
  try {
    await reader.query(SET_KEYS, [JSON.stringify(keys)]);
    await reader.query(table.keysTaken);
    await reader.query('RELEASE SAVEPOINT keys');
    return keys;
  } catch (error) {
    if (verdictOf(error) !== 'row') throw error;
    await reader.query('ROLLBACK TO SAVEPOINT keys; RELEASE SAVEPOINT keys');
    if (keys.length === 1) return [];
    const half = keys.length >> 1;
    return [...(await keysTaken(reader, table, keys.slice(0, half))), ...(await keysTaken(reader, table, keys.slice(half)))];
  }
}

/** What we read is there by the catalogue, so where it is not any more, it has changed. */
function ours(error: unknown): ChangeoverError {
  return verdictOf(error) === 'form' ? targetError(error, 'TARGET_CHANGED') : asTargetError(error);
}

function rethrowAsOurs(error: unknown): never {
  throw ours(error);
}
