import { targetWriterContract, testDatabase } from '@changeover/testing';

import { PostgresTarget } from './index.js';

for (const major of [14, 18] as const) {
  targetWriterContract(`PostgreSQL ${String(major)}`, async () => {
    const database = await testDatabase({ major });
    const sql = await database.connect();
    await sql.query(`
      CREATE TABLE parent (id text PRIMARY KEY, name text);
      CREATE TABLE child (id text PRIMARY KEY, parent text NOT NULL REFERENCES parent)`);
    const writers: PostgresTarget[] = [];
    const count = async (query: string, values: readonly unknown[] = []): Promise<number> => {
      const there = await sql.query<{ there: boolean }>("SELECT to_regnamespace('changeover') IS NOT NULL AS there");
      if (there.rows[0]?.there !== true) return 0;
      return Number((await sql.query<{ n: string }>(query, [...values])).rows[0]?.n);
    };
    return {
      writer: () => {
        const writer = new PostgresTarget({ url: database.url, migration: 'contract' });
        writers.push(writer);
        return writer;
      },
      rows: async (table) => (await sql.query<(string | null)[]>({ text: `SELECT * FROM ${table} ORDER BY id`, rowMode: 'array' })).rows,
      openRefusals: () => count('SELECT count(*) AS n FROM changeover.refused WHERE to_seq IS NULL'),
      hold: async (through) => {
        const until = through === null ? null : 'infinity';
        await sql.query('UPDATE changeover.progress SET hold_through = $1, hold_until = $2', [through, until]);
      },
      [Symbol.asyncDispose]: async () => {
        for (const writer of writers) await writer.stop();
        await database[Symbol.asyncDispose]();
      },
    };
  });
}
