import { CRASH_POINTS, type CrashPointName } from '@changeover/core';
import { connectTo, type LogType } from '@changeover/example-crm';
import { isEqual, type TableDigest, type TargetsComparison } from '@changeover/verification';

import { VerifyScene } from '../verify/verify-scene.js';
import { TARGET } from '../verify/verify-tables.js';
import { Probers, SENTINEL_TABLES } from './probers.js';
import { done, RebuildCommand } from './rebuild-command.js';

const WRITERS = 2;
/** Between two transactions of one: who rebuilds on the same machine has to be able to catch up. */
const PAUSE_MS = 60;
const TABLES = [
  'app.company',
  'app.person',
  'public.tag',
  'public.visit',
  'changeover.held',
  'changeover.correction',
  'changeover.reference',
  'changeover.allocated',
];

/** What a process does that dies at a point, and how often the tables are exchanged then and when it was done once more. */
const KILLS: Readonly<Record<string, { readonly args: readonly string[]; readonly killed: number | null; readonly again: number | null }>> =
  {
    'rebuild.making': { args: [], killed: null, again: 0 },
    'rebuild.made': { args: [], killed: 0, again: 0 },
    'rebuild.caught-up': { args: [], killed: 0, again: 0 },
    'rebuild.holding': { args: [], killed: 0, again: 0 },
    'rebuild.compared': { args: [], killed: 0, again: 0 },
    'rebuild.in-swap': { args: ['swap'], killed: 0, again: 1 },
    'rebuild.swapped': { args: ['swap'], killed: 2, again: 3 },
    'rebuild.in-drop': { args: ['drop'], killed: 3, again: null },
    'rebuild.dropped': { args: ['drop'], killed: null, again: null },
  };
const POINTS = CRASH_POINTS.filter((name): name is CrashPointName & `rebuild.${string}` => name.startsWith('rebuild.'));

/** What is said of tables that were built up to a record. */
type Built = { readonly seq: number; readonly tables: readonly (TableDigest & { readonly table: string; readonly refused: number })[] };

