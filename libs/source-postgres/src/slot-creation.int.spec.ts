import { RandomIdSource, type ChangeoverError } from '@changeover/core';
import { testDatabase } from '@changeover/testing';

import { selectTables } from './captured-tables.js';
import { PostgresSource } from './postgres-source.js';
import { sourceConfig } from './settings.js';
import { filledTables } from './slot-creation.js';
import { SqlSession } from './sql-session.js';

it.each([14, 18] as const)('says for which transactions it waits, and goes on when they end: PostgreSQL %d', async (major) => {
  await using database = await testDatabase({ major });
  const [owner, writer, dormant] = [await database.connect(), await database.connect(), await database.connect()];
  await owner.query('create table item (id int primary key); create table note (body text)');
  await dormant.query('begin; select 1');
  await writer.query("set application_name = 'payroll'; begin; insert into note values ('secret')");
  const { rows } = await writer.query<{ pid: number }>('select pg_backend_pid() as pid');
  const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid(), tables: { tables: ['public.item'] } });
  let made: Promise<unknown> | undefined;
  const { code, message } = await new Promise<ChangeoverError>((warned) => {
    made = source.create(warned);
  });
  expect(code).toBe('SOURCE_WAITS');
  expect(message).toContain(`process ${String(rows[0]?.pid)} (payroll), open for `);
  expect(message).not.toContain('secret');
  await writer.query('commit');
  await expect(made).resolves.toMatchObject({ tablesWithRows: [] });
  await source.drop();
  await source.stop();
});

describe('which tables held rows in a snapshot', () => {
  it('counts a table that was rewritten since, in which the snapshot sees nothing', async () => {
    await using database = await testDatabase();
    const [owner, reader] = [await database.connect(), await database.connect()];
    await owner.query(`
      create table empty (id int primary key);
      create table filled (id int primary key);
      create table rewritten (id int primary key);
      create table spread (id int primary key, n int) partition by range (id);
      create table spread_1 partition of spread for values from (0) to (10);
      insert into filled values (1); insert into rewritten values (1); insert into spread values (1);`);
    const config = sourceConfig({ url: database.url, migration: 'm' });
    await using sql = new SqlSession(config);
    const { tables } = await selectTables(sql, config);
    await reader.query('begin isolation level repeatable read; select 1');
    await owner.query('alter table rewritten alter id type bigint; alter table spread alter n type bigint; delete from filled');
    expect((await reader.query('select from rewritten')).rowCount).toBe(0);
    expect(await filledTables(async (text) => (await reader.query<{ index: number }>(text)).rows, tables)).toEqual([
      'public.filled',
      'public.rewritten',
      'public.spread',
    ]);
  });
});
