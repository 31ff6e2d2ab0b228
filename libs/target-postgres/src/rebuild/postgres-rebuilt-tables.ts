import { ChangeoverError, type Clock } from '@changeover/core';
import { OWN_TABLES, RebuiltTables, tableName, type FoundRebuild, type SwapReport, type TableName } from '@changeover/events';
import pg, { escapeIdentifier } from 'pg';

import { nameOf } from '../catalogue/target-table.js';
import { Connection } from '../connection.js';
import type { CrashPoint } from '../options.js';
import { ensureOwnSchema, isReadable } from '../own-schema.js';
import { applicationNameOf } from '../postgres-target.js';
import { statementError } from '../sql-state.js';
import { readDependents, readSharedSequences, readStatistics, type Dependents } from './dependents.js';
import { exchangeStatements, notValidated, type Exchanged } from './exchange.js';
import { createLike, finishLike } from './make-like.js';
import { readShapes, shapeDifference, shapeLines, type TableShape } from './table-shape.js';

export type PostgresRebuiltTablesOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  /** The migration's id. */
  readonly migration: string;
  /** The migration's id under which the load of the rebuilt tables keeps its progress. */
  readonly id: string;
  readonly schema: string;
  readonly clock: Clock;
  readonly crashPoint: CrashPoint;
};

/** Everything is printed with its schema; whole tables are read where foreign keys are validated. */
const SETTINGS = `SET search_path = pg_catalog; SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on; SET enable_bitmapscan = on;
  SET enable_material = on; SET plan_cache_mode = auto`;
/** Where nobody waits behind us. */
const LOCK_TIMEOUT_MS = 5_000;

const VALIDATED = `UPDATE changeover.rebuild SET unvalidated =
  (SELECT coalesce(jsonb_agg(k), '[]') FROM jsonb_array_elements(unvalidated) k WHERE k <> $2::jsonb) WHERE id = $1`;

/** Since when they are refused as they are counts records of the other stream: here it is as if always. */
const EXCHANGE_REFUSED = `UPDATE changeover.refused AS r SET version_seq = 0, migration = CASE WHEN r.migration = $1 THEN $2 ELSE $1 END, table_schema = CASE WHEN r.migration = $1 THEN $3 ELSE t.schema END
  FROM unnest($4::text[], $5::text[]) AS t (schema, name)
  WHERE r.to_seq IS NULL AND r.table_name = t.name AND (r.migration = $1 AND r.table_schema = t.schema OR r.migration = $2 AND r.table_schema = $3) RETURNING r.id`;

type Row = { readonly migration: string; readonly tables: readonly (readonly [schema: string, table: string])[]; readonly swaps: number };

/** Tables of a PostgreSQL database, once more in a schema of the same database. What is known of them stands in `changeover.rebuild`. */
export class PostgresRebuiltTables extends RebuiltTables {
  readonly #options: PostgresRebuiltTablesOptions;
  #opened: Promise<Connection> | null = null;

  constructor(options: PostgresRebuiltTablesOptions) {
    super();
    this.#options = options;
  }

  find(): Promise<FoundRebuild | null> {
    return this.#with(async (connection) => ((await isReadable(connection)) ? this.#find(connection) : null));
  }

