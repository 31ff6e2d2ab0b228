import { Random } from '@changeover/example-crm';
import pg from 'pg';

/** Every row says in `tx` which transaction of the journal wrote it last. */
const TABLES = `
  CREATE TABLE journal (id bigint PRIMARY KEY, worker integer NOT NULL);
  CREATE TABLE accounts (id bigint PRIMARY KEY, code text UNIQUE, balance bigint NOT NULL, tx bigint NOT NULL);
  CREATE TABLE contacts (id bigint PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE, email text UNIQUE, note text, tx bigint NOT NULL);
  CREATE INDEX ON contacts (account_id);
`;

/** What only the target refuses. */
const REFUSED_NOTE = 'the target refuses this';

export const LEDGER_TABLES = ['journal', 'accounts', 'contacts'] as const;

export async function createLedger(client: pg.Client, side: 'source' | 'target'): Promise<void> {
  await client.query(TABLES);
  if (side === 'target')
    await client.query(`ALTER TABLE contacts ADD CONSTRAINT note_is_welcome CHECK (note <> ${pg.escapeLiteral(REFUSED_NOTE)})`);
}

const WORKERS = 3;
const PAUSE_MS = 40;
const FIRST_ACCOUNTS = 12;
const LARGE_ACCOUNT = 1;
const OLD_ACCOUNTS = 100;

type Work = (client: pg.Client, tx: number, random: Random) => Promise<unknown>;

/**
 * Users of the source who journal each transaction twice: as a row of it, and here once COMMIT has returned. So there is another account
 * of what was committed than any that Changeover keeps.
 */
export class Ledger {
  readonly committed = new Set<number>();
  readonly rolledBack = new Set<number>();
  /** The connection was lost in COMMIT. */
  readonly maybe = new Set<number>();
  /** Of the committed, those that changed rows of which no event tells. */
  readonly rewrites = new Set<number>();
  readonly #url: string;
  readonly #random: Random;
  #nextTx = 1;
  #nextId = 1_000;
  #stopping = false;
  #workers: Promise<void>[] = [];

  constructor(url: string, seed: number) {
    this.#url = url;
    this.#random = new Random(seed);
  }

  /** Rows from before anybody captured: of no transaction of the journal. */
  async fill(contacts: number): Promise<void> {
    const client = await this.#connect();
    await client.query(`INSERT INTO accounts SELECT 100 + n, 'old ' || n, 1000, 0 FROM generate_series(1, $1::int) n`, [OLD_ACCOUNTS]);
    await client.query(
      `INSERT INTO contacts SELECT 200000 + n, 101 + n % $2::int, CASE WHEN n % 3 > 0 THEN 'old' || n || '@example.com' END, repeat(md5(n::text), 5), 0
         FROM generate_series(1, $1::int) n`,
      [contacts, OLD_ACCOUNTS],
    );
    await client.end();
  }

  /** Every contact is written anew, as by this transaction; no event tells of it, but the new form of a table comes with the next row. */
  async rewrite(): Promise<void> {
    const id = this.#ids(1);
    const tx = await this.transaction(async (client, tx) => {
      await client.query(`ALTER TABLE contacts ALTER note TYPE text USING note || '.', ALTER tx TYPE bigint USING ${String(tx)}`);
      await client.query('INSERT INTO contacts VALUES ($1, $2, NULL, NULL, $3)', [id, LARGE_ACCOUNT, tx]);
    });
    this.rewrites.add(tx);
  }

  /** The first accounts, then the workers. */
  async start(): Promise<void> {
    await this.transaction(async (client, tx) => {
      for (let id = 1; id <= FIRST_ACCOUNTS; id++) {
        await client.query('INSERT INTO accounts VALUES ($1, $2, 1000, $3)', [id, `code ${String(id)}`, tx]);
      }
    });
    this.#workers = Array.from({ length: WORKERS }, (_, worker) => this.#work(worker));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#workers);
  }

  /** One transaction of several MB: more than a part, whatever part it is. */
  async large(megabytes = 3): Promise<void> {
    const rows = megabytes * 500;
    const first = await this.#add(rows, 64);
    await this.transaction((client) => client.query('DELETE FROM contacts WHERE id BETWEEN $1 AND $2', [first, first + rows - 1]));
  }

  /** One transaction of many rows that together are less than a part. They stay, as rows that leave in the same batch never reach a COPY. */
  async bulk(): Promise<void> {
    await this.#add(2000, 3);
  }