/** All that a rebuild promises, on one of the logs; not the whole: what does not depend on the log is left out. `kills`: where commands are killed; what is exchanged then depends on those before. */
export function describeRebuild(
  log: LogType,
  { swaps, whole, kills }: { readonly swaps: number; readonly whole: boolean; readonly kills: readonly CrashPointName[] | 'all' },
): void {
  describe(`a rebuild over ${log}`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    let scene: VerifyScene;
    let settingsFile: string;
    const opened: AsyncDisposable[] = [];

    beforeAll(async () => {
      scene = await VerifyScene.open(log, { id: 'rebuild', seed });
      opened.push(scene);
      settingsFile = scene.bed.migration.settingsFile;
      await scene.bed.target.query(SENTINEL_TABLES);
      await Probers.plant(scene.bed.source);
      await scene.bed.barrier();
    }, 240_000);

    afterAll(async () => {
      for (const one of opened) await one[Symbol.asyncDispose]();
    }, 60_000);

    // Also where a test failed before it did so.
    afterEach(() => scene.calm(), 60_000);

    const run = async (args: readonly string[]) => (await done(settingsFile, args)) as TargetsComparison & { readonly lockedMs: number };
    const rows = async <Row>(sql: string): Promise<Row[]> => (await scene.bed.target.query(sql)).rows as Row[];
    const verdictOf = async (): Promise<boolean> => isEqual(await scene.verify());
    /** Null: there is none. */
    const swapped = async (schema: string): Promise<number | null> =>
      (await rows<{ swaps: number }>(`SELECT swaps FROM changeover.rebuild WHERE schema_name = '${schema}'`))[0]?.swaps ?? null;

    it('is equal to what is live, twice, while people go on', async () => {
      // One that is refused for certain: what the writers do at random may leave none.
      await scene.bed.source.query(
        `INSERT INTO company VALUES (950, 'Sure', 'big'); INSERT INTO person (id, company_id, note) VALUES (9500, 950, 'refused'); INSERT INTO visit SELECT '2024-02-02', 'sure' FROM generate_series(1, 500)`,
      );
      await scene.letLoose(WRITERS, PAUSE_MS);
      for (const schema of ['first', 'second']) {
        const report = await run(['--into', schema]);
        expect(report.equal).toBe(true);
        expect(report.tables.map(({ table }) => table).sort()).toEqual([...TABLES].sort());
      }
      const committed = await scene.calm();
      const reports = [await run(['compare', '--into', 'first']), await run(['compare', '--into', 'second'])];
      const digests = reports.map(({ tables }) => tables.map(({ table, rebuilt }) => ({ table, ...rebuilt })));
      expect(digests[0]).toEqual(digests[1]);
      // The mapping looks nothing up at the target.
      const empty = digests[0]?.filter(({ rows: count }) => count === 0).map(({ table }) => table);
      expect(empty).toEqual(['changeover.reference']);
      const [refused] = await rows<{ rows: number }>(
        `SELECT count(*)::int AS rows FROM changeover.refused WHERE to_seq IS NULL AND migration LIKE '%first'`,
      );
      expect(refused?.rows).toBeGreaterThan(0);
      console.log(
        `${String(committed)} transactions meanwhile; ${JSON.stringify(digests[0])}; held ${reports.map(({ heldMs }) => heldMs.toFixed(0)).join(', ')} ms`,
      );
    }, 180_000);

    it('that is not equal is told where, and is not exchanged', async () => {
      await scene.bed.target.query(`SET session_replication_role = replica; UPDATE first.company SET name = 'damaged' WHERE id = 901;
        DELETE FROM first.tag WHERE (person_id, label) = (SELECT person_id, label FROM first.tag LIMIT 1); RESET session_replication_role`);
      await scene.bed.target.query(
        `UPDATE changeover.refused SET wanted = wanted || '{"note": "other"}' WHERE id = (SELECT min(id) FROM changeover.refused WHERE to_seq IS NULL AND migration LIKE '%first')`,
      );
      for (const command of ['compare', 'swap']) {
        const { code, out, err } = await new RebuildCommand(settingsFile, [command, '--into', 'first']).ended;
        expect({ code, err }).toEqual({
          code: 1,
          err: expect.stringMatching(/REBUILD_DIFFERS.*3 rows differ.*app\.company, app\.person, public\.tag/u) as string,
        });
        expect(out).toMatch(/app\.company:\n {2}"901": other values in name/u);
        expect(out).toMatch(/public\.tag:\n {2}.*: only live/u);
        expect(out).toMatch(/app\.person:[^]*of 1 refused not the same should be there/u);
      }
      expect(await swapped('first')).toBe(0);
      // Whoever says that it shall be: the damaged ones are live then, and go again.
      const damagedNow = async (): Promise<unknown> => (await rows(`SELECT name FROM app.company WHERE id = 901`))[0];
      for (const [turn, name] of ['damaged', 'sentinel 901'].entries()) {
        await run(['swap', '--into', 'first', '--although-different']);
        expect([await swapped('first'), await damagedNow()]).toEqual([turn + 1, { name }]);
      }
      await run(['drop', '--into', 'first']);
      expect(await rows(`SELECT FROM pg_namespace WHERE nspname = 'first'`)).toEqual([]);
      for (const table of ['progress', 'held', 'correction', 'allocated', 'refused'])
        expect(await rows(`SELECT migration FROM changeover.${table} WHERE migration LIKE '%first'`)).toEqual([]);
      expect(await new RebuildCommand(settingsFile, ['drop', '--into', 'first']).ended).toMatchObject({
        code: 1,
        err: expect.stringContaining('REBUILD_MISSING') as string,
      });
    }, 240_000);

    if (whole)
      it('of an earlier record holds what was live then', async () => {
        expect(await new RebuildCommand(settingsFile, ['--into', 'never', '--to-record', '999999999']).ended).toMatchObject({
          code: 1,
          err: expect.stringContaining('the log ends at record') as string,
        });
        expect(await rows(`SELECT FROM pg_namespace WHERE nspname = 'never'`)).toEqual([]);
        const then = await run(['compare', '--into', 'second']);
        await scene.letLoose(WRITERS, PAUSE_MS);
        await scene.bed.barrier();
        await scene.calm();
        const built = (await done(settingsFile, ['--into', 'then', '--to-record', String(then.seq)])) as Built;
        expect(built.seq).toBeLessThanOrEqual(then.seq);
        // Which rows are refused is the same; of some it may depend on load.
        const digests = built.tables;
        const same = then.tables.filter(({ table, refused }) => digests.some((one) => one.table === table && one.refused === refused.rows));
        expect(same.map(({ table }) => table)).toEqual(expect.arrayContaining(['app.company', 'public.tag', 'public.visit']));
        for (const { table, live } of same) expect(digests).toContainEqual(expect.objectContaining({ table, ...live }));
        const now = await run(['compare', '--into', 'second']);
        expect(now.tables.map(({ live }) => live.digest)).not.toEqual(then.tables.map(({ live }) => live.digest));
        // It goes on from there.
        expect((await run(['--into', 'then'])).equal).toBe(true);
        expect(await new RebuildCommand(settingsFile, ['--into', 'then', '--to-record', '3']).ended).toMatchObject({
          code: 1,
          err: expect.stringContaining('cannot go back') as string,
        });
        await run(['drop', '--into', 'then']);
      }, 240_000);

    if (whole)
      it('into another database is equal too, and is not exchanged', async () => {
        await scene.bed.target.query('CREATE DATABASE rebuilt_elsewhere');
        const url = new URL(scene.bed.migration.targetUrl);
        url.pathname = '/rebuilt_elsewhere';
        const other = await connectTo(url.href);
        try {
          await other.query(TARGET);
          expect((await run(['--into', url.href])).equal).toBe(true);
          await other.query(`UPDATE app.company SET name = 'damaged' WHERE id = 902`);
          const compared = await new RebuildCommand(settingsFile, ['compare', '--into', url.href]).ended;
          expect({ code: compared.code, out: compared.out }).toEqual({
            code: 1,
            out: expect.stringMatching(/"902": other values in name/u) as string,
          });
          expect(compared.err).toContain('REBUILD_DIFFERS');
          await other.query(`UPDATE app.company SET name = 'sentinel 902' WHERE id = 902`);
          const exchanged = await new RebuildCommand(settingsFile, ['swap', '--into', url.href]).ended;
          expect(exchanged).toMatchObject({
            code: 1,
            err: expect.stringContaining('BAD_SETTINGS: tables of two databases cannot be exchanged') as string,
          });
          await run(['drop', '--into', url.href]);
        } finally {
          await other.end();
        }
      }, 240_000);

    it(`is exchanged ${String(swaps)} times while everybody goes on, and nobody misses a row`, async () => {
      await using follower = new RebuildCommand(settingsFile, ['--into', 'second', '--follow']);
      await follower.says('following the log');
      await scene.letLoose(WRITERS, 10);
      await using probers = await Probers.begin(scene.bed.migration.sourceUrl, scene.bed.migration.targetUrl);
      const locked: number[] = [];
      const tableNow = async (): Promise<number | undefined> =>
        (await rows<{ oid: number }>(`SELECT 'app.company'::regclass::oid AS oid`))[0]?.oid;
      const first = await tableNow();
      for (let swap = 1; swap <= swaps; swap++) {
        const report = await run(['swap', '--into', 'second']);
        locked.push(report.lockedMs);
        expect(report).toMatchObject({ swaps: swap, unvalidated: [] });
        expect((await tableNow()) === first).toBe(swap % 2 === 0);
      }
      await scene.bed.barrier();
      const probed = await probers.end();
      const committed = await scene.calm();
      console.log(
        `${String(swaps)} exchanges: locked ${locked.map((ms) => ms.toFixed(0)).join(', ')} ms; ${String(committed)} transactions; ${JSON.stringify(probed)}`,
      );
      expect(probed.wrong).toEqual([]);
      expect(Math.min(probed.reads, probed.remarks, probed.counted)).toBeGreaterThan(100);
      expect((await run(['compare', '--into', 'second'])).equal).toBe(true);
      expect(await verdictOf()).toBe(true);
      expect(await follower.interrupt()).toMatchObject({ code: 130, err: expect.stringContaining('interrupted') as string });
    }, 300_000);

    for (const point of POINTS.filter((name) => kills === 'all' || kills.includes(name))) {
      const { args, killed, again } = KILLS[point] as (typeof KILLS)[string];
      it(`killed at ${point} is taken up or undone by the same command`, async () => {
        const command = [...args, '--into', 'killed'];
        // The tables are there, unless it is the first of all.
        if (point === 'rebuild.dropped') await run(['--into', 'killed']);
        const ended = await new RebuildCommand(settingsFile, command, point).ended;
        expect({ code: ended.code, signal: ended.signal, said: ended.signal === null ? ended.err : '' }).toEqual({
          code: null,
          signal: 'SIGKILL',
          said: '',
        });
        expect(await swapped('killed')).toBe(killed);
        // Load goes on, also where it was held when its holder died.
        await scene.bed.source.query("UPDATE company SET name = 'after ' || $1 WHERE id = 1", [point]);
        await scene.bed.barrier();
        await run(command);
        expect(await swapped('killed')).toBe(again);
        expect(await rows(`SELECT conname FROM pg_constraint WHERE NOT convalidated`)).toEqual([]);
        expect(await verdictOf()).toBe(true);
        if (again === null) {
          expect(await rows(`SELECT FROM pg_namespace WHERE nspname = 'killed'`)).toEqual([]);
          for (const one of ['compare', 'swap', 'drop'])
            expect(await new RebuildCommand(settingsFile, [one, '--into', 'killed']).ended).toMatchObject({
              code: 1,
              err: expect.stringContaining('REBUILD_MISSING') as string,
            });
        }
      }, 240_000);
    }
  });
}
