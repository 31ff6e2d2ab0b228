import { createServer } from 'node:net';

import { RandomIdSource } from '@changeover/core';
import type { PreflightFinding } from '@changeover/events';
import { startPostgres } from '@changeover/local-services';
import { codeOf, testDatabase, type TestDatabase } from '@changeover/testing';
import pg from 'pg';

import { PostgresSource } from './postgres-source.js';
import type { PostgresSourceSettings } from './settings.js';

function sourceOf(url: string, settings: Partial<PostgresSourceSettings> = {}): PostgresSource {
  return new PostgresSource({ url, migration: new RandomIdSource().uuid(), ...settings });
}

async function findings(url: string, settings: Partial<PostgresSourceSettings> = {}): Promise<readonly PreflightFinding[]> {
  const source = sourceOf(url, settings);
  try {
    return await source.preflight();
  } finally {
    await source.stop();
  }
}

/** What is not in order, one line each: check, severity and the lines that help. */
function wrong(all: readonly PreflightFinding[]): string[] {
  return all
    .filter((finding) => finding.severity !== 'ok')
    .map(({ severity, check, fix }) => [severity, check, ...(fix ?? [])].join(' | '));
}

/** The error's message, too, because it must say what to do. */
async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  let message = '';
  const code = await codeOf(
    work.catch((error: unknown) => {
      message = error instanceof Error ? error.message : '';
      throw error;
    }),
  );
  return { code, message };
}

