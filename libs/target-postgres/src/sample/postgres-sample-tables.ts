import { ChangeoverError } from '@changeover/core';
import { SampleTables, type RefusedLine, type TableSchema } from '@changeover/events';
import pg, { escapeIdentifier, escapeLiteral } from 'pg';

import { nameOf } from '../catalogue/target-table.js';
import { Connection } from '../connection.js';
import { reasonOf, statementError, verdictOf } from '../sql-state.js';

export type PostgresSampleTablesOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  readonly migration: string;
  readonly schema: string;
};

/** Where nobody waits behind us. */
const LOCK_TIMEOUT_MS = 5_000;
const LF = 0x0a;

const MARKED = `SELECT c.relname AS "table" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = $2 ORDER BY 1`;

/** Whose values would be taken from the sequences of the live tables, or by functions that may do anything there; of the key a row has its own. */
const NUMBERED = `SELECT c.relname AS "table", a.attname AS "column", EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)) AS key
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE n.nspname = $1 AND c.relkind = 'r' AND a.attgenerated = '' AND (pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval(%'
    OR EXISTS (SELECT FROM pg_depend f WHERE f.classid = 'pg_attrdef'::regclass AND f.objid = d.oid AND f.refclassid = 'pg_proc'::regclass))`;

const GENERATED = `SELECT c.relname AS "table", a.attname AS "column"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE n.nspname = $1 AND c.relkind = 'r' AND a.attgenerated <> ''`;

/** Tables of a PostgreSQL database, in a schema that a comment says is a sample's. */
export class PostgresSampleTables extends SampleTables {
  readonly #options: PostgresSampleTablesOptions;
  readonly #mark: string;
  #opened: Promise<Connection> | null = null;

  constructor(options: PostgresSampleTablesOptions) {
    super();
    this.#options = options;
    this.#mark = `changeover: a sample of migration ${options.migration}`;
  }

  make(tables: readonly TableSchema[], { replace }: { readonly replace: boolean }): Promise<void> {
    return this.#with(async (connection) => {
      const { schema } = this.#options;
      const names = tables.map(({ table }) => table);
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) throw refused(`two tables are called ${twice}, of which ${schema} can only hold one`);
      await connection.query(`BEGIN; SET LOCAL lock_timeout = ${String(LOCK_TIMEOUT_MS)}`);
      await this.#clear(connection, replace);
      await connection.query(
        `CREATE SCHEMA ${escapeIdentifier(schema)}; COMMENT ON SCHEMA ${escapeIdentifier(schema)} IS ${escapeLiteral(this.#mark)}`,
      );
      const statements = tables.flatMap((table) => {
        const own = nameOf({ schema, table: table.table });
        return [`CREATE TABLE ${own} (LIKE ${nameOf(table)} INCLUDING ALL)`, `COMMENT ON TABLE ${own} IS ${escapeLiteral(this.#mark)}`];
      });
      await connection.query(statements.join(';\n'));
      const numbered = await connection.query<{ table: string; column: string; key: boolean }>(NUMBERED, [schema]);
      const freed = numbered.map(({ table, column, key }) => {
        const alter = `ALTER COLUMN ${escapeIdentifier(column)}`;
        return `ALTER TABLE ${nameOf({ schema, table })} ${alter} DROP DEFAULT${key ? '' : `, ${alter} DROP NOT NULL`}`;
      });
      const generated = await connection.query<{ table: string; column: string }>(GENERATED, [schema]);
      // COPY takes no value for one that is generated: what the mapping says of it stands there instead.
      const given = generated
        .filter(({ table, column }) => tables.some((one) => one.table === table && one.columns.some(({ name }) => name === column)))
        .map(({ table, column }) => `ALTER TABLE ${nameOf({ schema, table })} ALTER COLUMN ${escapeIdentifier(column)} DROP EXPRESSION`);
      await connection.query([...freed, ...given].join(';\n'));
      await connection.commit();
    });
  }

  write({ table, columns }: TableSchema, lines: Buffer): Promise<readonly RefusedLine[]> {
    return this.#with(async (connection) => {
      const names = columns.map(({ name }) => name);
      const copy = `COPY ${nameOf({ schema: this.#options.schema, table })} (${names.map(escapeIdentifier).join(', ')}) FROM STDIN`;
      const starts = lineStarts(lines);
      const found: RefusedLine[] = [];
      // One COPY takes all of its lines or none: halves tell which of them it is.
      const put = async (from: number, to: number): Promise<void> => {
        try {
          await connection.copyIn(copy, [lines.subarray(starts[from], starts[to])]);
        } catch (error) {
          if (!(error instanceof pg.DatabaseError) || verdictOf(error) !== 'row') throw error;
          const half = (from + to) >> 1;
          if (half === from) found.push({ line: from, reason: whyOf(error, names) });
          else {
            await put(from, half);
            await put(half, to);
          }
        }
      };
      if (lines.length > 0) await put(0, starts.length - 1);
      return found;
    });
  }

  async stop(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    this.#opened = null;
    await opened?.[Symbol.asyncDispose]();
  }

  /** Takes an earlier sample away; whatever else somebody put into the schema, or made of it, hinders that. */
  async #clear(connection: Connection, replace: boolean): Promise<void> {
    const { schema, migration } = this.#options;
    const [found] = await connection.query<{ mark: string | null }>(
      `SELECT obj_description(oid, 'pg_namespace') AS mark FROM pg_namespace WHERE nspname = $1`,
      [schema],
    );
    if (found === undefined) return;
    if (found.mark !== this.#mark) throw refused(`the schema ${schema} is there already, and is no sample of migration ${migration}`);
    if (!replace) throw refused(`the schema ${schema} holds a sample already, which is only replaced when that is asked for (--replace)`);
    const tables = await connection.query<{ table: string }>(MARKED, [schema, this.#mark]);
    const drops = tables.map(({ table }) => `DROP TABLE ${nameOf({ schema, table })}`);
    await connection.query([...drops, `DROP SCHEMA ${escapeIdentifier(schema)}`].join(';\n'));
  }

  /** After an error nothing is left open: what was begun with it is gone. */
  async #with<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    try {
      this.#opened ??= Connection.open(this.#options.url, `?changeover-${this.#options.migration}-sample`);
      return await work(await this.#opened);
    } catch (error) {
      await this.stop();
      throw statementError(error, 'SAMPLE_REFUSED');
    }
  }
}

function refused(message: string): ChangeoverError {
  return new ChangeoverError('SAMPLE_REFUSED', message);
}

/** Of each line, and of what comes behind the last. */
function lineStarts(lines: Buffer): readonly number[] {
  const starts = [0];
  for (let end = lines.indexOf(LF); end !== -1; end = lines.indexOf(LF, end + 1)) starts.push(end + 1);
  return starts;
}

/** The column that is read stands in the context, before the value. What a function of somebody's raises may say anything, and of each row something else. */
function whyOf(error: pg.DatabaseError, columns: readonly string[]): string {
  const column = error.column ?? columns.find((name) => error.where?.includes(`, column ${name}: `) === true);
  const state = error.code ?? 'none';
  const reason = /^2[23]/u.test(state) ? reasonOf(error) : `SQLSTATE ${state}`;
  return column === undefined ? reason : `${column}: ${reason}`;
}
