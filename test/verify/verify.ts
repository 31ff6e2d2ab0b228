import { CRASH_POINTS, type CrashPointName } from '@changeover/core';
import { Random, type LogType } from '@changeover/example-crm';
import type { SourceSnapshot, SourceSnapshots } from '@changeover/events';
import { isEqual, type ResumedReport, type VerificationReport } from '@changeover/verification';
import type pg from 'pg';

import { VerifyScene, type CrashPass } from './verify-scene.js';

const WRITERS = 8;
/** Each has one about every sixth time. */
const ROUNDS_TO_AN_ALARM = 200;

/** What is said of each row that differs: its table, kind, key and columns. */
export function said({ tables }: Pick<VerificationReport, 'tables'>): readonly string[] {
  return tables.flatMap(({ table, differences }) =>
    differences.map(({ kind, key, columns }) => [table, kind, key?.join(',') ?? '-', columns.join(',')].join(' ').trim()),
  );
}

/** Snapshots of which it is said that they show everything: as if nobody asked by transaction ids what is in them. */
function showingAll(snapshots: SourceSnapshots): SourceSnapshots {
  return {
    open: async (): Promise<SourceSnapshot> => {
      const snapshot = await snapshots.open();
      return new Proxy(snapshot, {
        get(target, name) {
          if (name === 'shows') return () => true;
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
        },
      });
    },
    stop: () => Promise.resolve(),
  };
}

type Planted = {
  readonly what: string;
  readonly expected: (row: Readonly<Record<string, string>>) => readonly string[];
  readonly sql: string;
};

/**
 * Damage to one row, or two, each with what has to be said of it. `sql` gives the key of what it damaged, and whatever else the answer depends on; nothing, where
 * there is no such row.
 */
const DAMAGE: readonly Planted[] = [
  {
    what: 'one column',
    sql: `UPDATE app.person SET amount = coalesce(amount, 0) + 0.001 WHERE id = (SELECT id FROM app.person ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person different ${id ?? ''} amount`],
  },
  {
    what: 'one byte',
    sql: `UPDATE app.person SET note = overlay(note placing 'ö' from length(note)) WHERE id = (SELECT id FROM app.person WHERE note <> '' ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person different ${id ?? ''} note`],
  },
  {
    what: 'one microsecond that the column does not show is none, a millisecond is',
    sql: `UPDATE app.person SET since = since + interval '1 ms' WHERE id = (SELECT id FROM app.person ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person different ${id ?? ''} since`],
  },
  {
    what: 'null for empty',
    sql: `UPDATE app.person SET note = NULL WHERE id = (SELECT id FROM app.person WHERE note = '' ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person different ${id ?? ''} note`],
  },
  {
    what: 'empty for null',
    sql: `UPDATE app.person SET note = '' WHERE id = (SELECT id FROM app.person WHERE note IS NULL ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person different ${id ?? ''} note`],
  },
  {
    what: 'an empty object for another one',
    sql: `UPDATE app.person SET profile = '{"a": [2, 1], "b": 1}' WHERE id = (SELECT id FROM app.person WHERE profile->'a' IS NOT NULL ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person different ${id ?? ''} profile`],
  },
  {
    what: 'a row that is missing',
    sql: `DELETE FROM public.tag WHERE (person_id, label) = (SELECT person_id, label FROM public.tag ORDER BY md5(person_id || label || $1) LIMIT 1) RETURNING person_id || ',' || label AS id`,
    expected: ({ id }) => [`public.tag missing ${id ?? ''}`.trim()],
  },
  {
    what: 'a row that stands on others is missing',
    sql: `DELETE FROM app.person WHERE id = (SELECT id FROM app.person ORDER BY md5(id::text || $1) LIMIT 1) RETURNING id::text`,
    expected: ({ id }) => [`app.person missing ${id ?? ''}`],
  },
  {
    what: 'a row that nobody should have written',
    sql: `INSERT INTO app.company VALUES (900 + length($1), 'x') RETURNING id::text`,
    expected: ({ id }) => [`app.company extra ${id ?? ''}`],
  },
  {
    what: 'a row without a key that is there once more',
    sql: `INSERT INTO public.visit SELECT '2020-01-01', $1 RETURNING '-' AS id`,
    expected: () => ['public.visit extra -'],
  },
  {
    what: 'two rows exchanged',
    sql: `WITH two AS (SELECT id, note, lead(id) OVER w AS other, lead(note) OVER w AS instead FROM app.person WINDOW w AS (ORDER BY md5(id::text || $1))),
            pair AS (SELECT * FROM two WHERE note IS DISTINCT FROM instead AND other IS NOT NULL LIMIT 1),
            one AS (UPDATE app.person p SET note = pair.instead FROM pair WHERE p.id = pair.id RETURNING p.id),
            another AS (UPDATE app.person p SET note = pair.note FROM pair WHERE p.id = pair.other RETURNING p.id)
          SELECT one.id::text, another.id::text AS other FROM one, another`,
    expected: ({ id, other }) => [`app.person different ${id ?? ''} note`, `app.person different ${other ?? ''} note`],
  },
  {
    what: 'a held row that is told of no more',
    sql: `DELETE FROM changeover.held WHERE (target, source_key) = (SELECT target, source_key FROM changeover.held WHERE NOT kept ORDER BY md5(target || source_key || $1) LIMIT 1)
          RETURNING migration || ',' || target || ',' || source_key AS id`,
    expected: ({ id }) => [`changeover.held missing ${id ?? ''}`],
  },
  {
    what: 'another reason for a held row',
    sql: `UPDATE changeover.held SET reason = reason || $1 WHERE (target, source_key) = (SELECT target, source_key FROM changeover.held ORDER BY md5(target || source_key || $1) LIMIT 1)
          RETURNING migration || ',' || target || ',' || source_key AS id`,
    expected: ({ id }) => [`changeover.held different ${id ?? ''} reason`],
  },
];

