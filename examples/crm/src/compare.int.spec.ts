import { SystemClock } from '@changeover/core';
import { startPostgres, type RunningPostgres } from '@changeover/local-services';
import pg from 'pg';

import { compareCrms } from './compare.js';
import { TABLE_PAIRS } from './crm-tables.js';
import { createLegacySchema } from './legacy-schema.js';
import { createModernSchema } from './modern-schema.js';
import { sabotage } from './sabotage.js';
import { Traffic } from './traffic/traffic.js';

const SEED = 7;

/** Brings the new CRM up to date the slow way: everything again. Stands in for Changeover where only our own parts are tested. */
async function copyEverything(legacy: pg.Client, modern: pg.Client): Promise<void> {
  await modern.query('BEGIN; SET LOCAL session_replication_role = replica');
  for (const pair of TABLE_PAIRS) {
    const { rows } = await legacy.query<{ row: string }>(
      `SELECT json_build_object(${pair.columns.map(([from, to]) => `'${to}', ${from}::text`).join(', ')})::text AS row FROM ${pair.legacy.join('.')}`,
    );
    const table = pair.modern.join('.');
    await modern.query(`DELETE FROM ${table}`);
    const types = await modern.query<{ column: string; type: string }>(
      `SELECT attname AS column, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
      [table],
    );
    await modern.query(
      `INSERT INTO ${table} (${types.rows.map(({ column }) => column).join(', ')})
       SELECT ${types.rows.map(({ column, type }) => `(line->>'${column}')::${type}`).join(', ')} FROM unnest($1::json[]) AS line`,
      [rows.map(({ row }) => row)],
    );
  }
  await modern.query('COMMIT');
}

describe('the example CRM', () => {
  let server: RunningPostgres;
  let legacy: pg.Client;
  let modern: pg.Client;
  let legacyUrl: string;

  beforeAll(async () => {
    server = await startPostgres({ own: true });
    const admin = new pg.Client(server.url);
    await admin.connect();
    await admin.query('CREATE DATABASE legacy');
    await admin.query('CREATE DATABASE modern');
    await admin.end();
    const at = (database: string): string => Object.assign(new URL(server.url), { pathname: database }).href;
    legacyUrl = at('legacy');
    legacy = new pg.Client(legacyUrl);
    modern = new pg.Client(at('modern'));
    await Promise.all([legacy.connect(), modern.connect()]);
    await createLegacySchema(legacy);
    await createModernSchema(modern);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([legacy.end(), modern.end()]);
    await server.stop();
  });

  it('has users who do everything that the journal knows, and stop at once', async () => {
    const clock = new SystemClock();
    const traffic = await Traffic.start({ url: legacyUrl, seed: SEED, users: 20, pauseMs: 5, clock });
    await clock.sleep(4_000);
    const summary = await traffic.stop();
    console.info(`seed ${String(SEED)}`, summary);
    expect(summary.missing).toEqual([]);
    expect(summary.ambiguous).toBe(0);
    const before = await legacy.query('SELECT pg_current_wal_insert_lsn()');
    expect(traffic.summary()).toEqual(summary);
    const active = await legacy.query("SELECT FROM pg_stat_activity WHERE application_name LIKE 'crm user%'");
    expect([active.rowCount, before.rowCount]).toEqual([0, 1]);
    const never = await legacy.query("SELECT FROM accounts WHERE name = 'never to be seen'");
    expect(never.rowCount).toBe(0);
  });

  it('compares equal after a copy, and nothing equal before it', async () => {
    const before = await compareCrms(legacy, modern);
    expect(before.equal).toBe(false);
    expect(before.tables.every((table) => table.missing === table.legacyRows)).toBe(true);
    await copyEverything(legacy, modern);
    const after = await compareCrms(legacy, modern);
    expect(after).toMatchObject({ equal: true, rows: before.rows });
  });

  it.each(Array.from({ length: 30 }, (_, seed) => seed))('finds exactly what sabotage with seed %i damaged', async (seed) => {
    const damage = await sabotage(modern, seed);
    const comparison = await compareCrms(legacy, modern);
    const found = comparison.tables.filter((table) => table.missing + table.extra + table.different > 0);
    expect(found).toHaveLength(1);
    expect(found[0]?.table).toBe(damage.table);
    expect(found[0]?.examples).toEqual([
      {
        kind: { column: 'different', 'extra row': 'extra', 'missing row': 'missing' }[damage.kind],
        key: damage.key,
        columns: damage.column === undefined ? [] : [damage.column],
      },
    ]);
    await copyEverything(legacy, modern);
  });

  it('refuses to compare when a table has a column that its list does not name', async () => {
    await modern.query('ALTER TABLE crm.person ADD COLUMN nickname text');
    await expect(compareCrms(legacy, modern)).rejects.toThrow('crm.person.nickname');
    await modern.query('ALTER TABLE crm.person DROP COLUMN nickname');
  });
});
