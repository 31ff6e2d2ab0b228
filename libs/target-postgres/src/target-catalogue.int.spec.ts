import { codeOf, tableCatalogueContract, testDatabase } from '@changeover/testing';

import { PostgresTargetCatalogue } from './target-catalogue.js';

for (const major of [14, 18] as const) {
  tableCatalogueContract(`target, PostgreSQL ${String(major)}`, async () => {
    const database = await testDatabase({ major });
    const client = await database.connect();
    const catalogue = new PostgresTargetCatalogue({ url: database.url, migration: 'm' });
    return {
      catalogue: () => catalogue,
      execute: async (sql) => {
        await client.query(sql);
      },
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  });
}

describe('the catalogue of a target', () => {
  it('has all tables but ours, and says what nobody can write', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query(`CREATE SCHEMA changeover; CREATE TABLE changeover.progress (id int); CREATE SCHEMA changeover_control;
      CREATE TABLE changeover_control.lease (id int); CREATE SCHEMA "a.b"; CREATE TABLE "a.b".c (id int);
      CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (1) STORED)`);
    expect(await new PostgresTargetCatalogue({ url: database.url, migration: 'm' }).tables()).toMatchObject([
      {
        table: 't',
        key: [],
        columns: [
          { name: 'id', fills: true, identity: 'always', generated: false, default: null },
          { name: 'twice', fills: false, generated: true, default: '1' },
        ],
      },
    ]);
  });

  it('fails as a target does', async () => {
    const nowhere = new PostgresTargetCatalogue({ url: 'postgres://x@127.0.0.1:1/x', migration: 'm' });
    expect(await codeOf(nowhere.tables())).toBe('TARGET_UNREACHABLE');
  });
});