  make(tables: readonly TableName[], { fireTriggers }: { readonly fireTriggers: boolean }): Promise<'made' | 'there'> {
    return this.#with(async (connection) => {
      await ensureOwnSchema(connection);
      const { id, migration, schema, crashPoint } = this.#options;
      const found = await this.#find(connection);
      if (found !== null) return requireSame(found.tables, tables, schema);
      return this.#transaction(connection, LOCK_TIMEOUT_MS, async () => {
        // Nobody changes their form while it is read and made again.
        await connection.query(`LOCK TABLE ${(await this.#present(connection, tables)).map(nameOf).join(', ')} IN ACCESS SHARE MODE`);
        const live = await readShapes(connection, tables);
        const dependents = await readDependents(
          connection,
          live.map(({ oid }) => oid),
        );
        refuse([...hindrances(live, { fireTriggers, schema }), ...immovable(dependents), ...(await this.#preexisting(connection))]);
        await connection.query(`CREATE SCHEMA ${escapeIdentifier(schema)}`);
        for (const owner of new Set(live.map(({ owner: one }) => one)))
          await connection.query(`GRANT USAGE, CREATE ON SCHEMA ${escapeIdentifier(schema)} TO ${escapeIdentifier(owner)}`);
        await connection.query(live.map((table) => createLike(table, schema)).join(';\n'));
        const made = await readShapes(connection, inSchema(tables, schema));
        const isLive = among(tables);
        const placeOf = (table: TableName): TableName => (isLive(table) ? { ...table, schema } : table);
        await connection.query(live.flatMap((table, at) => finishLike(table, made[at] as TableShape, placeOf)).join(';\n'));
        refuse(differences(live, await readShapes(connection, inSchema(tables, schema))));
        await connection.query(`INSERT INTO changeover.rebuild (id, migration, schema_name, tables) VALUES ($1, $2, $3, $4)`, [
          id,
          migration,
          schema,
          JSON.stringify(tables.map(({ schema: one, table }) => [one, table])),
        ]);
        await crashPoint('rebuild.making');
        return 'made' as const;
      });
    });
  }

  swap(patienceMs: number): Promise<SwapReport> {
    return this.#with(async (connection) => {
      const { id, schema, clock, crashPoint } = this.#options;
      const { tables } = await this.#require(connection);
      // What can be seen without a lock is seen before anybody waits.
      const before = await this.#exchanged(connection, tables);
      let locked = 0;
      await this.#transaction(connection, patienceMs, async () => {
        await this.#requireSamePlace(connection);
        const others = [...before.dependents.views.map(({ name }) => name), ...new Set(before.dependents.keys.map(({ table }) => table))];
        const both = [...tables, ...inSchema(tables, schema)].map(nameOf);
        locked = clock.monotonic();
        // Views first: who reads one has it locked before its tables.
        await connection.query(`LOCK TABLE ${[...others, ...both].join(', ')} IN ACCESS EXCLUSIVE MODE`);
        const exchanged = await this.#exchanged(connection, tables);
        if (JSON.stringify(namesOf(exchanged)) !== JSON.stringify(namesOf(before)))
          throw new ChangeoverError('TARGET_BUSY', 'somebody has just made a view or a foreign key on these tables');
        await connection.query(exchangeStatements(exchanged).join(';\n'));
        await this.#exchangeRefused(connection, tables);
        await connection.query('UPDATE changeover.progress SET exchanges = exchanges + 1 WHERE migration IN ($1, $2)', [
          this.#options.migration,
          id,
        ]);
        await connection.query(
          `UPDATE changeover.rebuild SET swaps = swaps + 1, unvalidated = (SELECT coalesce(jsonb_agg(DISTINCT k), '[]') FROM jsonb_array_elements(unvalidated || $2) k)
           WHERE id = $1`,
          [id, JSON.stringify(notValidated(exchanged))],
        );
        await crashPoint('rebuild.in-swap');
      });
      const lockedMs = clock.monotonic() - locked;
      await crashPoint('rebuild.swapped');
      return { lockedMs };
    });
  }

  validate(): Promise<readonly string[]> {
    return this.#with(async (connection) => {
      const { id } = this.#options;
      const [row] = await connection.query<{ unvalidated: readonly (readonly [string, string])[] }>(
        'SELECT unvalidated FROM changeover.rebuild WHERE id = $1',
        [id],
      );
      const left: string[] = [];
      for (const [table, name] of row?.unvalidated ?? []) {
        const why = await this.#validate(connection, table, name);
        if (why === null) await connection.query(VALIDATED, [id, JSON.stringify([table, name])]);
        else left.push(`${table} ${name}: ${why}`);
      }
      return left;
    });
  }

  drop(): Promise<void> {
    return this.#with(async (connection) => {
      const { id, schema, crashPoint } = this.#options;
      const { tables } = await this.#require(connection);
      await this.#transaction(connection, LOCK_TIMEOUT_MS, async () => {
        await connection.query(`DROP TABLE ${inSchema(tables, schema).map(nameOf).join(', ')}`);
        await connection.query(`DROP SCHEMA ${escapeIdentifier(schema)}`);
        const ofStream = OWN_TABLES.map(({ table }) => table);
        for (const table of ['progress', 'barrier', ...ofStream, 'refused', 'preexisting'])
          await connection.query(`DELETE FROM changeover.${table} WHERE migration = $1`, [id]);
        await connection.query('DELETE FROM changeover.rebuild WHERE id = $1', [id]);
        await crashPoint('rebuild.in-drop');
      });
      await crashPoint('rebuild.dropped');
    });
  }

  async stop(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    this.#opened = null;
    await opened?.[Symbol.asyncDispose]();
  }

  async #with<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    try {
      this.#opened ??= this.#open();
      return await work(await this.#opened);
    } catch (error) {
      await this.stop();
      throw statementError(error, 'REBUILD_REFUSED');
    }
  }

  async #open(): Promise<Connection> {
    const connection = await Connection.open(this.#options.url, `?changeover-${this.#options.id}`);
    await connection.query(SETTINGS);
    return connection;
  }

  async #transaction<Result>(connection: Connection, lockTimeoutMs: number, work: () => Promise<Result>): Promise<Result> {
    await connection.query(`BEGIN; SET LOCAL lock_timeout = ${String(lockTimeoutMs)}; SET LOCAL synchronous_commit = on`);
    try {
      const result = await work();
      await connection.commit();
      return result;
    } catch (error) {
      if (!connection.lost) await connection.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async #find(connection: Connection): Promise<FoundRebuild | null> {
    const { id, migration, schema } = this.#options;
    const [row] = await connection.query<Row>(
      'SELECT migration, tables, swaps FROM changeover.rebuild WHERE id = $1 AND schema_name = $2',
      [id, schema],
    );
    if (row?.migration === migration) return { swaps: row.swaps, tables: row.tables.map(([one, table]) => ({ schema: one, table })) };
    const [there] = await connection.query<{ there: boolean }>('SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS there', [
      schema,
    ]);
    if (there?.there === true) refuse([`the schema ${schema} is there already, and is no rebuild of migration ${migration}`]);
    return null;
  }

  async #require(connection: Connection): Promise<FoundRebuild> {
    const found = (await isReadable(connection)) ? await this.#find(connection) : null;
    if (found !== null) return found;
    const { migration, schema } = this.#options;
    throw new ChangeoverError('REBUILD_MISSING', `there is no rebuild of migration ${migration} in the schema ${schema} of the target`);
  }

  /** TARGET_CHANGED if one is not there. */
  async #present(connection: Connection, tables: readonly TableName[]): Promise<readonly TableName[]> {
    const shapes = await readShapes(connection, tables);
    const isThere = among(shapes);
    const missing = tables.filter((table) => !isThere(table)).map(tableName);
    if (missing.length > 0) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${missing.join(', ')}`);
    return tables;
  }

  async #preexisting(connection: Connection): Promise<string[]> {
    const rows = await connection.query<{ table: string; rows: number }>(
      `SELECT table_schema || '.' || table_name AS "table", count(*)::int AS rows FROM changeover.preexisting WHERE migration = $1 GROUP BY 1 ORDER BY 1`,
      [this.#options.migration],
    );
    return rows.map(
      ({ table, rows: count }) =>
        `${table} holds ${String(count)} of the rows that were there before the first load, which the log does not know`,
    );
  }

  /** Both sides and what depends on them. TARGET_CHANGED where they are not alike any more, REBUILD_REFUSED where something cannot be moved. */
  async #exchanged(connection: Connection, tables: readonly TableName[]): Promise<Exchanged> {
    const { schema } = this.#options;
    await this.#present(connection, [...tables, ...inSchema(tables, schema)]);
    const live = await readShapes(connection, tables);
    const made = await readShapes(connection, inSchema(tables, schema));
    const differing = differences(live, made);
    if (differing.length > 0)
      throw new ChangeoverError(
        'TARGET_CHANGED',
        `the live tables (-) and those of ${schema} (+) are not alike any more:\n${differing.join('\n')}`,
      );
    const [ours, others] = [live, made].map((side) => side.map(({ oid }) => oid)) as [string[], string[]];
    const dependents = await readDependents(connection, [...ours, ...others]);
    refuse(immovable(dependents));
    const statistics = { live: await readStatistics(connection, ours), others: await readStatistics(connection, others) };
    return { live, schema, dependents, statistics, sequences: await readSharedSequences(connection, ours) };
  }

  /** Locks both places: nothing moves until the transaction ends. */
  async #requireSamePlace(connection: Connection): Promise<void> {
    const { migration, id } = this.#options;
    const places = await connection.query<{ log: string | null; seq: string | null }>(
      'SELECT changes_log_id AS log, changes_seq AS seq FROM changeover.progress WHERE migration IN ($1, $2) ORDER BY migration FOR UPDATE',
      [migration, id],
    );
    const [one, other] = places;
    if (one?.seq == null || other?.seq == null || one.seq !== other.seq || one.log !== other.log)
      throw new ChangeoverError(
        'HOLD_LOST',
        `the two loads are at the records ${places.map(({ seq }) => seq ?? '0').join(' and ')} of changes`,
      );
  }

  /**
   * What stands instead of a refused row, and whether rows that refer to it are refused as well, may not be the same on both sides: the lists go with the tables. A session
   * counts what is on its list, so both are ended and begin anew; behind our locks, as otherwise one might go on before it is.
   */
  async #exchangeRefused(connection: Connection, tables: readonly TableName[]): Promise<void> {
    const { migration, id, schema } = this.#options;
    const live = [tables.map(({ schema: one }) => one), tables.map(({ table }) => table)];
    const moved = await connection.query(EXCHANGE_REFUSED, [migration, id, schema, ...live]);
    if (moved.length === 0) return;
    await connection.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY ($1)`,
      [[applicationNameOf(migration), applicationNameOf(id)]],
    );
  }

  /** Null: it is, or is there no more; else why not. */
  async #validate(connection: Connection, table: string, name: string): Promise<string | null> {
    try {
      await connection.query(`SET lock_timeout = ${String(LOCK_TIMEOUT_MS)}`);
      await connection.query(`ALTER TABLE ${table} VALIDATE CONSTRAINT ${escapeIdentifier(name)}`);
      return null;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || connection.lost) throw error;
      // Dropped meanwhile, or its table.
      return error.code === '42704' || error.code === '42P01' ? null : `SQLSTATE ${error.code ?? 'none'}`;
    }
  }
}