async function toEnd(events: AsyncIterable<unknown>): Promise<void> {
  const iterator = events[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

type Login = AsyncDisposable & { readonly name: string; readonly url: string };

/** A role of this test alone, with what `attributes` say. */
async function login(database: TestDatabase, attributes: string): Promise<Login> {
  const client = await database.connect();
  const name = `test_${new RandomIdSource().uuid().replaceAll('-', '')}`;
  await client.query(`create role ${name} login password 'secret' ${attributes}`);
  const url = new URL(database.url);
  url.username = name;
  url.password = 'secret';
  return {
    name,
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      await client.query(`drop owned by ${name}; drop role ${name}`);
    },
  };
}

describe.each([14, 16, 18] as const)('preflight of PostgreSQL %d', (major) => {
  it('finds nothing wrong where nothing is, and makes nothing', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key); create table visit (id int primary key) partition by range (id)');
    const all = await findings(database.url);
    expect(wrong(all)).toEqual(['warning | partitions']);
    expect(all.filter(({ severity }) => severity === 'ok').map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'server_version',
        'primary',
        'wal_level',
        'max_replication_slots',
        'max_wal_senders',
        'replication',
        'publication',
        'replica_identity',
      ]),
    );
    expect((await client.query('select from pg_publication')).rowCount).toBe(0);
    expect((await client.query('select from pg_replication_slots where database = current_database()')).rowCount).toBe(0);
  });

  it('says which rows are copied, and which cannot be', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    const fill = (table: string): string => `insert into ${table} select i from generate_series(1, 2000) i`;
    await client.query(`create table item (id int primary key); create table other (id int primary key); create table empty (id int primary key);
      create table part (id int primary key) partition by range (id); create table part_1 partition of part for values from (0) to (5000);
      ${['item', 'other', 'part'].map(fill).join('; ')}; create table log (id int not null unique); alter table log replica identity full;
      insert into log values (1)`);
    // As many rows a page as there were when somebody counted.
    await client.query('analyze item; analyze part_1');
    await client.query('insert into item select -i from generate_series(1, 2000) i');
    const settings = { tablesWithoutKey: 'full' } as const;
    const rows = async (): Promise<readonly PreflightFinding[]> => (await source.preflight()).filter(({ check }) => check === 'rows');
    const source = sourceOf(database.url, settings);
    const about = { rows: expect.any(Number) as number, bytes: expect.any(Number) as number };
    const before = await rows();
    expect(before).toMatchObject([
      { severity: 'ok', message: expect.stringMatching(/about [34],\d\d\d rows \(\d+ kB\)$/), copy: { table: 'public.item', ...about } },
      { severity: 'error', fix: ['ALTER TABLE "public"."log" REPLICA IDENTITY USING INDEX "log_id_key";'] },
      { severity: 'ok', message: expect.stringContaining('no ANALYZE'), copy: { table: 'public.other', rows: null } },
      { severity: 'ok', copy: { table: 'public.part', rows: 2000 } },
    ]);
    expect(before[0]?.copy?.bytes).toBeGreaterThan(100_000);
    for (const line of before.flatMap(({ fix }) => fix ?? [])) await client.query(line);
    expect((await rows()).map(({ severity }) => severity)).toEqual(['ok', 'ok', 'ok', 'ok']);

    await source.create();
    await client.query(`create table late (id int primary key); insert into late values (1);
      create table loose (id int); alter table loose replica identity full; insert into loose values (1)`);
    expect(await rows()).toMatchObject([
      { severity: 'warning', copy: { table: 'public.late' } },
      { severity: 'warning', message: expect.stringContaining('public.loose'), fix: ['ALTER TABLE "public"."loose" ADD PRIMARY KEY (…);'] },
    ]);
    await source.stop();
  });

  it('says what a user lacks, in lines that then help', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create schema crm; create table crm."Contact" (id int primary key); create table crm.item (id int primary key)');
    await client.query(
      'revoke execute on all functions in schema pg_catalog from public; grant execute on all functions in schema pg_catalog to public',
    );
    await client.query(
      `revoke execute on function pg_logical_emit_message(boolean, text, text${major >= 17 ? ', boolean' : ''}) from public`,
    );
    await using user = await login(database, 'noreplication');
    const migration = 'grants-' + new RandomIdSource().uuid().slice(0, 8);
    const settings = { migration, tables: { schemas: ['crm'] } };
    const slot = `changeover_${migration.replaceAll('-', '_')}`;
    const all = await findings(user.url, settings);
    const name = pg.escapeIdentifier(user.name);
    expect(wrong(all)).toEqual([
      `error | pg_logical_emit_message | GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text${major >= 17 ? ', boolean' : ''}) TO ${name};`,
      `error | replication | ALTER ROLE ${name} REPLICATION;`,
      `error | publication | CREATE PUBLICATION "${slot}" FOR TABLE ONLY "crm"."Contact", ONLY "crm"."item" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true);`,
      `error | select | GRANT USAGE ON SCHEMA "crm" TO ${name}; | GRANT SELECT ON "crm"."Contact" TO ${name};`,
      `error | select | GRANT USAGE ON SCHEMA "crm" TO ${name}; | GRANT SELECT ON "crm"."item" TO ${name};`,
    ]);
    const source = sourceOf(user.url, settings);
    expect(await codeOf(source.create())).toBe('SOURCE_DENIED');

    for (const line of all.flatMap(({ fix }) => fix ?? [])) await client.query(line);
    expect(wrong(await findings(user.url, settings))).toEqual([]);
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await held.mark('token');
    await held[Symbol.asyncDispose]();
    await client.query(`select pg_drop_replication_slot('${slot}')`);
    await source.stop();
  });

  it('takes no table for empty whose rows row-level security hides', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`create table hidden (id int primary key); insert into hidden values (1); alter table hidden enable row level security;
      create table item (id int primary key)`);
    await using user = await login(database, 'replication nobypassrls');
    const name = pg.escapeIdentifier(user.name);
    await client.query(`alter table hidden owner to ${name}; alter table item owner to ${name};
      grant create on database ${pg.escapeIdentifier(database.name)} to ${name}`);
    // An owner sees every row, unless the table says otherwise.
    const hidden = async (): Promise<unknown> => (await findings(user.url)).find(({ copy }) => copy !== undefined)?.copy?.table;
    expect([wrong(await findings(user.url)), await hidden()]).toEqual([[], 'public.hidden']);
    await client.query('alter table hidden force row level security');
    expect(wrong(await findings(user.url))).toEqual([`error | row_security | ALTER ROLE ${name} BYPASSRLS;`]);
    const source = sourceOf(user.url);
    expect(await failure(source.create())).toMatchObject({
      code: 'SOURCE_DENIED',
      message: expect.stringMatching(/public\.hidden.*BYPASSRLS/),
    });
    expect(await codeOf(source.isEmpty({ schema: 'public', table: 'hidden' }))).toBe('SOURCE_DENIED');
    expect((await client.query('select from pg_publication')).rowCount).toBe(0);
    await source.stop();

    await client.query(`alter role ${name} bypassrls`);
    expect([wrong(await findings(user.url)), await hidden()]).toEqual([[], 'public.hidden']);
  });

  it('lets no table join whose rows row-level security hides', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query('create table item (id int primary key)');
    await using user = await login(database, 'replication nobypassrls');
    const name = pg.escapeIdentifier(user.name);
    await client.query(`alter table item owner to ${name}; grant create on database ${pg.escapeIdentifier(database.name)} to ${name}`);
    const source = sourceOf(user.url);
    await source.create();
    await client.query(`create table hidden (id int primary key); insert into hidden values (1); alter table hidden owner to ${name};
      alter table hidden enable row level security; alter table hidden force row level security`);
    await using held = await source.hold({ takeOver: false });
    expect(await source.leftOut()).toEqual(['public.hidden']);
    await held[Symbol.asyncDispose]();
    await source.drop();
    await source.stop();
  });

  it('says which rows of a SQL_ASCII database would stop the stream, which then tells where and not what', async () => {
    await using database = await testDatabase({ major });
    const admin = await database.connect();
    const name = `${database.name}_ascii`;
    await admin.query(`create database ${name} encoding 'SQL_ASCII' locale 'C' template template0`);
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    const client = new pg.Client(url.href);
    await client.connect();
    await client.query(`create table item (id int primary key, name text); set client_encoding = 'SQL_ASCII'`);
    const good = ['a', 'é', '€', '𝄞', '퟿', '\u{10ffff}'].map((character) => Buffer.from(character).toString('hex'));
    // Cut off, continued for nothing, longer than needed, a surrogate, too high.
    const bad = ['e96162', '80', 'c3', 'c0af', 'e08080', 'eda080', 'f4908080', 'f0808080', 'ff'];
    for (const [index, bytes] of [...good, ...bad].entries())
      await client.query(`insert into item values (${String(index)}, convert_from('\\x${bytes}', 'SQL_ASCII'))`);
    const [warning] = (await findings(url.href)).filter(({ check }) => check === 'server_encoding');
    expect(warning).toMatchObject({ severity: 'warning', message: expect.stringContaining('SOURCE_DATA') });
    const found = await client.query<{ ctid: string }>(warning?.fix?.[0] ?? '');
    const { rows } = await client.query<{ id: number }>('select id from item where ctid = any ($1) order by id', [
      found.rows.map(({ ctid }) => ctid),
    ]);
    expect(rows.map(({ id }) => id)).toEqual(bad.map((_, index) => good.length + index));

    await client.query('truncate item');
    const source = sourceOf(url.href);
    await source.create();
    await using held = await source.hold({ takeOver: false });
    await client.query("insert into item values (1, convert_from('\\xe96162', 'SQL_ASCII'))");
    // Read on: the server may tell of its progress before it comes to the row.
    const stopped = await failure(toEnd(held.events(held.confirmed, new AbortController().signal)));
    expect(stopped.code).toBe('SOURCE_DATA');
    expect(stopped.message).toMatch(/SQL_ASCII.*22021, at [0-9A-F]+\/[0-9A-F]+/);
    expect(stopped.message).not.toContain('0x');
    await held[Symbol.asyncDispose]();
    await source.drop();
    await source.stop();
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
  });

  it('says which tables cannot be captured, and what helps', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`
      create table deferred (id int primary key deferrable);
      create table keyless (id int);
      create table nothing (id int primary key); alter table nothing replica identity nothing;
      create table spread (id int) partition by list (id); alter table spread replica identity full; create table spread_1 partition of spread for values in (1);
      create table uniquely (id int not null unique);
      create schema "with.dot"; create table "with.dot".t (id int primary key); create table bare ();
      create unlogged table fast (id int primary key);
      create table whole (id int); alter table whole replica identity full;
      create table worked_out (id int primary key, twice int generated always as (id * 2) stored);
      create view seen as select 1;`);
    expect(
      wrong(
        await findings(database.url, {
          tables: { schemas: ['public', 'with.dot'], tables: ['public.seen', 'public.spread_1', 'public.gone'] },
        }),
      ),
    ).toEqual([
      'error | table',
      'error | table',
      'error | table | ALTER TABLE "public"."fast" SET LOGGED;',
      'error | table',
      'error | table',
      'error | table',
      'error | replica_identity | ALTER TABLE "public"."deferred" ADD PRIMARY KEY (…);',
      'error | replica_identity | ALTER TABLE "public"."keyless" ADD PRIMARY KEY (…);',
      'error | replica_identity | ALTER TABLE "public"."nothing" REPLICA IDENTITY DEFAULT;',
      'error | replica_identity | ALTER TABLE public.spread_1 REPLICA IDENTITY FULL;',
      'warning | partitions',
      'error | replica_identity | ALTER TABLE "public"."uniquely" REPLICA IDENTITY USING INDEX "uniquely_id_key";',
      'error | replica_identity | ALTER TABLE "public"."whole" ADD PRIMARY KEY (…);',
      'warning | generated',
    ]);
    const source = sourceOf(database.url);
    expect(await codeOf(source.create())).toBe('SOURCE_NOT_READY');
    expect((await client.query('select from pg_publication')).rowCount).toBe(0);
    await source.stop();

    const some = { tables: { tables: ['public.keyless', 'public.whole'] } };
    expect(wrong(await findings(database.url, { ...some, tablesWithoutKey: 'full' }))).toEqual([
      'error | replica_identity | ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL;',
    ]);
    expect(wrong(await findings(database.url, { ...some, tablesWithoutKey: 'insert-only' }))).toEqual([
      'warning | replica_identity | ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL;',
    ]);
  });

  it('offers to publish what can be captured under the policy, and nothing else: the others would refuse updates, to everybody', async () => {
    await using database = await testDatabase({ major });
    const client = await database.connect();
    await client.query(`create table item (id int primary key); create table keyless (id int);
      create table whole (id int); alter table whole replica identity full`);
    await using user = await login(database, 'replication');
    const migration = `offers-${new RandomIdSource().uuid().slice(0, 8)}`;
    const slot = `changeover_${migration.replaceAll('-', '_')}`;
    const offered = async (tablesWithoutKey: PostgresSourceSettings['tablesWithoutKey']): Promise<readonly string[]> => {
      const all = await findings(user.url, { migration, ...(tablesWithoutKey && { tablesWithoutKey }) });
      return all.flatMap(({ check, fix }) => (check === 'publication' ? (fix ?? []) : []));
    };
    const options = `publish = 'insert, update, delete, truncate', publish_via_partition_root = true`;
    const making = (tables: string): string[] => [`CREATE PUBLICATION "${slot}" FOR TABLE ${tables} WITH (${options});`];
    const [item, keyless, whole] = ['item', 'keyless', 'whole'].map((name) => `ONLY "public"."${name}"`) as [string, string, string];
    expect(await offered('refuse')).toEqual(making(item));
    expect(await offered('full')).toEqual(making(`${item}, ${whole}`));
    expect(await offered('insert-only')).toEqual(making(`${item}, ${keyless}, ${whole}`));

    for (const line of await offered('refuse')) await client.query(line);
    expect(await offered('refuse')).toEqual([]);
    await client.query('create table more (id int primary key)');
    // Each line only where it is needed: who alters a publication that is followed ends the migration.
    for (const line of [
      `ALTER PUBLICATION "${slot}" SET TABLE ${item}, ONLY "public"."more";`,
      `ALTER PUBLICATION "${slot}" SET (${options});`,
    ]) {
      expect(await offered('refuse')).toEqual([line]);
      await client.query(line);
      if (line.includes('TABLE')) await client.query(`alter publication "${slot}" set (publish = 'insert')`);
    }
    expect(await offered('refuse')).toEqual([]);
    await client.query('update keyless set id = 1');
  });

  it('refuses a wrong password, a missing one, a missing database', async () => {
    await using database = await testDatabase({ major });
    const url = new URL(database.url);
    url.password = 'wrong';
    const denied = await failure(sourceOf(url.href).kept());
    expect(denied.code).toBe('SOURCE_DENIED');
    expect(denied.message).not.toContain('wrong');
    url.password = '';
    expect(await codeOf(sourceOf(url.href).kept())).toBe('SOURCE_DENIED');
    url.href = database.url;
    url.pathname = '/not_there';
    expect(await codeOf(sourceOf(url.href).identity())).toBe('BAD_SETTINGS');
  });
});

