import { connectTo } from '@changeover/example-crm';
import type pg from 'pg';

const SENTINELS = 20;
const FIRST_SENTINEL = 900;
const COUNTER = FIRST_SENTINEL + SENTINELS;
const PAUSE_MS = 5;

export const SENTINEL_TABLES =
  'CREATE TABLE app.remark (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, company_id int NOT NULL REFERENCES app.company, text text)';

export type Probed = {
  readonly reads: number;
  readonly remarks: number;
  readonly counted: number;
  /** The longest that one of them had to wait, in milliseconds. */
  readonly longestReadMs: number;
  readonly longestWriteMs: number;
  /** What nobody may ever see. */
  readonly wrong: readonly string[];
};

/**
 * People who go on working: some read rows that always are there, each once, and one that is only ever counted up; some write rows of their own beside them, which refer to
 * them; and the old CRM counts.
 */
export class Probers implements AsyncDisposable {
  readonly #source: pg.Client;
  readonly #reader: pg.Client;
  readonly #writer: pg.Client;
  readonly #stop = new AbortController();
  readonly #wrong: string[] = [];
  #working: Promise<unknown> = Promise.resolve();
  #reads = 0;
  #remarks = 0;
  #counted = 0;
  #longestReadMs = 0;
  #longestWriteMs = 0;

  private constructor(source: pg.Client, reader: pg.Client, writer: pg.Client) {
    this.#source = source;
    this.#reader = reader;
    this.#writer = writer;
  }

  /** Rows that the source must have brought to the target before the probers begin. */
  static async plant(source: pg.Client): Promise<void> {
    await source.query(`INSERT INTO company SELECT n, 'sentinel ' || n, 'big' FROM generate_series($1::int, $2::int) n`, [
      FIRST_SENTINEL,
      COUNTER - 1,
    ]);
    await source.query(`INSERT INTO company VALUES ($1, '0', 'big')`, [COUNTER]);
  }

  static async begin(sourceUrl: string, targetUrl: string): Promise<Probers> {
    const probers = new Probers(await connectTo(sourceUrl), await connectTo(targetUrl), await connectTo(targetUrl));
    probers.#working = Promise.all([probers.#read(), probers.#remark(), probers.#count()]);
    probers.#working.catch(() => undefined);
    return probers;
  }

  /** Gives what they saw. */
  async end(): Promise<Probed> {
    this.#stop.abort();
    await this.#working;
    return {
      reads: this.#reads,
      remarks: this.#remarks,
      counted: this.#counted,
      longestReadMs: this.#longestReadMs,
      longestWriteMs: this.#longestWriteMs,
      wrong: this.#wrong,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working.catch(() => undefined);
    await Promise.all([this.#source.end(), this.#reader.end(), this.#writer.end()]);
  }

  async #read(): Promise<void> {
    let last = 0;
    await this.#again(async () => {
      const began = performance.now();
      const { rows } = await this.#reader.query<{ rows: number; keys: number; counter: string | null }>(
        `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS keys, max(name) FILTER (WHERE id = $2) AS counter FROM app.company WHERE id BETWEEN $1 AND $2`,
        [FIRST_SENTINEL, COUNTER],
      );
      this.#longestReadMs = Math.max(this.#longestReadMs, performance.now() - began);
      const [{ rows: seen, keys, counter }] = rows as [{ rows: number; keys: number; counter: string | null }];
      if (seen !== SENTINELS + 1 || keys !== seen) this.#wrong.push(`${String(seen)} rows, ${String(keys)} keys`);
      if (Number(counter ?? -1) < last) this.#wrong.push(`${counter ?? 'no counter'} after ${String(last)}`);
      last = Number(counter);
      this.#reads++;
    });
  }

  async #remark(): Promise<void> {
    await this.#again(async () => {
      const began = performance.now();
      await this.#writer.query('INSERT INTO app.remark (company_id, text) VALUES ($1, $2)', [
        FIRST_SENTINEL + (this.#remarks % SENTINELS),
        'seen',
      ]);
      this.#longestWriteMs = Math.max(this.#longestWriteMs, performance.now() - began);
      this.#remarks++;
    });
    const { rows } = await this.#writer.query<{ rows: number }>(
      'SELECT count(*)::int AS rows FROM app.remark JOIN app.company c ON c.id = company_id',
    );
    if (rows[0]?.rows !== this.#remarks) this.#wrong.push(`${String(rows[0]?.rows)} remarks of ${String(this.#remarks)}`);
  }

  async #count(): Promise<void> {
    await this.#again(async () => {
      await this.#source.query('UPDATE company SET name = $2 WHERE id = $1', [COUNTER, String(++this.#counted)]);
    });
  }

  async #again(work: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
