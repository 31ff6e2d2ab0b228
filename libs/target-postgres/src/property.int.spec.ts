import type { Frame } from '@changeover/events';
import fc from 'fast-check';
import type pg from 'pg';

import type { LoadBed } from './test/load-bed.js';
import { contents, openBoth, PAIRS, randomBatch, TABLES, type Pair } from './test/random-history.js';
import type { Row, TableRows } from './test/writes.js';

async function applyStaged(bed: LoadBed, transactions: readonly (readonly Frame[])[]): Promise<void> {
  if (transactions.every((frames) => frames.length === 0)) return;
  bed.seq += 1;
  for (const frames of transactions) await bed.session.stage(frames, bed.writes.lookup);
  await bed.session.applyStaged(bed.progress());
}

/** Any change of a table is an occasion to try its refused rows again. */
async function touchAll(target: LoadBed, tables: ReadonlyMap<string, TableRows>): Promise<void> {
  const [firms, people, slots] = ['firms', 'people', 'slots'].map((name) => tables.get(name) as TableRows) as [
    TableRows,
    TableRows,
    TableRows,
  ];
  await target.apply([firms.c(['99', null, null, null]), people.c(['99', '99', null, null, null]), slots.c(['99', '99', 't', null])]);
  await target.apply([people.d(['99']), firms.d(['99']), slots.d(['99'])]);
}

/** Applies a random history both ways, and compares after each batch. */
async function sameEitherWay(seed: number, pair: Pair, stage: boolean): Promise<void> {
  const { bed, reference, history } = await openBoth(seed, pair);
  await using target = bed;
  await target.apply(await history.start());
  for (let batch = 0; batch < 15; batch++) {
    const transactions = await randomBatch(history);
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
    const refused = await target.openRefusals();
    expect({ batch, refused, tables: await contents(target.sql) }).toEqual({ batch, refused: [], tables: await contents(reference) });
  }
}

/**
 * The same with a target that refuses some rows by a rule the source does not have. Once the rule is gone, everything that was kept out, and everything
 * that was kept out because of that, has to come in as it is by then.
 */
async function sameOnceAllowed(seed: number, pair: Pair, stage: boolean): Promise<number> {
  const { bed, reference, tables, history } = await openBoth(seed, pair);
  await using target = bed;
  const rules = { firms: `name <> 'x'`, people: `name <> '' AND email <> 'b@x'`, links: `note <> ''`, slots: `note <> 'x'` };
  for (const [table, rule] of Object.entries(rules)) await target.sql.query(`ALTER TABLE ${table} ADD CONSTRAINT rule CHECK (${rule})`);
  await target.apply(await history.start());
  for (let batch = 0; batch < 12; batch++) {
    const transactions = await randomBatch(history);
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
  }
  const refused = (await target.rows('SELECT count(*)::int FROM changeover.refused'))[0]?.[0] as number;
  for (const table of Object.keys(rules)) await target.sql.query(`ALTER TABLE ${table} DROP CONSTRAINT rule`);
  await touchAll(target, tables);
  expect({ refused: await target.openRefusals(), tables: await contents(target.sql) }).toEqual({
    refused: [],
    tables: await contents(reference),
  });
  return refused;
}

/** Rows as texts, by the texts of their keys. */
async function rowsOf(client: pg.Client, { name, keys, columns }: (typeof TABLES)[number]): Promise<ReadonlyMap<string, Row>> {
  const texts = columns.map((column) => `${column.name}::text`).join(', ');
  const { rows } = await client.query<(string | null)[]>({ text: `SELECT ${texts} FROM ${name}`, rowMode: 'array' });
  return new Map(rows.map((row) => [row.slice(0, keys).join(), row]));
}