/** Why tables cannot be made once more, or not be moved. */
function hindrances(
  live: readonly TableShape[],
  { fireTriggers, schema }: { readonly fireTriggers: boolean; readonly schema: string },
): string[] {
  const names = live.map(({ table }) => table);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  const firing = live.flatMap((table) => {
    const triggers = table.triggers.filter(({ enabled }) => enabled === 'O' || enabled === 'A').map(({ name }) => name);
    return fireTriggers || triggers.length === 0
      ? []
      : [
          `${tableName(table)} has triggers that would fire for each of its rows once more: ${triggers.join(', ')} (--fire-triggers lets them)`,
        ];
  });
  return [
    ...twice.map((name) => `two tables are called ${name}, of which ${schema} can only hold one`),
    ...live.flatMap((table) => ownHindrances(table).map((why) => `${tableName(table)} ${why}`)),
    ...firing,
  ];
}

function ownHindrances(shape: TableShape): string[] {
  const { kind, inherits, typed, printed, persistence, rules, policies, owned, owner, creatable, schema } = shape;
  // Of a policy's own table only a subquery has the name.
  const reading = policies.filter(({ using, check }) => `${using ?? ''} ${check ?? ''}`.includes(printed));
  if (kind !== 'r' || persistence === 't') return [`is not an ordinary table`];
  return [
    ...(inherits ? ['is a partition, inherits from another table, or others inherit from it'] : []),
    ...(typed ? ['is a table of a type'] : []),
    ...(rules.length > 0 ? [`has rules: ${rules.join(', ')}`] : []),
    ...reading.map(({ name }) => `has a policy that reads it: ${name}`),
    ...(owned ? [] : [`belongs to ${owner}, of which our role is no member`]),
    ...(creatable ? [] : [`could not be put into its place: our role may not create in the schema ${schema}`]),
  ];
}

