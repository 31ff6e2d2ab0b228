import { connectTo, type LagProbe } from '@changeover/example-crm';
import type { Clock } from '@changeover/core';
import type { ClientBase } from 'pg';

/** Ten columns, about 250 B a row. */
const TABLES = `
  CREATE TABLE contacts (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text NOT NULL,
    phone text,
    city text,
    score numeric(12, 2) NOT NULL,
    updated_at timestamptz NOT NULL,
    remark text
  );
  CREATE TABLE probes (id bigint PRIMARY KEY, sent_by text NOT NULL);
`;

const ROW = `
  n, n / 7, 'first ' || n % 1000, 'last ' || n % 5000, 'person' || n || '@example.com', '+49 30 ' || n,
  'city ' || n % 300, n % 100000 / 100.0, clock_timestamp(), repeat(md5(n::text), 4)
`;

export async function createBenchTables(url: string): Promise<void> {
  await using client = await connectTo(url);
  await client.query(TABLES);
}

export type Work = {
  readonly name: string;
  readonly rows: number;
  /** Does it all at the source; resolves after its last COMMIT returned. */
  readonly run: (source: ClientBase) => Promise<void>;
};

/** `transactions` of 1000 inserted rows each. */
export function bulkInserts(firstId: number, transactions: number): Work {
  return {
    name: `${String(transactions)} transactions × 1000 inserts`,
    rows: transactions * 1_000,
    run: async (source) => {
      for (let number = 0; number < transactions; number++) {
        const first = firstId + number * 1_000;
        await source.query(`INSERT INTO contacts SELECT ${ROW} FROM generate_series($1::bigint, $2::bigint) AS n`, [first, first + 999]);
      }
    },
  };
}

/** `transactions` of 1000 updated rows each, every row once: nothing to be saved by taking transactions together. */
export function bulkUpdates(firstId: number, transactions: number): Work {
  return {
    name: `${String(transactions)} transactions × 1000 updates`,
    rows: transactions * 1_000,
    run: async (source) => {
      for (let number = 0; number < transactions; number++) {
        const first = firstId + number * 1_000;
        await source.query(
          `UPDATE contacts SET score = score + 1, phone = '+49 40 ' || id, remark = repeat(md5(score::text), 4), updated_at = clock_timestamp()
            WHERE id BETWEEN $1 AND $2`,
          [first, first + 999],
        );
      }
    },
  };
}

/** `transactions` of one updated row each, committed by a loop inside the server so that the source is not what is measured. */
export function singleUpdates(firstId: number, transactions: number): Work {
  return {
    name: `${String(transactions)} transactions × 1 update`,
    rows: transactions,
    run: async (source) => {
      await source.query('SET synchronous_commit = off');
      await source.query(`
        DO $$ BEGIN
          FOR number IN ${String(firstId)}..${String(firstId + transactions - 1)} LOOP
            UPDATE contacts SET score = score + 1, updated_at = clock_timestamp() WHERE id = number;
            COMMIT;
          END LOOP;
        END $$`);
    },
  };
}

/** One transaction that inserts `rows` rows. */
export function hugeTransaction(firstId: number, rows: number): Work {
  return {
    name: `1 transaction × ${String(rows)} inserts`,
    rows,
    run: async (source) => {
      await source.query(`INSERT INTO contacts SELECT ${ROW} FROM generate_series($1::bigint, $2::bigint) AS n`, [
        firstId,
        firstId + rows - 1,
      ]);
    },
  };
}

export type WorkTiming = {
  /** From the first statement at the source until a marker committed after the last one is visible at the target. */
  readonly seconds: number;
  readonly sourceSeconds: number;
};

/** Does the work and waits until all of it has arrived: commits arrive in order, so a marker behind it says so. */
export async function timeWork(
  work: Work,
  options: { readonly sourceUrl: string; readonly probe: LagProbe; readonly clock: Clock },
): Promise<WorkTiming> {
  const { sourceUrl, probe, clock } = options;
  await using source = await connectTo(sourceUrl);
  const begun = clock.monotonic();
  await work.run(source);
  const written = clock.monotonic();
  await probe.measure();
  const arrived = clock.monotonic();
  return { seconds: (arrived - begun) / 1_000, sourceSeconds: (written - begun) / 1_000 };
}