const isSame = (a: Row, b: Row | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Rows of the source that are not at the target as they are, nor refused; and those of the target that are none of the source, nor stand there instead of one. */
async function strays(target: LoadBed, reference: pg.Client): Promise<unknown> {
  const refusals = await target.openRefusals();
  const found: unknown[] = [];
  for (const table of TABLES) {
    const [rows, there] = [await rowsOf(reference, table), await rowsOf(target.sql, table)];
    const keysOf = (side: 'key' | 'stands'): ReadonlySet<string> => {
      const keys = refusals.flatMap((refusal) =>
        refusal.table_name === table.name ? [refusal[side] as Record<string, string> | null] : [],
      );
      const names = table.columns.slice(0, table.keys).map(({ name }) => name);
      return new Set(keys.flatMap((key) => (key === null ? [] : [names.map((name) => key[name]).join()])));
    };
    const [refused, stands] = [keysOf('key'), keysOf('stands')];
    found.push(
      ...[...rows].filter(([key, row]) => !refused.has(key) && !isSame(row, there.get(key))).map(([, row]) => [table.name, 'lost', row]),
    );
    found.push(
      ...[...there].filter(([key, row]) => !stands.has(key) && !isSame(row, rows.get(key))).map(([, row]) => [table.name, 'left', row]),
    );
  }
  return found;
}

/**
 * Somebody deletes rows of the target under way; the source touches them, and others have their keys soon. After each batch each row is at the target or refused.
 * Gives how many were missed.
 */
async function nothingLost(seed: number, pair: Pair, stage: boolean): Promise<number> {
  const { bed, reference, tables, history } = await openBoth(seed, pair);
  await using target = bed;
  await target.sql.query(`ALTER TABLE links ADD CHECK (note <> ''); ALTER TABLE slots ADD CHECK (note <> 'x')`);
  await target.apply(await history.start());
  for (let batch = 0; batch < 15; batch++) {
    const touched: Frame[] = [];
    for (const table of TABLES.filter(({ name }) => name === 'links' || name === 'slots')) {
      const { name } = table;
      await target.sql.query(`DELETE FROM ${name} WHERE ctid IN (SELECT ctid FROM ${name} OFFSET ${String(history.below(6))} LIMIT 1)`);
      const there = await rowsOf(target.sql, table);
      const gone = [...(await rowsOf(reference, table))].flatMap(([key, row]) => (there.has(key) ? [] : [row]));
      if (gone.length > 0) touched.push((tables.get(name) as TableRows).u(...gone));
    }
    const transactions = [touched, ...(await randomBatch(history))];
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
    expect({ batch, strays: await strays(target, reference) }).toEqual({ batch, strays: [] });
  }
  return Number((await target.rows(`SELECT count(*) FROM changeover.refused WHERE reason = 'ROW_MISSING'`))[0]?.[0]);
}

/** Rows of other keys, with unique values that ours want, too. Ours never fill the column `theirs`. */
const THEIRS = `
  INSERT INTO firms VALUES (52, 'x', 'theirs', NULL, 't'), (56, 'a', NULL, NULL, 't');
  INSERT INTO people VALUES (54, 52, 'y', NULL, NULL, 't'), (57, 56, 'B@x', NULL, 54, 't'); UPDATE firms SET boss = 57 WHERE id = 52;
  INSERT INTO links VALUES (54, 57, NULL, 't'); INSERT INTO slots VALUES (51, 52, true, NULL, 't'), (56, 53, false, NULL, 't');`;

async function theirs(client: pg.Client): Promise<unknown> {
  const found: unknown[] = [];
  for (const { name } of TABLES) found.push((await client.query(`SELECT * FROM ${name} WHERE theirs IS NOT NULL ORDER BY 1, 2`)).rows);
  return found;
}

/** A target that holds rows before the first load: none of them is ever touched, and once they are gone it is as the source. */
async function sameBesideTheirs(seed: number, pair: Pair, stage: boolean): Promise<number> {
  const { bed, reference, tables, history } = await openBoth(seed, pair, { existingRows: 'leave' });
  await using target = bed;
  for (const { name } of TABLES) await target.sql.query(`ALTER TABLE ${name} ADD COLUMN theirs text`);
  await target.sql.query(THEIRS);
  const before = await theirs(target.sql);
  await target.apply(await history.start());
  for (let batch = 0; batch < 12; batch++) {
    const transactions = await randomBatch(history);
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
    expect({ batch, theirs: await theirs(target.sql) }).toEqual({ batch, theirs: before });
  }
  const refused = (await target.rows('SELECT count(*)::int FROM changeover.refused'))[0]?.[0] as number;
  await target.sql.query('SET session_replication_role = replica');
  for (const { name } of TABLES) await target.sql.query(`DELETE FROM ${name} WHERE theirs IS NOT NULL`);
  await target.sql.query('RESET session_replication_role');
  await touchAll(target, tables);
  expect({ refused: await target.openRefusals(), tables: await contents(target.sql) }).toEqual({
    refused: [],
    tables: await contents(reference),
  });
  return refused;
}

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s', (pair) => {
  it('ends the same in batches as transaction by transaction', async () => {
    const property = fc.asyncProperty(fc.integer(), (seed) => sameEitherWay(seed, pair, false));
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
  }, 120_000);

  it('ends the same when its batches are staged', async () => {
    const property = fc.asyncProperty(fc.integer(), (seed) => sameEitherWay(seed, pair, true));
    await fc.assert(property, { numRuns: 8, endOnFailure: true });
  }, 120_000);
});

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s, through a target that refuses rows,', (pair) => {
  it('ends the same once the target takes what it refused', async () => {
    let refused = 0;
    const property = fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, stage) => {
      refused += await sameOnceAllowed(seed, pair, stage);
    });
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
    expect(refused).toBeGreaterThan(12);
  }, 120_000);
});

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s, of whose target somebody deletes rows,', (pair) => {
  it('loses none without a word', async () => {
    let missed = 0;
    const property = fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, stage) => {
      missed += await nothingLost(seed, pair, stage);
    });
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
    expect(missed).toBeGreaterThan(12);
  }, 120_000);
});

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s, beside rows that were there,', (pair) => {
  it('leaves them as they are, and ends the same once they are gone', async () => {
    let refused = 0;
    const property = fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, stage) => {
      refused += await sameBesideTheirs(seed, pair, stage);
    });
    await fc.assert(property, { numRuns: 5, endOnFailure: true });
    expect(refused).toBeGreaterThan(5);
  }, 120_000);
});