/** What depends on the tables and cannot be led to others. */
function immovable({ views, keys, others }: Dependents): string[] {
  return [
    ...others.map((what) => `${what} depends on these tables, and cannot be led to others`),
    ...views
      .filter(({ owned }) => !owned)
      .map(({ name }) => `the view ${name} reads these tables, and belongs to a role of which ours is no member`),
    ...keys
      .filter(({ owned }) => !owned)
      .map(({ table }) => `${table} refers to these tables, and belongs to a role of which ours is no member`),
  ];
}

function differences(live: readonly TableShape[], made: readonly TableShape[]): string[] {
  const [isLive, isMade] = [among(live), among(made)];
  return live.flatMap((table, at) => {
    const other = made[at];
    const lines = other === undefined ? [] : shapeLines(other, isMade);
    return shapeDifference(shapeLines(table, isLive), lines).map((line) => `${tableName(table)}: ${line}`);
  });
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new ChangeoverError('REBUILD_REFUSED', reasons.join('\n'), { facts: { reasons: reasons.length } });
}

function requireSame(found: readonly TableName[], wanted: readonly TableName[], schema: string): 'there' {
  const [isFound, isWanted] = [among(found), among(wanted)];
  const [more, fewer] = [wanted.filter((table) => !isFound(table)), found.filter((table) => !isWanted(table))];
  if (more.length + fewer.length > 0)
    refuse([
      `the mapping writes other tables than ${schema} was made for: ${[...more, ...fewer].map(tableName).join(', ')}; drop the rebuild and begin it again`,
    ]);
  return 'there';
}

function namesOf({ dependents: { views, keys } }: Exchanged): readonly string[] {
  return [...views.map(({ name }) => name), ...keys.map(({ table, name }) => `${table} ${name}`)];
}

function inSchema(tables: readonly TableName[], schema: string): readonly TableName[] {
  return tables.map(({ table }) => ({ schema, table }));
}

function among(tables: readonly TableName[]): (table: TableName) => boolean {
  const names = new Set(tables.map(tableName));
  return (table) => names.has(tableName(table));
}