describe('preflight of a server that is not set up', () => {
  it('says so, and that it must be restarted', async () => {
    await using server = await startPostgres({
      major: 18,
      settings: {
        wal_level: 'replica',
        max_replication_slots: '0',
        max_slot_wal_keep_size: '64MB',
        idle_replication_slot_timeout: '1h',
        wal_sender_timeout: '1s',
      },
    });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('create table item (id int primary key)');
    await client.end();
    const all = await findings(server.url);
    expect(wrong(all)).toEqual([
      "error | wal_level | ALTER SYSTEM SET wal_level = 'logical';",
      'error | max_replication_slots | ALTER SYSTEM SET max_replication_slots = 5;',
      "warning | wal_sender_timeout | ALTER SYSTEM SET wal_sender_timeout = '60s'; | SELECT pg_reload_conf();",
      "warning | max_slot_wal_keep_size | ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; | SELECT pg_reload_conf();",
      "warning | idle_replication_slot_timeout | ALTER SYSTEM SET idle_replication_slot_timeout = '0'; | SELECT pg_reload_conf();",
    ]);
    expect(all.filter(({ restart }) => restart === true).map(({ check }) => check)).toEqual(['wal_level', 'max_replication_slots']);
    const source = sourceOf(server.url);
    expect(await codeOf(source.create())).toBe('SOURCE_NOT_READY');
    await source.stop();
  });

  it('is SOURCE_UNREACHABLE where nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const refused = await failure(sourceOf(`postgres://user:topsecret@127.0.0.1:${String(port)}/crm`).preflight());
    expect(refused.code).toBe('SOURCE_UNREACHABLE');
    expect(refused.message).not.toContain('topsecret');
  });
});
