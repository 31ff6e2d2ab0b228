import { RandomIdSource } from '@changeover/core';
import { changeSourceContract, testDatabase } from '@changeover/testing';

import { PostgresSource } from './postgres-source.js';

describe.each([14, 16, 18] as const)('PostgreSQL %d', (major) => {
  changeSourceContract('it', async () => {
    const database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key, name text); create table other (id int primary key, name text)');
    const migration = new RandomIdSource().uuid();
    const run = async (statements: readonly string[], end: string): Promise<void> => {
      for (const statement of ['begin', ...statements, end]) await client.query(statement);
    };
    return {
      source: () => new PostgresSource({ url: database.url, migration }),
      transaction: (...statements) => run(statements, 'commit'),
      rolledBack: (...statements) => run(statements, 'rollback'),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  });
});
