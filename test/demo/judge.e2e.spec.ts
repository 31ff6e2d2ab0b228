import {
  createJudge,
  createLegacyIndexes,
  createLegacyTables,
  createModernTables,
  fillLegacyTables,
  isExactly,
  prove,
  RULES,
  sabotage,
} from '@changeover/example-crm';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { createHeldTable, RuleRun } from './rule-run.js';

/** The judge and the mapping say the same by themselves, each in its own language: nothing here moves a row from one to the other. */
describe('the judge of the demo', () => {
  let databases: TestDatabase[];
  let legacy: pg.Client;
  let modern: pg.Client;
  let run: RuleRun;

  beforeAll(async () => {
    databases = [await testDatabase(), await testDatabase()];
    [legacy, modern] = (await Promise.all(databases.map((database) => database.connect()))) as [pg.Client, pg.Client];
    await createLegacyTables(legacy);
    await fillLegacyTables(legacy, { seed: 1, rows: 8_000 });
    await createLegacyIndexes(legacy);
    await createJudge(legacy);
    await createModernTables(modern);
    await createHeldTable(modern);
  }, 60_000);

  afterAll(async () => {
    for (const database of databases) await database[Symbol.asyncDispose]();
  });

  it('agrees with the rules', async () => {
    run = await RuleRun.deriveAll(RULES, legacy);
    await run.writeTo(modern);
    const proof = await prove(legacy, modern);
    console.info(proof.held);
    expect(proof.tables.filter(({ missing, extra, different }) => missing + extra + different > 0)).toEqual([]);
    expect(proof.equal).toBe(true);
  }, 60_000);

  it.each(Array.from({ length: 24 }, (_, seed) => seed))('finds exactly what sabotage %i damaged', async (seed) => {
    await run.writeTo(modern);
    const damage = await sabotage(modern, seed);
    const proof = await prove(legacy, modern);
    expect({ damage, equal: proof.equal, isExactly: isExactly(proof, damage) }).toEqual({ damage, equal: false, isExactly: true });
  });
});
