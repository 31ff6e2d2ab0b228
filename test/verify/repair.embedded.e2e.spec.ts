import { CRASH_POINTS } from '@changeover/core';
import { Random } from '@changeover/example-crm';
import { isEqual, type RepairedReport, type RepairResult } from '@changeover/verification';

import { said } from './verify.js';
import { VerifyScene } from './verify-scene.js';

const WRITERS = 8;
const PAUSE_MS = 40;
/** Rows that the writers know nothing of, so that damage to them is not all written over before it is found. */
const QUIET = `
  INSERT INTO company SELECT 100 + n, 'Quiet', 'big' FROM generate_series(1, 20) n;
  INSERT INTO person (id, company_id, email, note) SELECT 1000 + n, 101 + n % 20, n || '@quiet.example', 'quiet' FROM generate_series(1, 300) n;
  INSERT INTO tag SELECT 1000 + n, 'quiet', 1 FROM generate_series(1, 300) n;`;
/** But for one who changes some of them now and then, here and there as the damage does. */
const STIR = `WITH tags AS (UPDATE tag SET weight = weight + 1 WHERE person_id IN (SELECT 1001 + floor(random() * 300)::int FROM generate_series(1, 3)))
  UPDATE person SET note = CASE WHEN random() < 0.5 THEN 'damaged' ELSE 'stirred' END WHERE id IN (SELECT 1001 + floor(random() * 300)::int FROM generate_series(1, 5))`;
/** REPAIR_ROUNDS of the environment: for who has more time than a run of all tests. */
const ROUNDS = Number(process.env['REPAIR_ROUNDS'] ?? 4);

/** Damage of all kinds to rows that are there, over constraints; `$1` chooses. */
const DAMAGE = `
  UPDATE app.person SET note = 'damaged' WHERE id IN (SELECT id FROM app.person ORDER BY md5(id::text || $1) LIMIT 20);
  UPDATE app.person SET email = NULL, amount = coalesce(amount, 0) + 1 WHERE id IN (SELECT id FROM app.person ORDER BY md5($1 || id::text) LIMIT 10);
  DELETE FROM public.tag WHERE (person_id, label) IN (SELECT person_id, label FROM public.tag ORDER BY md5(person_id || label || $1) LIMIT 10);
  DELETE FROM app.person WHERE id IN (SELECT id FROM app.person ORDER BY md5($1 || id || 'gone') LIMIT 10);
  DELETE FROM app.company WHERE id IN (SELECT id FROM app.company ORDER BY md5(id || $1) LIMIT 2);
  INSERT INTO app.company VALUES (901, 'extra'), (902, 'extra') ON CONFLICT DO NOTHING;
  INSERT INTO app.person (id, company_id, note) VALUES (9001, 901, 'extra') ON CONFLICT DO NOTHING;
  UPDATE changeover.held SET reason = 'another' WHERE (target, source_key) IN (SELECT target, source_key FROM changeover.held ORDER BY md5(source_key || $1) LIMIT 2);
`;

/** What is put right by load, or another time: a row that load has touched, and those that need it. */
const LEFT: readonly RepairResult[] = ['loaded', 'changed', 'listed', 'refused'];

/** What of it there is. */
const DAMAGED = `SELECT (SELECT count(*) FROM app.person WHERE note = 'damaged' AND id > 2000)::int AS altered, (SELECT count(*) FROM app.company WHERE id > 900)::int AS extra,
  (SELECT count(*) FROM app.person WHERE id > 2000 AND id <= 2050)::int AS people`;

