import { testDatabase } from '@changeover/testing';

import { selectTables } from './captured-tables.js';
import { sourceConfig } from './settings.js';
import { filledTables } from './slot-creation.js';
import { SqlSession } from './sql-session.js';

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
