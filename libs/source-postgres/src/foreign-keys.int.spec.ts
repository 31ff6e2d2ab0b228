import { RandomIdSource } from '@changeover/core';
import type { SourceEvent, TableSchema } from '@changeover/events';
import { EventFollower, testDatabase } from '@changeover/testing';
import type pg from 'pg';

import { PostgresSource } from './postgres-source.js';

const SETUP = `
  create table account (region text, id int, kept int generated always as (id * 2) stored unique, primary key (region, id));
  create table person (id int primary key, account_region text, account_id int, boss int references person on delete set null, tag int,
                       later int, off int, made int references account (kept), twice int generated always as (id * 2) stored,
                       foreign key (account_id, account_region) references account (id, region));
  create table tag (id int primary key);
  alter table person add constraint tag_of foreign key (tag) references tag;
  alter table person add constraint unchecked foreign key (later) references tag not valid;
  alter table person add constraint disabled foreign key (off) references tag;
  alter table person add constraint generated foreign key (twice) references tag;
  create table elsewhere (id int primary key);
  create table day (id int, part int, other int references elsewhere, person int references person, primary key (id, part)) partition by list (part);
  create table day_1 partition of day for values in (1);
  create table note (id int primary key, day_id int, day_part int, foreign key (day_id, day_part) references day);`;

/** A foreign key's triggers have names with a number in them. */
async function switchOff(client: pg.Client, constraint: string): Promise<void> {
  const { rows } = await client.query<{ name: string; of: string }>(
    `select quote_ident(t.tgname) as name, t.tgrelid::regclass::text as of from pg_trigger t join pg_constraint c on c.oid = t.tgconstraint where c.conname = $1`,
    [constraint],
  );
  for (const { name, of } of rows) await client.query(`alter table ${of} disable trigger ${name}`);
}

const keysOf = (forms: readonly TableSchema[], table: string): TableSchema['foreignKeys'] =>
  forms.find((form) => form.table === table)?.foreignKeys;

const OF_PERSON: TableSchema['foreignKeys'] = [
  { columns: ['account_id', 'account_region'], table: 'public.account', keyColumns: ['id', 'region'] },
  { columns: ['boss'], table: 'public.person', keyColumns: ['id'] },
  { columns: ['tag'], table: 'public.tag', keyColumns: ['id'] },
];

describe.each([14, 16, 18] as const)('foreign keys of PostgreSQL %d', (major) => {
  it('between captured tables are told where the source vouches for them', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(SETUP);
    await switchOff(client, 'disabled');
    if (major === 18) {
      await client.query('alter table person add constraint loose foreign key (id) references tag not enforced');
      await client.query(`create table price (id int4range, at daterange, primary key (id, at without overlaps));
                          create table sale (id int primary key, price int4range, at daterange, foreign key (price, period at) references price (id, period at))`);
    }
    const settings = {
      url: database.url,
      migration: new RandomIdSource().uuid(),
      tables: { schemas: ['public'], exclude: ['public.elsewhere'] },
    };
    const source = new PostgresSource(settings);
    const ofDay = [{ columns: ['person'], table: 'public.person', keyColumns: ['id'] }];
    const ofNote = [{ columns: ['day_id', 'day_part'], table: 'public.day', keyColumns: ['id', 'part'] }];
    const before = await source.tables();
    await source.create();
    const after = await source.tables();
    for (const forms of [before, after]) {
      expect(keysOf(forms, 'person')).toEqual(OF_PERSON);
      expect(keysOf(forms, 'day')).toEqual(ofDay);
      expect(keysOf(forms, 'note')).toEqual(ofNote);
      for (const form of forms)
        if (['account', 'tag', 'price', 'sale'].includes(form.table)) expect(form).not.toHaveProperty('foreignKeys');
    }
    await source.stop();
  });

  it('are told with the first row, and change no form when one comes or goes', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(
      'create table account (id int primary key); create table person (id int primary key, account int, other int references account)',
    );
    const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
    await source.create();
    const loose = (await source.tables())[1] as TableSchema;
    await client.query(
      'alter table person add foreign key (account) references account; alter table person drop constraint person_other_fkey',
    );
    const tied = (await source.tables())[1] as TableSchema;
    expect([loose, tied].map(({ foreignKeys }) => foreignKeys?.map(({ columns }) => columns))).toEqual([[['other']], [['account']]]);
    expect(tied.hash).toBe(loose.hash);
    // The catalogue is ahead: of a key over a column that the row lacks nothing is told.
    await using held = await source.hold({ takeOver: false });
    await client.query('insert into person values (1)');
    await client.query('alter table person add column late int references account');
    await using follower = new EventFollower(held);
    const events = await follower.commits(1);
    const rows = events.find((event): event is Extract<SourceEvent, { type: 'rows' }> => event.type === 'rows');
    expect(rows?.table.foreignKeys?.map(({ columns }) => columns)).toEqual([['account']]);
    await source.stop();
  });
});