  /** Gives the first of the new rows' ids. */
  async #add(rows: number, repeat: number): Promise<number> {
    const first = this.#ids(rows);
    await this.transaction((client, tx) =>
      client.query(
        `INSERT INTO contacts SELECT $1::bigint + n, $2, NULL, repeat(md5(n::text), $5), $3 FROM generate_series(0, $4::int - 1) n`,
        [first, LARGE_ACCOUNT, tx, rows, repeat],
      ),
    );
    return first;
  }

  /** A row that only the target refuses, among others; gives its id. */
  async refused(): Promise<number> {
    const id = this.#ids(3);
    await this.transaction((client, tx) =>
      client.query('INSERT INTO contacts VALUES ($1, $4, NULL, $5, $6), ($2, $4, NULL, $7, $6), ($3, $4, NULL, $5, $6)', [
        id,
        id + 1,
        id + 2,
        LARGE_ACCOUNT,
        'fine',
        tx,
        REFUSED_NOTE,
      ]),
    );
    return id + 1;
  }

  /** A small transaction of its own; gives its number in the journal. */
  async note(text: string): Promise<number> {
    const id = this.#ids(1);
    return this.transaction((client, tx) =>
      client.query('INSERT INTO contacts VALUES ($1, $2, NULL, $3, $4)', [id, LARGE_ACCOUNT, text, tx]),
    );
  }

  async transaction(work: Work): Promise<number> {
    const client = await this.#connect();
    try {
      return await this.#run(client, -1, work, this.#random, false);
    } finally {
      await client.end();
    }
  }

  async #work(worker: number): Promise<void> {
    const random = this.#random.fork(worker);
    let client = await this.#connect();
    while (!this.#stopping) {
      try {
        await this.#run(client, worker, random.pick(WORKS), random, random.oneIn(10));
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || !/^(23|40)/u.test(error.code ?? '')) {
          if (this.#stopping) break;
          await client.end().catch(() => undefined);
          client = await this.#connect();
        }
      }
      await new Promise((resolve) => setTimeout(resolve, random.integer(0, 2 * PAUSE_MS)));
    }
    await client.end().catch(() => undefined);
  }

  async #run(client: pg.Client, worker: number, work: Work, random: Random, rollback: boolean): Promise<number> {
    const tx = this.#nextTx++;
    let committing = false;
    try {
      await client.query('BEGIN');
      await client.query('INSERT INTO journal VALUES ($1, $2)', [tx, worker]);
      await work(client, tx, random);
      committing = !rollback;
      await client.query(rollback ? 'ROLLBACK' : 'COMMIT');
    } catch (error) {
      if (error instanceof pg.DatabaseError) {
        this.rolledBack.add(tx);
        await client.query('ROLLBACK').catch(() => undefined);
      } else if (committing) this.maybe.add(tx);
      else this.rolledBack.add(tx);
      throw error;
    }
    (rollback ? this.rolledBack : this.committed).add(tx);
    return tx;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  #ids(count: number): number {
    const first = this.#nextId;
    this.#nextId += count;
    return first;
  }
}

const anAccount = '(SELECT id FROM accounts WHERE id > 1 ORDER BY random() LIMIT 1)';
const aContact = `(SELECT id FROM contacts WHERE note IS DISTINCT FROM ${pg.escapeLiteral(REFUSED_NOTE)} AND account_id > 1 ORDER BY random() LIMIT 1)`;

const WORKS: readonly Work[] = [
  (client, tx) => client.query('INSERT INTO accounts VALUES ($1::bigint * 1000 + 1000000, $2, 10, $1)', [tx, `code ${String(tx)}`]),
  (client, tx, random) =>
    client.query(`INSERT INTO contacts SELECT $1::bigint * 1000 + 1000000, id, $2, $3, $1 FROM accounts WHERE id = ${anAccount}`, [
      tx,
      random.oneIn(3) ? null : `mail${String(tx)}@example.com`,
      'x'.repeat(random.integer(0, 200)),
    ]),
  (client, tx) => client.query(`UPDATE contacts SET note = 'note ' || $1::text, tx = $1 WHERE id = ${aContact}`, [tx]),
  // A key that changes.
  (client, tx) => client.query(`UPDATE contacts SET id = $1::bigint * 1000 + 1000500, tx = $1 WHERE id = ${aContact}`, [tx]),
  (client) => client.query(`DELETE FROM contacts WHERE id = ${aContact}`),
  // With its contacts, by the cascade.
  (client, _tx, random) =>
    random.oneIn(4) ? client.query(`DELETE FROM accounts WHERE id > 100 AND id = ${anAccount}`) : Promise.resolve(),
  async (client, tx) => {
    const { rows } = await client.query<{ id: string; code: string }>(
      'SELECT id, code FROM accounts WHERE id > 1 ORDER BY random() LIMIT 2',
    );
    const [one, other] = rows;
    if (one === undefined || other === undefined) return;
    await client.query('UPDATE accounts SET balance = balance - 1, code = $2, tx = $3 WHERE id = $1', [one.id, `swap ${String(tx)}`, tx]);
    await client.query('UPDATE accounts SET balance = balance + 1, code = $2, tx = $3 WHERE id = $1', [other.id, one.code, tx]);
    await client.query('UPDATE accounts SET code = $2, tx = $3 WHERE id = $1', [one.id, other.code, tx]);
  },
];
