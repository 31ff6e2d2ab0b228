import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connectTo, Random, Stage } from '@changeover/example-crm';
import type pg from 'pg';

import { MigrationBed } from '../crash/migration-bed.js';

const [PEOPLE, ADDRESSES, WRITERS] = [1000, 400, 6];
const MINUTE_MS = 60_000;
/** Load and transform are killed as often, evenly over the minute. */
const KILLS = 4;

const SOURCE = `
  CREATE TABLE contact (id int PRIMARY KEY, email text, created int NOT NULL, name text NOT NULL);
  INSERT INTO contact SELECT n, 'a' || n % ${String(ADDRESSES)} || '@example.com', n % 10, 'first' FROM generate_series(1, ${String(PEOPLE)}) n;
`;

const TARGET = `
  CREATE SCHEMA app;
  CREATE TABLE app.person (id int PRIMARY KEY, email text UNIQUE, name text NOT NULL);
  CREATE TABLE app.subscriber (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL);
`;

/** The same contacts twice: who comes too late has no address, or is held. */
const rule = (target: string, otherwise: 'empty' | 'held') => ({
  source: 'public.contact',
  target,
  where: { not: { is: { column: 'email' }, in: [null] } },
  columns: { id: { column: 'id' }, email: { convert: 'trim', input: { column: 'email' }, invalid: 'held' }, name: { column: 'name' } },
  key: ['id'],
  unique: [{ columns: ['email'], order: [{ column: 'created' }], otherwise }],
});

const MAPPING = { rules: [rule('app.person', 'empty'), rule('app.subscriber', 'held')] };

/** By PostgreSQL alone: who is first has the address, by `created`, then by key. */
const EXPECTED = `
  SELECT id, trim(email) AS email, name, row_number() OVER (PARTITION BY trim(email) ORDER BY created, id) AS place
  FROM contact WHERE email IS NOT NULL ORDER BY id`;

type Expected = { readonly id: number; readonly email: string; readonly name: string; readonly place: string };