describe('repair', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const random = new Random(seed);
  let scene: VerifyScene;
  const opened: AsyncDisposable[] = [];

  beforeAll(async () => {
    scene = await VerifyScene.open('embedded', { id: 'repair', seed });
    opened.push(scene);
  }, 120_000);

  afterAll(async () => {
    for (const one of opened) await one[Symbol.asyncDispose]();
  }, 60_000);

  async function damage(): Promise<void> {
    const { target } = scene.bed;
    await target.query('SET session_replication_role = replica');
    const salt = random.hex(4);
    for (const sql of DAMAGE.split(';').filter((one) => one.trim() !== '')) {
      const spoil = (): Promise<unknown> => target.query(sql, sql.includes('$1') ? [salt] : []);
      await spoil().catch((error: unknown) => {
        // Load may have been in its way.
        if ((error as { readonly code?: string }).code !== '40P01') throw error;
        return spoil();
      });
    }
    await target.query('RESET session_replication_role');
  }

  describe('killed', () => {
    beforeAll(async () => {
      const { source } = scene.bed;
      // Nothing is refused or held among these.
      await source.query(`INSERT INTO company VALUES (70, 'Whole', 'big')`);
      await source.query(`INSERT INTO person (id, company_id, note) SELECT 2000 + n, 70, 'as it should be' FROM generate_series(1, 50) n`);
      await source.query('DELETE FROM person WHERE id < 2000');
      await scene.bed.barrier();
      expect(isEqual(await scene.verify())).toBe(true);
    }, 180_000);

    const spoil = `UPDATE app.person SET note = 'damaged' WHERE id BETWEEN 2001 AND 2020; DELETE FROM app.person WHERE id BETWEEN 2021 AND 2030; INSERT INTO app.company VALUES (903, 'extra')`;
    const [whole, spoilt] = [
      { altered: 0, extra: 0, people: 50 },
      { altered: 20, extra: 1, people: 40 },
    ];

    it.each(CRASH_POINTS.filter((name) => name.startsWith('verify.repair')))(
      'at %s, it has repaired all or nothing',
      async (point) => {
        const { target, source } = scene.bed;
        await target.query(spoil);
        const killed = await scene.command(point, ['--repair', '--delete-extra']);
        expect({ ...killed, said: '' }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
        expect((await target.query(DAMAGED)).rows).toEqual([point === 'verify.repairing' ? spoilt : whole]);
        // Load goes on.
        await source.query("UPDATE company SET name = 'after ' || $1", [point]);
        await scene.bed.barrier();
        const next = await scene.command(undefined, ['--repair', '--delete-extra']);
        expect({ ...next, said: '' }).toEqual({ code: 0, signal: null, said: '' });
        expect((await target.query(DAMAGED)).rows).toEqual([whole]);
        expect(await scene.scratchFolders()).toEqual([]);
      },
      180_000,
    );

    it('brings back rows that were deleted, and changed at the source since', async () => {
      const { target, source } = scene.bed;
      await target.query('DELETE FROM app.person WHERE id BETWEEN 2001 AND 2005');
      await source.query(`UPDATE person SET note = 'as it is now' WHERE id BETWEEN 2001 AND 2008`);
      await scene.bed.barrier();
      // To who only compares they are rows that the target refuses.
      const tables = (await scene.verify()).tables.map(({ table, refused }) => [table, refused]);
      expect(tables).toContainEqual(['app.person', 5]);
      const { repair, ...report } = await scene.repair(false);
      expect(repair.counts).toMatchObject({ repaired: 5 });
      expect([isEqual(report), report.tables.reduce((sum, { refused }) => sum + refused, 0)]).toEqual([true, 0]);
      expect((await target.query(DAMAGED)).rows).toEqual([whole]);
    }, 180_000);

    it('takes numbers that were given, and since when rows are held, from what the log has told', async () => {
      const { target, source } = scene.bed;
      await source.query(
        `INSERT INTO person (id, company_id, email) SELECT 2100 + n, 70, 'n' || n || '@numbers.example' FROM generate_series(1, 4) n`,
      );
      await source.query(`INSERT INTO person (id, company_id, email) VALUES (2105, 70, 'no address'), (2106, 70, 'none either')`);
      await scene.bed.barrier();
      const all = async (): Promise<unknown> => {
        const tables = ['SELECT id, number FROM app.person ORDER BY id', 'SELECT * FROM changeover.allocated ORDER BY number'];
        const rows = [...tables, 'SELECT * FROM changeover.held ORDER BY source_key'].map(
          async (sql) => (await target.query(sql)).rows as unknown,
        );
        return Promise.all(rows);
      };
      const before = await all();
      const numbered = `SELECT number FROM changeover.allocated WHERE source_text`;
      await target.query(`UPDATE app.person SET number = 7 WHERE id = 2101`);
      await target.query(`DELETE FROM changeover.allocated WHERE number IN (${numbered} IN ('n1@numbers.example', 'n2@numbers.example'))`);
      await target.query(`UPDATE changeover.allocated SET source_text = 'another' WHERE number = (${numbered} = 'n3@numbers.example')`);
      await target.query(`DELETE FROM changeover.held WHERE source_key LIKE '%2105%'`);
      const { tables } = await scene.verify();
      const kinds = tables.flatMap(({ table, differences }) => differences.map(({ kind, columns }) => [table, kind, ...columns].join(' ')));
      expect(kinds.toSorted()).toEqual([
        'app.person different number',
        'changeover.allocated different source_text',
        'changeover.allocated missing',
        'changeover.allocated missing',
        'changeover.held missing',
      ]);
      const { repair, ...report } = await scene.repair(false);
      expect([isEqual(report), repair.counts.repaired]).toEqual([true, 5]);
      expect(await all()).toEqual(before);
      expect((await scene.command(undefined, ['--table', 'changeover.allocated'])).said).toContain('changeover.allocated');
      await source.query('DELETE FROM person WHERE id > 2100');
      await scene.bed.barrier();
    }, 180_000);

    it('says what it has done, and deletes nothing that it was not told to', async () => {
      await scene.bed.target.query(spoil);
      const left = await scene.command(undefined, ['--repair']);
      expect(left.code).toBe(1);
      expect(left.said).toContain('repaired: 30 rows\nleft: should not be there (--delete-extra deletes such rows): 1 row\n');
      expect(left.said).toMatch(/after that:\ncompared at record [\d,]+ of changes/);
      expect(left.said).toContain('app.company:\n  "903": should not be there\n');
      expect((await scene.bed.target.query(DAMAGED)).rows).toEqual([{ ...whole, extra: 1 }]);
      const json = await scene.command(undefined, ['--repair', '--delete-extra', '--json']);
      expect(JSON.parse(json.said.slice(0, json.said.lastIndexOf('}') + 1))).toMatchObject({
        equal: true,
        repair: { counts: { repaired: 1 }, rows: [{ table: 'app.company', kind: 'extra', key: ['903'], result: 'repaired' }] },
      });
      expect((await scene.command(undefined, ['--delete-extra'])).said).toContain('BAD_SETTINGS');
    }, 180_000);
  });

  it(`brings everything in order, in ${String(ROUNDS)} rounds beside ${String(WRITERS)} writers`, async () => {
    await scene.bed.source.query(QUIET);
    await scene.bed.barrier();
    await scene.letLoose(WRITERS, PAUSE_MS);
    let isStirred = true;
    const stirring = (async () => {
      while (isStirred) {
        await scene.bed.source.query(STIR).catch((error: unknown) => {
          if ((error as { readonly code?: string }).code !== '40P01') throw error;
        });
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    })();
    const totals: Partial<Record<RepairResult, number>> = {};
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await damage();
        const { repair, ...report } = await scene.repair(true);
        for (const [result, count] of Object.entries(repair.counts) as [RepairResult, number][])
          totals[result] = (totals[result] ?? 0) + count;
        const odd = repair.rows.filter(({ result }) => !LEFT.includes(result));
        expect({ round, wrong: unexpected({ repair, ...report }), odd: odd.filter(({ result }) => result !== 'repaired') }).toEqual({
          round,
          wrong: [],
          odd: [],
        });
      }
    } finally {
      isStirred = false;
      await stirring;
    }
    const committed = await scene.calm();
    console.log(`${String(committed)} transactions meanwhile; rows that differed: ${JSON.stringify(totals)}`);
    expect(totals.repaired).toBeGreaterThan(4 * ROUNDS);
    expect(totals.loaded).toBeGreaterThan(0);
    // Nobody is in the way any more: what was left for another time is put right.
    const last = await scene.repair(true);
    expect([unexpected(last), last.repair.rows.filter(({ result }) => result !== 'repaired' && result !== 'listed')]).toEqual([[], []]);
  }, 600_000);
});

/** What still differs, but for rows that load has to write, or that need one that it has to. */
function unexpected({ repair, ...report }: RepairedReport): readonly string[] {
  const left = new Set(
    repair.rows.filter(({ result }) => LEFT.includes(result)).map(({ table, kind, key }) => [table, kind, key?.join(',') ?? '-'].join(' ')),
  );
  return said(report).filter((one) => !left.has(one.split(' ').slice(0, 3).join(' ')));
}
