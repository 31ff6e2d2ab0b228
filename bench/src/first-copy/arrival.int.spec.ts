import { SystemClock } from '@changeover/core';
import { Deadline } from '@changeover/example-crm';
import { testDatabase } from '@changeover/testing';

import { quoted, untilArrived } from './arrival.js';
import { givenTable } from './given-table.js';
import { fillWith } from './target-database.js';

const clock = new SystemClock();
const TABLE = 'old.Contact notes';

const OLD = `
  CREATE SCHEMA old;
  CREATE TYPE old.mood AS ENUM ('good', 'bad');
  CREATE DOMAIN old.code AS varchar(8);
  CREATE TABLE old."Contact notes" (
    note text, "Tag" varchar(20) NOT NULL, contact bigint NOT NULL, at timestamptz(3), mood old.mood, moods old.mood[], code old.code,
    amount numeric(12, 2), tags text[], twice numeric GENERATED ALWAYS AS (amount * 2) STORED, PRIMARY KEY (contact, "Tag")
  );
  INSERT INTO old."Contact notes" (note, "Tag", contact, at, mood, moods, code, amount, tags)
    SELECT repeat('x', 100), 'tag ' || n % 3, n / 3, now(), 'good', '{good,bad}', 'A' || n % 7, n, '{a,b}' FROM generate_series(1, 30000) AS n;
  ANALYZE;`;

const COLUMNS = 'note, "Tag", contact, at, mood, moods, code, amount, tags, twice';

describe('a table that somebody has', () => {
  it('is made again at the target under its key, and counts as copied when its last row is there, not before', async () => {
    await using source = await testDatabase();
    await using target = await testDatabase();
    await fillWith(source.url, OLD);
    const scene = await givenTable({ sourceUrl: source.url, targetServerUrl: undefined, table: TABLE });
    expect([scene.rows, scene.tables, scene.changeover.mapping]).toEqual([30_000, [TABLE], undefined]);
    expect(scene.tableBytes).toBeGreaterThan(30_000 * 100);
    const [arrival] = scene.asTheyAre.arrivals;
    expect(arrival).toMatchObject({ key: ['contact', 'Tag'], rows: 30_000 });
    expect(arrival?.samples).toContainEqual(['0', 'tag 1']);
    expect(arrival?.samples).toContainEqual(['10000', 'tag 0']);

    await fillWith(target.url, scene.asTheyAre.ddl);
    const [from, to] = [await source.connect(), await target.connect()];
    const { rows } = await from.query<Record<string, unknown>>(`SELECT * FROM ${quoted(TABLE)} ORDER BY contact, "Tag"`);
    const insert = async (some: readonly Record<string, unknown>[]): Promise<void> => {
      await to.query(`INSERT INTO ${quoted(TABLE)} SELECT ${COLUMNS} FROM json_populate_recordset(NULL::${quoted(TABLE)}, $1)`, [
        JSON.stringify(some),
      ]);
    };
    // One that nobody samples is missing: neither the first nor the last.
    const sampled = new Set(arrival?.samples.map((key) => key.join()));
    const missing = rows.findIndex(({ contact, Tag }) => !sampled.has([contact, Tag].join()));
    await insert(rows.filter((_, index) => index !== missing));
    using deadline = new Deadline(60_000, new AbortController().signal, clock);
    const states: string[] = [];
    const arrived = untilArrived({ targetUrl: target.url, arrivals: scene.asTheyAre.arrivals, deadline, clock }).then((at) => {
      states.push('arrived');
      return at;
    });
    await clock.sleep(500);
    states.push('the last row');
    const before = clock.monotonic();
    await insert(rows.slice(missing, missing + 1));
    const { firstAt, lastAt } = await arrived;
    expect(states).toEqual(['the last row', 'arrived']);
    expect([firstAt < before, lastAt >= before]).toEqual([true, true]);

    await insert([{ ...rows[0], contact: 77_777 }]);
    await expect(untilArrived({ targetUrl: target.url, arrivals: scene.asTheyAre.arrivals, deadline, clock })).rejects.toThrow(
      '30001 rows',
    );
  });

  it('is refused where its rows have no key, or there are none', async () => {
    await using source = await testDatabase();
    await fillWith(source.url, 'CREATE TABLE keyless (id int); CREATE TABLE empty (id int PRIMARY KEY)');
    for (const table of ['public.keyless', 'public.empty', 'public.none'])
      await expect(givenTable({ sourceUrl: source.url, targetServerUrl: undefined, table })).rejects.toMatchObject({
        code: 'BAD_SETTINGS',
      });
  });
});