/** Swaps, shares, lets go, comes and goes, and moves in the order of the rivals. */
async function writeOn(client: pg.Client, random: Random, until: number): Promise<number> {
  const person = (): number => random.integer(1, PEOPLE);
  const address = (): string | null => {
    const text = `a${String(random.integer(1, ADDRESSES))}@example.com`;
    return random.oneIn(20) ? null : random.oneIn(10) ? `  ${text} ` : text;
  };
  const works: readonly (() => readonly [text: string, values: readonly unknown[]])[] = [
    () => [
      'UPDATE contact c SET email = o.email FROM contact o WHERE (c.id, o.id) IN (($1::int, $2::int), ($2::int, $1::int))',
      [person(), person()],
    ],
    () => [
      'UPDATE contact c SET email = o.email FROM contact o WHERE (c.id, o.id) IN (($1::int, $2::int), ($2, $3::int), ($3, $1))',
      [person(), person(), person()],
    ],
    () => ['UPDATE contact SET email = $2 WHERE id = $1', [person(), address()]],
    () => ['UPDATE contact SET email = (SELECT email FROM contact WHERE id = $2) WHERE id = $1', [person(), person()]],
    () => ['UPDATE contact SET created = $2 WHERE id = $1', [person(), random.integer(0, 9)]],
    () => ['UPDATE contact SET name = $2 WHERE id = $1', [person(), random.hex(6)]],
    () => ['DELETE FROM contact WHERE id = $1', [person()]],
    () => ['INSERT INTO contact VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [person(), address(), random.integer(0, 9), 'again']],
    () => ['INSERT INTO contact VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [person(), address(), random.integer(0, 9), 'again']],
  ];
  let committed = 0;
  while (performance.now() < until) {
    try {
      await client.query('BEGIN');
      for (let left = random.integer(1, 3); left > 0; left--) {
        const [text, values] = random.pick(works)();
        await client.query(text, [...values]);
      }
      await client.query('COMMIT');
      committed++;
    } catch (error) {
      // Who waits for each other's rows begins again.
      if ((error as { readonly code?: string }).code !== '40P01') throw error;
      await client.query('ROLLBACK');
    }
  }
  return committed;
}

async function standing(target: pg.Client): Promise<unknown> {
  const rows = async (query: string): Promise<readonly unknown[]> => (await target.query<Record<string, unknown>>(query)).rows;
  return {
    people: await rows('SELECT id, email, name FROM app.person ORDER BY id'),
    subscribers: await rows('SELECT id, email, name FROM app.subscriber ORDER BY id'),
    held: await rows('SELECT source_key, target, state, reason FROM changeover.held ORDER BY source_key COLLATE "C"'),
    refused: await rows('SELECT table_name, reason FROM changeover.refused WHERE to_seq IS NULL'),
  };
}

async function shouldStand(source: pg.Client): Promise<unknown> {
  const { rows } = await source.query<Expected>(EXPECTED);
  const first = rows.filter(({ place }) => place === '1');
  const late = rows.filter(({ place }) => place !== '1');
  expect(Math.min(first.length, late.length)).toBeGreaterThan(100);
  const held = late.map(({ id }) => ({ source_key: String(id), target: 'app.subscriber', state: 'held', reason: 'not unique' }));
  return {
    people: rows.map(({ id, email, name, place }) => ({ id, email: place === '1' ? email : null, name })),
    subscribers: first.map(({ id, email, name }) => ({ id, email, name })),
    held: held.sort((a, b) => (a.source_key < b.source_key ? -1 : 1)),
    refused: [],
  };
}

describe('a thousand contacts that swap and share e-mail addresses for a minute', () => {
  let folder: string;
  let mapping: string;
  let stage: Stage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changeover-unique-'));
    mapping = join(folder, 'mapping.json');
    await writeFile(mapping, JSON.stringify(MAPPING));
    stage = await Stage.open({ broker: 'none' });
  }, 60_000);

  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('end as the unique rule says, streamed and copied anew alike', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    console.log(`seed ${String(seed)} (SEED=${String(seed)} repeats it)`);
    const random = new Random(seed);
    await using streamed = await MigrationBed.open(stage, { id: `streamed_${String(process.pid)}`, log: 'embedded', mapping });
    await streamed.source.query(SOURCE);
    await streamed.target.query(TARGET);
    await streamed.startAll();
    await streamed.barrier();

    const until = performance.now() + MINUTE_MS;
    const clients = await Promise.all(Array.from({ length: WRITERS }, () => connectTo(streamed.migration.sourceUrl)));
    const writing = Promise.all(clients.map((client, index) => writeOn(client, random.fork(index), until)));
    for (let kill = 1; kill <= KILLS; kill++) {
      const at = until - MINUTE_MS + (kill * MINUTE_MS) / (KILLS + 1);
      await new Promise((resolve) => setTimeout(resolve, at - performance.now()));
      const role = kill % 2 === 0 ? 'transform' : 'load';
      streamed.process(role).signal('SIGKILL');
      await streamed.process(role).exited;
      await streamed.start(role, { takeOver: true });
    }
    const committed = (await writing).reduce((sum, count) => sum + count, 0);
    await Promise.all(clients.map((client) => client.end()));
    await streamed.barrier();
    console.log(`${String(committed)} transactions`);
    expect(committed).toBeGreaterThan(1000);

    const expected = await shouldStand(streamed.source);
    expect(await standing(streamed.target)).toEqual(expected);

    // What came to be by a history comes to be without one.
    await using copied = await MigrationBed.open(stage, { id: `copied_${String(process.pid)}`, log: 'embedded', mapping });
    await copied.source.query(SOURCE);
    await copied.source.query('TRUNCATE contact');
    const { rows } = await streamed.source.query<{ readonly id: number }>('SELECT * FROM contact');
    await copied.source.query('INSERT INTO contact SELECT * FROM json_populate_recordset(NULL::contact, $1)', [JSON.stringify(rows)]);
    await copied.target.query(TARGET);
    await copied.startAll();
    await copied.barrier();
    expect(await standing(copied.target)).toEqual(expected);
  }, 300_000);
});
