import { ChangeoverError, invariant } from '@changeover/core';
import { ROW_TEXT_SETTINGS } from '@changeover/events';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

import type { Statement } from './sql/row-statements.js';

/** How a row's text is read and written (architecture 3), and how the catalogue prints names and expressions. */
const TEXT_SETTINGS = {
  ...ROW_TEXT_SETTINGS,
  standard_conforming_strings: 'on',
  // Off, a NULL in an array becomes the text "NULL".
  array_nulls: 'on',
  xmloption: 'content',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
};

/**
 * How statements and transactions end: a role's or database's limits are for applications. `search_path` stays what it is, as triggers and
 * functions of the target may need it, and `default_transaction_read_only`, by which somebody says that nothing is to be written now.
 */
const ENDING_SETTINGS = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  exit_on_error: 'off',
  // Off means: rather an error than rows that are not found and so not deleted.
  row_security: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
};

const SETTINGS = Object.entries({ ...TEXT_SETTINGS, ...ENDING_SETTINGS })
  .map(([name, value]) => `SET ${name} = '${value}';`)
  .join(' ');

/** PostgreSQL 17 and later know it. By itself: a look at anything waits for others where transactions are deferrable by default. */
const NO_TRANSACTION_TIMEOUT = `SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL;`;

/**
 * Rows are found by key, always: a prepared plan is made while a table may be empty and is still in use when it holds millions of rows,
 * so every other way than the index has to be off, not merely dear. The order of rows in a statement is then the order of the arrays, which the
 * careful path relies on.
 */
const PLANNER_SETTINGS = `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET enable_bitmapscan = off; SET enable_material = off; SET jit = off; SET max_parallel_workers_per_gather = 0;`;

const PREPARED_STATEMENTS = 200;
const CONNECT_TIMEOUT_MS = 10_000;

/** pg's own bookkeeping, which has to forget what we deallocate. */
type ParsedStatements = {
  readonly connection: { readonly parsedStatements: Record<string, string>; readonly submittedNamedStatements?: Record<string, string> };
};

/** One connection with the target, with a bounded number of prepared statements. Errors come out as pg's own. */
export class Connection implements AsyncDisposable {
  readonly #client: pg.Client;
  /** Text to name, least recently used first. */
  readonly #prepared = new Map<string, string>();
  #named = 0;
  #lost: Error | null = null;

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('error', (error) => {
      this.#lost ??= error;
    });
    client.on('end', () => {
      this.#lost ??= new Error('the connection with the target was closed');
    });
  }

  static async open(url: string, applicationName: string): Promise<Connection> {
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    const connection = new Connection(client);
    try {
      await client.connect();
      await client.query(SETTINGS + PLANNER_SETTINGS);
      await client.query(NO_TRANSACTION_TIMEOUT);
      // Again, because an application_name in the connection string would win.
      await client.query(`SELECT set_config('application_name', $1, false)`, [applicationName]);
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    return connection;
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  /** A query, or several without parameters in one text. */
  async query<Row = unknown>(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    this.#checkAlive();
    const result = values === undefined ? await this.#client.query(sql) : await this.#client.query(sql, [...values]);
    // Several statements give several results; nobody asks for their rows.
    return (Array.isArray(result) ? [] : result.rows) as Row[];
  }

  /** Runs a statement prepared; gives the number of rows it changed. */
  async execute(statement: Statement): Promise<number> {
    this.#checkAlive();
    const name = await this.#nameOf(statement.text);
    const result = await this.#client.query({ name, text: statement.text, values: [...statement.values] });
    return result.rowCount ?? 0;
  }

  /**
   * `COPY … FROM STDIN`; gives the number of rows. Pieces are handed to the socket one after the other, so that the server works on one while the next is
   * on its way. `sent` runs before the end of the data is told.
   */
  async copyIn(sql: string, pieces: readonly Buffer[], sent: () => void | Promise<void> = () => undefined): Promise<number> {
    this.#checkAlive();
    const copy = this.#client.query(copyFrom(sql));
    await new Promise<void>((resolve, reject) => {
      let refused = false;
      copy.on('finish', resolve);
      copy.on('error', (error) => {
        refused = true;
        reject(error);
      });
      const send = async (): Promise<void> => {
        for (const piece of pieces) {
          // Once the server has refused, nothing must be asked of it any more: it has let go of the connection.
          await new Promise<void>((taken) =>
            copy.write(piece, () => {
              taken();
            }),
          );
          if (refused) return;
        }
        await sent();
        if (!refused) copy.end();
      };
      send().catch(reject);
    });
    return copy.rowCount;
  }

  /**
   * `COPY … TO STDOUT`, in pieces as they come; the server waits while nobody asks for more. Who stops before the end can only dispose of the connection: the
   * server has more to say.
   */
  copyOut(sql: string): AsyncIterable<Buffer> {
    this.#checkAlive();
    const copy = this.#client.query(copyTo(sql));
    // Whoever iterates is told of an error; when he has stopped before, nobody listens any more.
    copy.on('error', () => undefined);
    return copy;
  }

  /** Sends COMMIT at once; the answer is awaited by whoever awaits the result. */
  async commit(): Promise<void> {
    this.#checkAlive();
    const { command } = await this.#client.query('COMMIT');
    // In a failed transaction the server answers ROLLBACK, without an error.
    invariant(command === 'COMMIT', 'a failed transaction was to be committed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  #checkAlive(): void {
    if (this.#lost !== null)
      throw new ChangeoverError('TARGET_UNREACHABLE', `the connection with the target is gone: ${this.#lost.message}`);
  }

  async #nameOf(text: string): Promise<string> {
    const known = this.#prepared.get(text);
    if (known !== undefined) {
      this.#prepared.delete(text);
      this.#prepared.set(text, known);
      return known;
    }
    if (this.#prepared.size >= PREPARED_STATEMENTS) await this.#forgetOldest();
    this.#named += 1;
    const name = `changeover_${String(this.#named)}`;
    this.#prepared.set(text, name);
    return name;
  }

  async #forgetOldest(): Promise<void> {
    const oldest = this.#prepared.entries().next().value;
    invariant(oldest !== undefined, 'no prepared statement to forget');
    const [text, name] = oldest;
    this.#prepared.delete(text);
    const { parsedStatements, submittedNamedStatements } = (this.#client as unknown as ParsedStatements).connection;
    // Its parse may have failed: then the server does not know it.
    if (!Object.hasOwn(parsedStatements, name)) return;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- pg keeps them in a plain object
    delete parsedStatements[name];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    if (submittedNamedStatements !== undefined) delete submittedNamedStatements[name];
    await this.#client.query(`DEALLOCATE ${name}`);
  }
}
