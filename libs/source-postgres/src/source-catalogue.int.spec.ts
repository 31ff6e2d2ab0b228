import { codeOf, tableCatalogueContract, testDatabase } from '@changeover/testing';

import { PostgresSourceCatalogue } from './source-catalogue.js';

describe.each([14, 18] as const)('PostgreSQL %d', (major) => {
  tableCatalogueContract('source', async () => {
    const database = await testDatabase({ major });
    const client = await database.connect();
    const catalogue = new PostgresSourceCatalogue({ url: database.url, migration: 'm', tables: { schemas: ['public', 'crm'] } });
    return {
      catalogue: () => catalogue,
      execute: async (sql) => {
        await client.query(sql);
      },
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  });
});

describe('the catalogue of a source', () => {
  it('has the tables that the settings select, without what cannot be captured', async () => {
    await using database = await testDatabase();
    const client = await database.connect();
    await client.query(`CREATE SCHEMA other; CREATE TABLE a (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
      CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE other.c (id int PRIMARY KEY); CREATE TABLE other.d (id int); CREATE UNLOGGED TABLE u (id int)`);
    const names = async (tables: object): Promise<readonly string[]> =>
      (await new PostgresSourceCatalogue({ url: database.url, migration: 'm', tables }).tables()).map(
        ({ table, columns }) => `${table}(${columns.map(({ name }) => name).join()})`,
      );
    expect(await names({})).toEqual(['a(id)', 'b(id)']);
    expect(await names({ tables: ['other.d', 'public.b'] })).toEqual(['d(id)', 'b(id)']);
    expect(await names({ schemas: ['public', 'other'], exclude: ['public.a', 'other.c'] })).toEqual(['d(id)', 'b(id)']);
  });

  it('fails as a source does', async () => {
    const nowhere = new PostgresSourceCatalogue({ url: 'postgres://x@127.0.0.1:1/x', migration: 'm' });
    expect(await codeOf(nowhere.tables())).toBe('SOURCE_UNREACHABLE');
  });
});
