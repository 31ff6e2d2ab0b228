import { SystemClock } from '@changeover/core';
import {
  createJudge,
  createLegacyIndexes,
  createLegacyTables,
  createModernTables,
  fillLegacyTables,
  isExactly,
  MoveTraffic,
  prove,
  Random,
  RULES,
  sabotage,
  type Proof,
} from '@changeover/example-crm';
import type { TableRule } from '@changeover/mapping';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { createHeldTable, RuleRun } from './rule-run.js';

const clock = new SystemClock();
const SEED = Math.floor(clock.now()) % 1_000_000;

/** A rule that is wrong in one point, and the first table in which it shows. */
const WRONG_RULES: Readonly<Record<string, readonly [target: string, wrong: (rule: TableRule) => Partial<TableRule>]>> = {
  'know no order of rivals': [
    'crm.contact',
    ({ unique = [] }) => ({ unique: unique.map(({ columns, otherwise }) => ({ columns, otherwise })) }),
  ],
  'leave a value empty instead of holding the row': [
    'crm.account',
    ({ unique = [] }) => ({ unique: unique.map((rule) => ({ ...rule, otherwise: 'empty' })) }),
  ],
  'take any of several addresses': ['crm.contact', ({ joins = [] }) => ({ joins: joins.map(({ order: _, ...join }) => join) })],
  'see links that were thrown away': ['crm.contact', ({ joins = [] }) => ({ joins: joins.map(({ where: _, ...join }) => join) })],
  'cut notes too short': ['crm.note', ({ validate = [] }) => ({ validate: validate.map((rule) => ({ ...rule, atMost: 599 })) })],
  'take leads that are none any more': ['crm.lead', () => ({ where: { is: { column: 'deleted' }, in: ['0'] } })],
};

/** What people do to a lead; more often to its values than to whether it is one. */
const LEAD_STEPS = [
  ...Array.from({ length: 3 }, () => ["phone = 'n/a'", "phone = '030 23125123'", "status = 'UNHEARD OF'", "status = 'QUALIFIED'"]).flat(),
  "account_name = 'Company ' || floor(extract(epoch FROM clock_timestamp()) * 1000)",
  "account_name = 'Company ' || id",
  'assigned_user_id = 999999',
  'assigned_user_id = 1',
  'assigned_user_id = 2',
  "converted = 'Y'",
  "converted = 'N'",
  "converted = 'N'",
  'deleted = 1',
  'deleted = 0',
  'deleted = 0',
];

/** The judge and the mapping say the same by themselves, each in its own language: nothing here moves a row from one to the other. */
describe(`the judge of the demo (seed ${String(SEED)})`, () => {
  let databases: TestDatabase[];
  let legacy: pg.Client;
  let modern: pg.Client;
  let run: RuleRun;

  beforeAll(async () => {
    databases = [await testDatabase(), await testDatabase()];
    [legacy, modern] = (await Promise.all(databases.map((database) => database.connect()))) as [pg.Client, pg.Client];
    await createLegacyTables(legacy);
    await fillLegacyTables(legacy, { seed: 1, rows: 10_000 });
    await createLegacyIndexes(legacy);
    await createJudge(legacy);
    await createModernTables(modern);
    await createHeldTable(modern);
  }, 60_000);

  afterAll(async () => {
    for (const database of databases) await database[Symbol.asyncDispose]();
  });

  const expectEqual = async (): Promise<Proof> => {
    await run.writeTo(modern);
    const proof = await prove(legacy, modern);
    expect(proof.tables.filter(({ missing, extra, different }) => missing + extra + different > 0)).toEqual([]);
    expect(proof.equal).toBe(true);
    return proof;
  };

  it('agrees with the rules about what the old CRM has', async () => {
    run = await RuleRun.deriveAll(RULES, legacy);
    const { held, noted } = await expectEqual();
    expect(noted.map(({ table, reason, rows }) => [table, reason, rows > 0])).toEqual([
      ['crm.note', 'cut: length of body', true],
      ['crm.deal', 'out of range: a deal that is worth its while', true],
    ]);
    const reasons = new Set(held.map(({ state, reason }) => `${state}: ${reason}`));
    expect([...reasons].sort()).toEqual([
      'held: empty',
      'held: not a boolean',
      'held: not a date',
      'held: not a phone number',
      'held: not a timestamp',
      'held: not an e-mail address',
      'held: not unique',
      'held: unknown country',
      'held: unknown value',
      'waiting: waits for',
    ]);
  }, 60_000);

  it.each(Array.from({ length: 24 }, (_, seed) => seed))('finds exactly what sabotage %i damaged', async (seed) => {
    await run.writeTo(modern);
    const damage = await sabotage(modern, seed);
    const proof = await prove(legacy, modern);
    expect({ damage, equal: proof.equal, isExactly: isExactly(proof, damage) }).toEqual({ damage, equal: false, isExactly: true });
  });

  it.each(Object.entries(WRONG_RULES))('does not agree with rules that %s', async (_, [target, wrong]) => {
    const rules = RULES.map((rule) => (rule.target === target ? { ...rule, ...wrong(rule) } : rule));
    await (await RuleRun.deriveAll(rules, legacy)).writeTo(modern);
    const { equal, tables } = await prove(legacy, modern);
    expect(equal).toBe(false);
    expect(tables.find(({ missing, extra, different }) => missing + extra + different > 0)?.table).toBe(target);
  });

  it('agrees with the rules about what users made of it', async () => {
    const traffic = await MoveTraffic.start({ url: (databases[0] as TestDatabase).url, seed: SEED, users: 20, pauseMs: 5, clock });
    for (let round = 0; round < 3; round++) {
      await clock.sleep(1_500);
      if (round === 2) {
        const { missing, kinds, ambiguous } = await traffic.stop();
        console.info(kinds);
        expect(missing).toEqual(['lead made unreadable', 'lead made readable']);
        expect(ambiguous).toBe(0);
      }
      await run.follow();
    }
    await expectEqual();
  }, 60_000);

  it('knows which version of a lead was the last good one', async () => {
    const random = new Random(SEED);
    const { rows } = await legacy.query<{ id: string }>('SELECT id FROM leads ORDER BY id LIMIT 6');
    let kept = 0;
    for (let step = 1; step <= 240; step++) {
      await legacy.query(`UPDATE leads SET ${random.pick(LEAD_STEPS)} WHERE id = $1`, [random.pick(rows).id]);
      await run.follow('public.leads');
      const noted = await legacy.query('SELECT FROM judge.kept_leads');
      kept += noted.rowCount ?? 0;
      if (step % 20 === 0) await expectEqual();
    }
    expect(kept).toBeGreaterThan(10);
  }, 120_000);
});