const TABLES = ['app.company', 'app.person', 'public.tag', 'public.visit', 'changeover.held'];

/** Does `damage` at the target, over constraints, and takes it back when `work` is done. */
async function damaged<Result>(
  target: pg.Client,
  damage: () => Promise<Readonly<Record<string, string>> | undefined>,
  work: (row: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result | null> {
  await target.query('SET session_replication_role = replica');
  for (const table of TABLES) await target.query(`CREATE TEMPORARY TABLE "${table}" AS TABLE ${table}`);
  try {
    const row = await damage();
    return row === undefined ? null : await work(row);
  } finally {
    await target.query('BEGIN');
    for (const table of TABLES) await target.query(`DELETE FROM ${table}`);
    for (const table of TABLES) await target.query(`INSERT INTO ${table} TABLE "${table}"`);
    await target.query('COMMIT');
    for (const table of TABLES) await target.query(`DROP TABLE pg_temp."${table}"`);
    await target.query('RESET session_replication_role');
  }
}

export type VerificationTests = {
  readonly rounds: number;
  readonly corruptions: number;
  /** Where it is killed by itself. */
  readonly kills: readonly CrashPointName[] | 'all';
  /** Where it is killed, and where again each time that it goes on. */
  readonly ends: readonly (readonly CrashPass[])[];
};

/** From then on there is something to go on with. */
const BEHIND_READING: readonly CrashPointName[] = ['verify.read', 'verify.derived', 'verify.compared'];

/** All that verification promises, on one of the logs. */
export function describeVerification(log: LogType, { rounds: usual, corruptions, kills, ends }: VerificationTests): void {
  /** VERIFY_ROUNDS of the environment: for who has more time than a run of all tests. */
  const rounds = Number(process.env['VERIFY_ROUNDS'] ?? usual);
  describe(`verification over ${log}`, () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    let scene: VerifyScene;
    const opened: AsyncDisposable[] = [];

    beforeAll(async () => {
      scene = await VerifyScene.open(log, { id: 'verify', seed });
      opened.push(scene);
    }, 120_000);

    afterAll(async () => {
      for (const one of opened) await one[Symbol.asyncDispose]();
    }, 60_000);

    it(`gives no false alarm in ${String(rounds)} rounds beside ${String(WRITERS)} writers`, async () => {
      await scene.letLoose(WRITERS);
      const held: number[] = [];
      let [takes, rows, heldRows] = [0, 0, 0];
      for (let round = 0; round < rounds; round++) {
        const report = await scene.verify();
        expect({ round, said: said(report), equal: isEqual(report) }).toEqual({ round, said: [], equal: true });
        held.push(report.heldMs);
        takes += report.takes;
        rows += report.tables.find(({ table }) => table === 'app.person')?.found ?? 0;
        heldRows += report.tables.find(({ table }) => table === 'changeover.held')?.found ?? 0;
      }
      const committed = await scene.calm();
      held.sort((a, b) => a - b);
      const [p50, p99] = [held[Math.floor(held.length / 2)], held[Math.floor(held.length * 0.99)]];
      console.log(
        `${String(committed)} transactions meanwhile; ${String(takes)} snapshots for ${String(rounds)} rounds; load held p50 ${String(Math.round(p50 ?? 0))} ms, p99 ${String(Math.round(p99 ?? 0))} ms; ` +
          `rows a round: ${String(Math.round(rows / rounds))} people, ${String(Math.round(heldRows / rounds))} held`,
      );
      const { rows: decided } = await scene.bed.target.query<{ what: string }>(
        `SELECT DISTINCT CASE WHEN rule IS NULL THEN 'corrected' ELSE 'accepted' END AS what FROM changeover.correction ORDER BY 1`,
      );
      expect(decided.map(({ what }) => what)).toEqual(['accepted', 'corrected']);
      expect(rows).toBeGreaterThan(rounds);
      expect(heldRows).toBeGreaterThan(rounds);
    }, 7_200_000);

    it('would give false alarms if it did not ask which transactions a snapshot shows', async () => {
      await scene.letLoose(WRITERS);
      let alarms = 0;
      for (let round = 0; round < ROUNDS_TO_AN_ALARM && alarms === 0; round++)
        if (!isEqual(await scene.verify(showingAll(scene.snapshots)))) alarms++;
      await scene.calm();
      expect(alarms).toBe(1);
      expect(said(await scene.verify())).toEqual([]);
    }, 600_000);

    it(`finds each of ${String(corruptions)} corruptions, and nothing else`, async () => {
      const random = new Random(seed);
      const found = new Map<string, number>();
      for (let done = 0; done < corruptions;) {
        const { what, sql, expected } = DAMAGE[(done + random.integer(0, 1)) % DAMAGE.length] as Planted;
        const outcome = await damaged(
          scene.bed.target,
          async () => (await scene.bed.target.query<Record<string, string>>(sql, [random.hex(4)])).rows[0],
          async (row) => ({ what, said: [...said(await scene.verify())].sort(), expected: [...expected(row)].sort() }),
        );
        done++;
        if (outcome === null) continue;
        expect({ what, said: outcome.said }).toEqual({ what, said: outcome.expected });
        found.set(what, (found.get(what) ?? 0) + 1);
      }
      console.log(`found: ${JSON.stringify(Object.fromEntries(found))}`);
      expect([...found.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(corruptions / 2);
      expect(said(await scene.verify())).toEqual([]);
    }, 600_000);

    it('names a row of which the mirror, what was derived from it and the target were altered alike', async () => {
      const { source, target } = scene.bed;
      await source.query(`INSERT INTO company VALUES (77, 'Alike', 'big')`);
      await source.query(`INSERT INTO person (id, company_id, note) VALUES (777, 77, 'as it should be')`);
      await scene.bed.barrier();
      expect(await scene.alterState('as it should be', 'as it shall not')).toBe(2);
      await target.query(`UPDATE app.person SET note = 'as it shall not' WHERE id = 777`);
      await scene.bed.barrier();
      expect(said(await scene.verify())).toEqual(['app.person different 777 note']);
      await source.query(`UPDATE person SET note = 'as it is now' WHERE id = 777`);
      await scene.bed.barrier();
      expect(said(await scene.verify())).toEqual([]);
    }, 60_000);

    const points = CRASH_POINTS.filter((name) => name.startsWith('verify.') && !name.startsWith('verify.repair'));
    for (const point of points.filter((name) => kills === 'all' || kills.includes(name))) {
      it(`killed at ${point} leaves nothing behind that hurts`, async () => {
        const killed = await scene.command(point);
        expect({ ...killed, said: '' }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
        // Load goes on, also where it was held when its holder died.
        await scene.bed.source.query("UPDATE company SET name = 'after ' || $1", [point]);
        await scene.bed.barrier();
        if (BEHIND_READING.includes(point)) {
          const resumed = await scene.command(undefined, ['--resume']);
          expect(resumed).toEqual({
            code: 0,
            signal: null,
            said: expect.stringContaining('gone on with a verification of record') as string,
          });
          expect(await scene.scratchFolders()).toEqual([]);
        }
        expect((await scene.command(undefined, ['--resume'])).said).toContain('FULL_VERIFICATION_NEEDED');
        const next = await scene.command();
        expect({ ...next, said: '' }).toEqual({ code: 0, signal: null, said: '' });
        expect(await scene.scratchFolders()).toEqual([]);
      }, 120_000);
    }

    it('killed behind its reading, and again, comes to what one comes to that was not', async () => {
      const { source, target } = scene.bed;
      await source.query(`INSERT INTO company VALUES (80, 'Quiet', 'big'); INSERT INTO person (id, company_id, note) SELECT 1000 + n, 80, 'quiet ' || n FROM generate_series(1, 30) n;
        INSERT INTO tag SELECT 1000 + n, 'quiet', 1 FROM generate_series(1, 30) n`);
      await scene.bed.barrier();
      await target.query(`SET session_replication_role = replica; UPDATE app.person SET note = 'altered' WHERE id = 1001; DELETE FROM public.tag WHERE person_id = 1002;
        INSERT INTO app.company VALUES (980, 'nobody'); DELETE FROM app.person WHERE id = 1003; RESET session_replication_role`);
      const planted = [
        'app.company extra 980',
        'app.person different 1001 note',
        'app.person missing 1003',
        'public.tag missing 1002,quiet',
      ];
      expect([...said(await scene.verify())].sort()).toEqual(planted);
      for (const end of ends) {
        await scene.letLoose(2, 30);
        for (const [at, point] of end.entries()) {
          const killed = await scene.command(point, at === 0 ? [] : ['--resume']);
          expect({ point, ...killed, said: '' }).toEqual({ point, code: null, signal: 'SIGKILL', said: '' });
        }
        const resumed = await scene.command(undefined, ['--resume', '--json']);
        const committed = await scene.calm();
        expect({ end, code: resumed.code, said: resumed.said }).toEqual({
          end,
          code: 1,
          said: expect.stringContaining('NOT_EQUAL') as string,
        });
        const report = JSON.parse(resumed.said.slice(0, resumed.said.indexOf('\n}') + 2)) as ResumedReport;
        const { touched } = report.resumed;
        expect({ end, said: [...said(report)].sort() }).toEqual({ end, said: planted });
        expect(['remembered', 'derived', 'tables'].flatMap((part) => said({ tables: touched[part as 'tables'] }))).toEqual([]);
        console.log(
          `${end.join(', ')}: ${String(committed)} transactions, ${String(touched.chosen)} rows touched, compared at ${report.tables.map(({ seq }) => seq).join(', ')}; begun at ${String(report.resumed.seq)}, ended at ${String(report.seq)}`,
        );
        expect(touched.chosen).toBeGreaterThan(0);
        expect(await scene.scratchFolders()).toEqual([]);
      }
      // What somebody alters in a table that was compared, only who compares everything sees.
      await scene.command('verify.compared:2');
      await target.query(`UPDATE app.person SET note = 'altered since' WHERE id = 1004; INSERT INTO public.tag VALUES (1005, 'since', 1)`);
      const { said: text } = await scene.command(undefined, ['--resume']);
      expect(text).toContain('in a row that no record of the log touched, was not seen');
      const names = ['"1004"', '"1005", "since"'].filter((name) => text.includes(`  ${name}:`));
      const seen = [...said(await scene.verify())].sort();
      expect([names, seen]).toEqual([
        ['"1005", "since"'],
        [...planted, 'app.person different 1004 note', 'public.tag extra 1005,since'].sort(),
      ]);
      const mended = await scene.repair(true);
      expect(said(mended)).toEqual([]);
    }, 400_000);

    if (kills !== 'all') return;

    it('interrupted by Ctrl-C keeps what it has read, and says how to go on', async () => {
      const { target } = scene.bed;
      await target.query('BEGIN; LOCK TABLE app.person');
      const interrupted = await scene.run(['verify'], undefined, async (command) => {
        // It has read the source, and waits for a table of the target.
        await scene.bed.until(
          async () => (await target.query(`SELECT FROM pg_locks WHERE relation = 'app.person'::regclass AND NOT granted`)).rowCount !== 0,
          'the comparison of people',
          60_000,
        );
        command.kill('SIGINT');
        await target.query('COMMIT');
      });
      expect(interrupted).toEqual({
        code: 130,
        signal: null,
        said: expect.stringMatching(
          /changeover: interrupted: nothing was found out\nchangeover: it had read the source: `changeover verify --resume` goes on with the rest\n$/u,
        ) as string,
      });
      expect(await scene.scratchFolders()).toHaveLength(1);
      const resumed = await scene.command(undefined, ['--resume']);
      expect({ code: resumed.code, said: resumed.said }).toEqual({
        code: 0,
        said: expect.stringContaining('gone on with a verification of record') as string,
      });
      expect(await scene.scratchFolders()).toEqual([]);
    }, 240_000);

    it('killed is kept by who comes with another mapping, or cannot begin', async () => {
      expect((await scene.command('verify.compared')).signal).toBe('SIGKILL');
      const { mapping } = (await scene.bed.settings()) as { readonly mapping: string };
      await scene.bed.changeSettings({ mapping: await scene.otherMapping() });
      for (const words of [[], ['--resume']]) {
        const other = await scene.command(undefined, words);
        expect({ words, code: other.code, said: other.said }).toEqual({
          words,
          code: 1,
          said: expect.stringContaining('MAPPING_NOT_ACTIVE') as string,
        });
        expect(await scene.scratchFolders()).toHaveLength(1);
      }
      await scene.bed.changeSettings({ mapping });
      expect((await scene.command(undefined, ['--resume'])).code).toBe(0);
      expect(await scene.scratchFolders()).toEqual([]);
    }, 240_000);

    it('killed is kept while it cannot be gone on with, and given up where the target was taken to another place meanwhile', async () => {
      expect((await scene.run(['checkpoint', 'create', 'before'])).code).toBe(0);
      expect((await scene.command('verify.compared')).signal).toBe('SIGKILL');
      expect((await scene.command(undefined, ['--resume', '--repair'])).said).toContain('BAD_SETTINGS');
      expect((await scene.run(['rewind', '--to', 'before'])).code).toBe(0);
      const parked = await scene.command(undefined, ['--resume', '--timeout', '1']);
      expect(parked.said).toMatch(/TARGET_PARKED[^]*verify --resume` goes on|verify --resume` goes on[^]*TARGET_PARKED/u);
      expect(await scene.scratchFolders()).toHaveLength(1);
      expect((await scene.run(['forward'])).code).toBe(0);
      await scene.bed.barrier();
      const moved = await scene.command(undefined, ['--resume']);
      expect(moved.said).toContain('FULL_VERIFICATION_NEEDED');
      expect(moved.said).not.toContain('goes on with the rest');
      expect(await scene.scratchFolders()).toEqual([]);
    }, 120_000);
  });
}
