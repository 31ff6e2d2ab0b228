import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { RandomIdSource, SystemClock } from '@changeover/core';
import { openState } from '@changeover/shell';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import pg from 'pg';

const BIN = fileURLToPath(new URL('../bin/changeover.mjs', import.meta.url));
const TABLE = 'CREATE TABLE contact (id int PRIMARY KEY, name text NOT NULL)';

/** Each starts several processes, which compile nothing but load much. */
const PATIENCE_MS = 120_000;

/** One run of `changeover`. */
class Run {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  out = '';
  err = '';
  #heard: () => void = () => undefined;

  constructor(args: readonly string[], folder: string, temporary = tmpdir()) {
    const env = { ...process.env, TMPDIR: temporary };
    this.#child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
      this.#heard();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
      this.#heard();
    });
    this.ended = once(this.#child, 'close').then(([code]) => {
      this.#heard();
      return code as number | null;
    });
  }

  /** Resolves when its output matches; fails when it ends before. */
  async says(words: RegExp, where: 'out' | 'err' = 'out'): Promise<void> {
    while (!words.test(this[where])) {
      if (this.#child.exitCode !== null) throw new Error(`ended before it said ${String(words)}:\n${this.out}${this.err}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  signal(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}

/** Databases with one table each, a folder for the settings, and the processes that a test starts. */
class Bench implements AsyncDisposable {
  readonly #runs: Run[] = [];

  private constructor(
    readonly folder: string,
    readonly source: TestDatabase,
    readonly target: TestDatabase,
    readonly own: TestDatabase,
  ) {}

  static async open(): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'changeover-cli-'));
    // The embedded server runs as another user, who must be able to get to its data.
    await chmod(folder, 0o755);
    const bench = new Bench(folder, await testDatabase(), await testDatabase(), await testDatabase());
    await bench.query(bench.source, TABLE);
    await bench.query(bench.target, TABLE);
    return bench;
  }

  async query(database: TestDatabase, sql: string): Promise<Record<string, unknown>[]> {
    const client = await database.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    await client.end();
    return rows;
  }

  /** Settings with an id of its own: slots belong to the whole server. */
  async settings(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const migration = `m_${this.source.name.slice(-20)}`;
    const settings = {
      migration,
      source: { type: 'postgres', url: this.source.url },
      target: { type: 'postgres', url: this.target.url },
      log: { type: 'embedded', url: this.own.url },
      control: { url: this.own.url },
      http: { ports: { capture: 0, transform: 0, load: 0 } },
      ...changes,
    };
    await writeFile(join(this.folder, 'changeover.json'), JSON.stringify(settings));
    return migration;
  }

  start(...args: string[]): Run {
    return this.startWith(tmpdir(), ...args);
  }

  /** `start`, with another place for what is temporary. */
  startWith(temporary: string, ...args: string[]): Run {
    const run = new Run(args, this.folder, temporary);
    this.#runs.push(run);
    return run;
  }

  async run(...args: string[]): Promise<Run & { readonly code: number | null }> {
    const run = this.start(...args);
    return Object.assign(run, { code: await run.ended });
  }

  /** Until `status` says that load is so late, and by some records: these are measured only now and then. */
  async untilLoadIsBehind(ms: number): Promise<void> {
    for (;;) {
      const { roles } = JSON.parse((await this.run('status', '--json')).out) as {
        roles: { role: string; status: { lagMs: number; lagRecords: number } }[];
      };
      const load = roles.find(({ role }) => role === 'load')?.status;
      if (load !== undefined && load.lagMs > ms && load.lagRecords > 0) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#runs.map((run) => run.signal('SIGKILL')));
    await this.query(
      this.source,
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database() AND NOT active`,
    );
    for (const database of [this.source, this.target, this.own]) await database[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What transform's state stands for, as the next one to open it finds it. */
async function placeOf(folder: string, migration: string): Promise<Buffer | null> {
  const open = { migration, clock: new SystemClock(), ids: new RandomIdSource(), onLost: () => undefined };
  await using state = await openState({ folder: dirname(folder) }, open);
  return state.place;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const RUNNING = /capture running 0.*load running 0/;

describe('usage', () => {
  test(
    'help is 0, a wrong option or command is 2, a missing file 1 with what to do',
    async () => {
      await using bench = await Bench.open();
      const help = await bench.run('status', '--help');
      expect([help.code, help.out]).toEqual([0, expect.stringContaining('--watch')]);
      expect((await bench.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
      const option = await bench.run('status', '--wach');
      expect([option.code, option.err]).toEqual([2, expect.stringContaining('Did you mean --watch')]);
      expect((await bench.run('statsu')).code).toBe(2);
      const missing = await bench.run('status');
      expect([missing.code, missing.err]).toEqual([1, expect.stringMatching(/^changeover: BAD_SETTINGS: .*changeover init/)]);
    },
    PATIENCE_MS,
  );
});

describe('init', () => {
  test(
    'writes settings and mapping that check can read, and never overwrites',
    async () => {
      await using bench = await Bench.open();
      await writeFile(join(bench.folder, 'mapping.ts'), 'mine');
      const refused = await bench.run('init');
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('FILE_EXISTS')]);
      expect(await readdir(bench.folder)).toEqual(['mapping.ts']);
      await rm(join(bench.folder, 'mapping.ts'));
      expect((await bench.run('init')).code).toBe(0);
      const written = JSON.parse(await readFile(join(bench.folder, 'changeover.json'), 'utf8')) as Record<string, unknown>;
      await bench.settings({
        ...written,
        source: { type: 'postgres', url: bench.source.url },
        target: { type: 'postgres', url: bench.target.url },
      });
      const checked = await bench.run('check');
      expect([checked.code, checked.out]).toEqual([0, expect.stringContaining('ready to start')]);
      // Nobody has put anything into it yet.
      const scaffold = await readFile(join(bench.folder, 'mapping.ts'), 'utf8');
      const proposed = await bench.run('analyze', '--propose', 'mapping.ts');
      expect([proposed.code, proposed.err]).toEqual([0, expect.stringContaining('wrote mapping.ts')]);
      const proposal = await readFile(join(bench.folder, 'mapping.ts'), 'utf8');
      const again = await bench.run('analyze', '--propose', 'mapping.ts');
      expect([again.code, again.err]).toEqual([1, expect.stringMatching(/FILE_EXISTS: mapping\.ts exists, .*--force/u)]);
      expect([proposal, await readFile(join(bench.folder, 'mapping.ts'), 'utf8')]).toEqual([
        expect.stringContaining('map.table('),
        proposal,
      ]);
      // It may be the one in force as it is.
      await writeFile(join(bench.folder, 'mapping.ts'), scaffold);
      const up = bench.start('up');
      await up.says(RUNNING);
      expect(await up.signal('SIGINT')).toBe(0);
      const begun = await bench.run('analyze', '--propose', 'mapping.ts');
      expect([begun.code, begun.err]).toEqual([1, expect.stringMatching(/FILE_EXISTS: .*has begun with a mapping: .*--force/u)]);
      expect(await readFile(join(bench.folder, 'mapping.ts'), 'utf8')).toBe(scaffold);
    },
    PATIENCE_MS,
  );
});

describe('introspect', () => {
  test(
    'prints types or JSON, writes over what it wrote and over nothing else, and says what is missing',
    async () => {
      await using bench = await Bench.open();
      await bench.settings();
      const help = await bench.run('introspect', '--help');
      expect([help.code, help.out]).toEqual([0, expect.stringContaining('--out <file>')]);
      const printed = await bench.run('introspect');
      expect([printed.code, printed.err]).toEqual([0, '']);
      expect(printed.out).toContain("export type Source = {\n  'public.contact': {\n    row: {");
      const json = await bench.run('introspect', '--json');
      expect(JSON.parse(json.out)).toMatchObject({
        source: [{ table: 'contact', key: ['id'] }],
        target: [{ columns: [{ name: 'id' }, { name: 'name' }] }],
      });

      const file = join(bench.folder, 'types.ts');
      const wrote = await bench.run('introspect', '--out', 'types.ts');
      expect([wrote.code, wrote.out]).toEqual([0, 'wrote types.ts: 1 tables of the source, 1 of the target\n']);
      expect(await readFile(file, 'utf8')).toBe(printed.out);
      expect((await bench.run('introspect', '--out', 'types.ts')).code).toBe(0);
      const refused = await bench.run('introspect', '--json', '--out', 'types.ts');
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('FILE_EXISTS: types.ts exists')]);
      expect(await readFile(file, 'utf8')).toBe(printed.out);
      const nowhere = await bench.run('introspect', '--out', join('none', 'types.ts'));
      expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('BAD_SETTINGS: none/types.ts cannot be written')]);

      const current = await bench.run('introspect', '--check', '--out', 'types.ts');
      expect([current.code, current.out]).toEqual([0, 'types.ts is up to date\n']);
      await bench.query(bench.target, 'ALTER TABLE contact ADD COLUMN note text; COMMENT ON COLUMN contact.note IS $$said$$');
      const old = await bench.run('introspect', '--check', '--out', 'types.ts');
      expect([old.code, old.out, old.err]).toEqual([
        1,
        '+ target public.contact.note\n',
        expect.stringContaining('TYPES_OUT_OF_DATE: types.ts is not what introspect would write'),
      ]);
      const told = await bench.run('introspect', '--check', '--json', '--out', 'types.ts');
      expect([told.code, JSON.parse(told.out)]).toEqual([
        1,
        { upToDate: false, missing: ['target public.contact.note'], extra: [], changed: [] },
      ]);
      expect(await readFile(file, 'utf8')).toBe(printed.out);
      expect((await bench.run('introspect', '--check')).err).toContain('BAD_SETTINGS: --check looks at the file');
      const one = await bench.run('introspect', '--target-only', '--comments', '--table', 'public.*');
      expect([one.code, one.out]).toEqual([0, expect.stringContaining('/** text. said */')]);
      expect(one.out).not.toContain('Source');
      const unknown = await bench.run('introspect', '--table', 'crm.contact', '--table', 'contact');
      expect([unknown.code, unknown.err]).toEqual([
        1,
        expect.stringContaining('BAD_SETTINGS: --table: there is no such table: crm.contact\n'),
      ]);
      expect((await bench.run('introspect', '--source-only', '--target-only')).err).toContain('BAD_SETTINGS');

      await bench.query(bench.target, 'DROP TABLE contact');
      expect((await bench.run('introspect', '--source-only')).code).toBe(0);
      const empty = await bench.run('introspect');
      expect([empty.code, empty.err]).toEqual([1, expect.stringContaining('the target has no table yet')]);
      await bench.settings({ target: { type: 'postgres', url: 'postgresql://nobody:secret@127.0.0.1:1/none' } });
      const away = await bench.run('introspect');
      expect([away.code, away.err]).toEqual([1, expect.stringContaining('TARGET_UNREACHABLE')]);
      expect(away.err).not.toContain('secret');
    },
    PATIENCE_MS,
  );
});

describe('check', () => {
  test(
    'ready: a line per finding, no password; as JSON the same; what is there will be copied',
    async () => {
      await using bench = await Bench.open();
      await bench.settings();
      await bench.query(bench.source, `INSERT INTO contact SELECT n, 'name' FROM generate_series(1, 5000) n`);
      await bench.query(bench.source, 'ANALYZE contact');
      const { code, out } = await bench.run('check');
      expect(code).toBe(0);
      expect(out).toContain('✓ source');
      expect(out).toMatch(/public\.contact is copied at the start: about 5,000 rows \(\d+ kB\)/);
      expect(out).not.toContain(new URL(bench.source.url).password);
      const { ok, findings } = JSON.parse((await bench.run('check', '--json')).out) as {
        ok: boolean;
        findings: { part: string; severity: string; copy?: object }[];
      };
      expect(ok).toBe(true);
      expect(findings.flatMap(({ copy }) => copy ?? [])).toMatchObject([{ table: 'public.contact', rows: 5000 }]);
      expect(new Set(findings.map(({ part }) => part))).toEqual(new Set(['settings', 'source', 'mapping', 'target', 'log', 'control']));
      // Looking has made nothing.
      expect(await bench.query(bench.own, `SELECT 1 FROM pg_namespace WHERE nspname LIKE 'changeover%'`)).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'a mapping that ends the process or never comes to an end does not look like success',
    async () => {
      await using bench = await Bench.open();
      await bench.settings({ mapping: 'mapping.mjs' });
      await writeFile(join(bench.folder, 'mapping.mjs'), 'process.exit(0);');
      const ended = await bench.run('check');
      expect([ended.code, ended.err]).toEqual([1, expect.stringContaining('ended before it was done')]);
      await writeFile(join(bench.folder, 'mapping.mjs'), 'await new Promise(() => undefined); export default {};');
      const endless = await bench.run('check');
      expect([endless.code, endless.out]).toEqual([1, expect.stringMatching(/✗ mapping .*mapping\.mjs: it has not come to its end/)]);
    },
    PATIENCE_MS,
  );

  test(
    'says what it waits for: a log that takes connections and answers nothing',
    async () => {
      await using bench = await Bench.open();
      const mute = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
      await once(mute, 'listening');
      const broker = `127.0.0.1:${String((mute.address() as AddressInfo).port)}`;
      await bench.settings({ log: { type: 'kafka', brokers: [broker] } });
      const { code, out, err } = await bench.run('check', '--json');
      mute.close();
      expect([code, err]).toEqual([1, expect.stringContaining(`log: waiting for ${broker} …\n`)]);
      const { findings } = JSON.parse(out) as { findings: { part: string; check: string }[] };
      expect(findings.filter(({ part }) => part === 'log')).toMatchObject([{ check: 'LOG_UNREACHABLE' }]);
    },
    PATIENCE_MS,
  );

  test(
    'rules are held against both databases',
    async () => {
      await using bench = await Bench.open();
      await bench.query(bench.source, 'CREATE TABLE account (id int PRIMARY KEY, name text); CREATE TABLE log (id int PRIMARY KEY)');
      await bench.query(
        bench.target,
        `CREATE SCHEMA crm; CREATE TABLE crm.company (id int PRIMARY KEY, name text NOT NULL, size text NOT NULL);
         CREATE TABLE crm.person (id int, company_id int REFERENCES crm.company, name text NOT NULL, stage text NOT NULL)`,
      );
      const company = {
        source: 'public.account',
        target: 'crm.company',
        columns: { id: { column: 'id' }, name: { column: 'name' } },
        key: ['id'],
      };
      const person = {
        source: 'public.contact',
        target: 'crm.person',
        joins: [{ as: 'account', table: 'public.account', on: { id: { column: 'id' } } }],
        columns: {
          id: { column: 'id' },
          company_id: { column: 'id', of: 'account' },
          name: { column: 'nam' },
          nick: { convert: 'trim', input: { column: 'name' }, invalid: 'empty' },
        },
        key: ['id'],
      };
      const check = async (...rules: readonly object[]): Promise<{ readonly code: number | null; readonly out: string }> => {
        await writeFile(join(bench.folder, 'mapping.json'), JSON.stringify({ rules }));
        return bench.run('check');
      };
      await bench.settings({ mapping: 'mapping.json' });
      const wrong = await check(company, person);
      expect(wrong.code).toBe(1);
      expect(wrong.out).toContain('✗ mapping   rules[1] (crm.person).columns.name.column: public.contact has no column nam');
      expect(wrong.out).toContain(
        '! mapping   crm.person refers to crm.company (company_id), which another rule makes and this one does not require',
      );
      expect(wrong.out).toContain('! mapping   columns of crm.company are NOT NULL and may be left empty by the rule');
      expect(wrong.out).toContain('nothing is made of these tables of the source, which source.exclude can leave out: public.log');
      expect(wrong.out).toContain('✗ target    crm.person of the target lacks the column nick\n');
      expect(wrong.out).toContain('✗ target    crm.person.stage of the target is NOT NULL without a default, and nothing writes it');
      expect(wrong.out).toContain('✗ target    crm.company.size of the target is NOT NULL without a default, and nothing writes it');
      expect(wrong.out).toContain('✗ target    crm.person of the target has no unique index on its key (id)');
      expect(wrong.out).not.toContain('another type in the target');

      await bench.query(bench.target, 'ALTER TABLE crm.person ADD PRIMARY KEY (id), DROP stage; ALTER TABLE crm.company DROP size');
      const requires = [{ parent: 'crm.company', key: [{ column: 'id', of: 'account' }] }];
      const { nick: _nick, ...columns } = person.columns;
      const right = { ...person, columns: { ...columns, name: { column: 'name' } }, requires };
      const ready = await check({ ...company, required: ['name'] }, right);
      expect([ready.code, ready.out]).toEqual([
        0,
        expect.stringMatching(/✓ mapping .*mapping\.json: rules for 2 tables of the target, and 0 tables pass through[^!]*ready to start/),
      ]);
      await bench.settings({ mapping: 'mapping.ts' });
      await writeFile(
        join(bench.folder, 'mapping.ts'),
        `const tables: string = 7; export default { tables: { 'public.contact': {} }, tables_: tables };`,
      );
      const typed = await bench.run('check');
      expect([typed.code, typed.out]).toEqual([1, expect.stringContaining('Unrecognized key: "tables_"')]);
      await writeFile(join(bench.folder, 'mapping.ts'), `const note: string = 7; export default { tables: {} };`);
      const compiled = await bench.run('check');
      expect([compiled.code, compiled.out]).toEqual([
        1,
        expect.stringContaining("✗ mapping   mapping.ts:1: Type 'number' is not assignable to type 'string'."),
      ]);
      await bench.settings({ mapping: 'mapping.json' });
      const converter = await check(company, {
        ...right,
        columns: { ...person.columns, nick: { ...person.columns.nick, options: { blank: 'no' } } },
      });
      expect([converter.code, converter.out]).toEqual([
        1,
        expect.stringContaining('rules[1] (crm.person).columns.nick.options: converter trim: option blank'),
      ]);
    },
    PATIENCE_MS,
  );

  test(
    '--determinism derives a sample twice, names what does not come out the same, and no value unless asked',
    async () => {
      await using bench = await Bench.open();
      await bench.settings({ mapping: 'mapping.mjs' });
      const name = (expression: string): Promise<void> =>
        writeFile(
          join(bench.folder, 'mapping.mjs'),
          `export default { rules: [{ source: 'public.contact', target: 'public.contact', columns: { id: { column: 'id' }, name: ${expression} }, key: ['id'], required: ['name'] }] };`,
        );
      await name(`{ column: 'name' }`);
      const alone = await bench.run('check', '--values');
      expect([alone.code, alone.err]).toEqual([1, expect.stringContaining('BAD_SETTINGS: --values')]);
      const empty = await bench.run('check', '--determinism');
      expect([empty.code, empty.out]).toEqual([0, expect.stringContaining('! mapping   there is no row to be derived twice\n')]);
      await bench.query(bench.source, `INSERT INTO contact SELECT n, 'Ida' FROM generate_series(1, 2500) n`);
      const same = await bench.run('check', '--determinism');
      expect([same.code, same.out]).toEqual([0, expect.stringMatching(/✓ mapping .*: 2,000 rows of 1 tables, the same each time\n/)]);

      await name(`{ first: [{ constant: 'secret ' + new Date().getFullYear() }, { column: 'name' }] }`);
      // Who does not ask does not wait for it.
      expect((await bench.run('check')).code).toBe(0);
      const line = 'public.contact.name depends on the clock: 2,000 rows, the first is "1"';
      const other = await bench.run('check', '--determinism');
      expect([other.code, other.out]).toEqual([1, expect.stringContaining(`✗ mapping   ${line}\n`)]);
      expect(other.out + other.err).not.toContain('secret');
      const json = await bench.run('check', '--determinism', '--values', '--json');
      expect(json.code).toBe(1);
      const { findings } = JSON.parse(json.out) as { readonly findings: readonly object[] };
      expect(findings).toContainEqual({
        part: 'mapping',
        severity: 'error',
        check: 'NOT_DETERMINISTIC',
        message: `${line}: "secret 2026" or "secret 2027"`,
        disagreement: {
          ...{ table: 'public.contact', column: 'name', rows: 2000, key: ['1'] },
          ...{ causes: ['clock'], values: ['secret 2026', 'secret 2027'] },
        },
      });
    },
    2 * PATIENCE_MS,
  );

  test(
    '--determinism that is told to stop leaves nothing behind, and does not look like success',
    async () => {
      await using bench = await Bench.open();
      await bench.settings({ mapping: 'mapping.mjs' });
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'Ida')`);
      await writeFile(join(bench.folder, 'mapping.mjs'), `if (process.send) for (;;); export default {};`);
      // Others make such folders too, where everybody does.
      const temporary = await mkdtemp(join(bench.folder, 'temporary-'));
      const watcher = watch(temporary);
      const made = once(watcher, 'change');
      const endless = bench.startWith(temporary, 'check', '--determinism');
      await endless.says(/two processes that derive a sample/, 'err');
      await made;
      watcher.close();
      expect([await endless.signal('SIGINT'), endless.out]).toEqual([130, '']);
      expect(endless.err).toContain('interrupted: not everything was checked');
      expect(await readdir(temporary)).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'every problem of every part at once, with the lines to run',
    async () => {
      await using bench = await Bench.open();
      const role = `user_${bench.source.name.slice(-20)}`;
      await bench.query(bench.source, `CREATE ROLE ${role} LOGIN PASSWORD 'right'`);
      const weak = (database: TestDatabase, password = 'right'): string => {
        const url = new URL(database.url);
        url.username = role;
        url.password = password;
        return url.href;
      };
      await writeFile(
        join(bench.folder, 'mapping.json'),
        JSON.stringify({ tables: { 'public.nobody': { to: 'public.x' }, 'public.contact': { columns: { nam: 'n' } } } }),
      );
      await bench.settings({
        source: { type: 'postgres', url: weak(bench.source) },
        target: { type: 'postgres', url: weak(bench.target, 'wrong') },
        log: { type: 'embedded', url: 'postgresql://nobody@127.0.0.1:1/none' },
        control: { url: weak(bench.own) },
        mapping: 'mapping.json',
      });
      const { code, out } = await bench.run('check');
      expect(code).toBe(1);
      expect(out).toContain(`ALTER ROLE "${role}" REPLICATION;`);
      expect(out).toContain('the mapping has a rule for public.nobody');
      expect(out).toContain('the mapping renames nam of public.contact');
      expect(out).toMatch(/✗ target .*TARGET_DENIED/);
      expect(out).toMatch(/✗ log .*log/);
      expect(out).toContain(`GRANT CREATE ON DATABASE "${bench.own.name}" TO "${role}";`);
      expect(out).toMatch(/\d+ to resolve before the start/);
      await bench.query(bench.source, `DROP ROLE ${role}`);
    },
    PATIENCE_MS,
  );
});

describe('state rebuild', () => {
  test(
    'empties the state of a transform that does not run, which fills it from the log and goes on',
    async () => {
      await using bench = await Bench.open();
      const migration = await bench.settings();
      const folder = join(bench.folder, '.changeover', 'state', migration);
      const alone = await bench.run('state');
      expect([alone.code, alone.err]).toEqual([2, expect.stringContaining('rebuild')]);
      // Settings named there would not be those whose state is emptied.
      const misplaced = await bench.run('state', '--config', 'other.json', 'rebuild');
      expect([misplaced.code, misplaced.err]).toEqual([2, expect.stringContaining("unknown option '--config'")]);
      const before = await bench.run('state', 'rebuild');
      expect([before.code, before.out]).toEqual([
        0,
        `${migration} has no state in ${folder}: transform fills one from the log when it is started\n`,
      ]);
      expect(existsSync(join(bench.folder, '.changeover'))).toBe(false);

      const up = bench.start('up');
      await up.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact SELECT n, 'name ' || n FROM generate_series(1, 500) n`);
      await bench.query(bench.source, `UPDATE contact SET name = 'other' WHERE id <= 100`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      const running = await bench.run('state', 'rebuild');
      expect([running.code, running.err]).toEqual([1, expect.stringMatching(/^changeover: STATE_IN_USE: [^]*Stop transform/)]);
      const asked = await bench.run('state', 'rebuild', '--dry-run', '--json');
      expect([asked.code, JSON.parse(asked.out)]).toEqual([1, expect.objectContaining({ inUse: true, rebuilt: false })]);
      expect(await up.signal('SIGINT')).toBe(0);
      expect(up.err).toBe('');

      const place = (): Promise<Buffer | null> => placeOf(folder, migration);
      const filled = await place();
      expect(filled).not.toBeNull();
      const dry = await bench.run('state', 'rebuild', '--dry-run');
      expect([dry.code, dry.out]).toEqual([
        0,
        expect.stringMatching(/\(\d.* kB\) would be emptied\n.*reads \d+ records of the log once more/),
      ]);
      expect(await place()).toEqual(filled);
      const status = (await bench.run('status')).out;
      const done = await bench.run('state', 'rebuild', '--json');
      expect([done.code, JSON.parse(done.out)]).toEqual([
        0,
        { migration, folder, bytes: expect.any(Number), records: expect.any(Number), inUse: false, dryRun: false, rebuilt: true },
      ]);
      expect(await place()).toBeNull();
      expect((await bench.run('status')).out).toBe(status);

      const again = bench.start('up');
      await again.says(RUNNING);
      await bench.query(bench.source, `UPDATE contact SET name = 'third' WHERE id <= 50`);
      await bench.query(bench.source, 'DELETE FROM contact WHERE id > 450');
      const barrier = await bench.run('barrier', '--wait', '--timeout', '60', '--json');
      expect(JSON.parse(barrier.out)).toMatchObject({ reached: true, refused: 0 });
      const rows = 'SELECT name, count(*)::int FROM contact GROUP BY name ORDER BY name';
      expect(await bench.query(bench.target, rows)).toEqual(await bench.query(bench.source, rows));
      expect(await again.signal('SIGINT')).toBe(0);
      expect(await place()).not.toBeNull();
    },
    PATIENCE_MS,
  );

  test(
    'is refused where the log could not fill the state again',
    async () => {
      await using bench = await Bench.open();
      const migration = await bench.settings();
      const folder = join(bench.folder, '.changeover', 'state', migration);
      const up = bench.start('up');
      await up.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'one')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await up.signal('SIGINT')).toBe(0);
      const filled = await placeOf(folder, migration);
      await bench.query(bench.own, `DELETE FROM changeover_log.block WHERE first_offset = 0`);
      const cut = await bench.run('state', 'rebuild');
      expect([cut.code, cut.err]).toEqual([1, expect.stringContaining('changeover: LOG_TRUNCATED')]);
      await bench.query(bench.own, 'DROP SCHEMA changeover_log CASCADE');
      const gone = await bench.run('state', 'rebuild');
      expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('changeover: LOG_MISSING')]);
      expect(await placeOf(folder, migration)).toEqual(filled);
    },
    PATIENCE_MS,
  );
});

describe('log', () => {
  test(
    'verify finds nothing in a log that is fine, and a flipped byte; inspect adds up and lists',
    async () => {
      await using bench = await Bench.open();
      const migration = await bench.settings();
      await bench.query(bench.source, `INSERT INTO contact SELECT n, 'copied' FROM generate_series(1, 200) n`);
      const early = await bench.run('log', 'verify');
      expect([early.code, early.err]).toEqual([1, expect.stringContaining('changeover: LOG_MISSING')]);
      const up = bench.start('up');
      await up.says(RUNNING);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      await bench.query(bench.source, `INSERT INTO contact SELECT n, 'a name' FROM generate_series(201, 250) n`);
      await bench.query(bench.source, `UPDATE contact SET name = 'other' WHERE id <= 7`);
      await bench.query(bench.source, `DELETE FROM contact WHERE id > 240`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);

      // Beside writers that go on.
      const running = await bench.run('log', 'verify', '--json');
      expect([running.code, JSON.parse(running.out)]).toEqual([0, expect.objectContaining({ ok: true, found: 0, findings: [] })]);
      const following = bench.start('log', 'inspect', '--follow', '--limit', '1');
      await following.says(/^#\d+ .*\n#\d+ .*\n/);
      expect([await following.signal('SIGINT'), following.err]).toEqual([0, '']);
      expect(await up.signal('SIGINT')).toBe(0);

      // Two writers of each stream have gone by.
      const again = bench.start('up');
      await again.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact VALUES (300, 'secret')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await again.signal('SIGINT')).toBe(0);
      const fine = await bench.run('log', 'verify');
      expect([fine.code, fine.err]).toEqual([0, '']);
      expect(fine.out).toMatch(new RegExp(`${migration}\\.changes .*as it was written\n${migration}\\.writes .*as it was written\n`));

      const summary = JSON.parse((await bench.run('log', 'inspect', '--json')).out) as {
        complete: boolean;
        streams: {
          stream: string;
          end: number;
          messages: number;
          last: { seq: number };
          records: Record<string, number>;
          fences: { counted: number; uncounted: number };
          parts: number;
          uncounted: Record<string, number>;
          tables: { table: string; rows: Record<string, number> }[];
        }[];
      };
      const stored = await bench.query(
        bench.own,
        `SELECT s.name, s.next_offset::int AS end, sum(b.message_count)::int AS messages
           FROM changeover_log.stream s JOIN changeover_log.block b ON b.stream_id = s.id GROUP BY s.id ORDER BY s.name`,
      );
      expect(summary.complete).toBe(true);
      expect(summary.streams.map(({ stream, end, messages }) => ({ name: stream, end, messages }))).toEqual(stored);
      for (const { records, last, parts, messages, fences, uncounted } of summary.streams) {
        expect(Object.values(records).reduce((sum, count) => sum + count)).toBe(last.seq);
        expect(fences.counted).toBeGreaterThanOrEqual(2);
        expect(parts + fences.counted + fences.uncounted).toBe(messages);
        expect(Object.values(uncounted).every((count) => count === 0)).toBe(true);
      }
      expect(summary.streams.map(({ tables }) => tables)).toEqual([
        [{ table: 'public.contact', rows: { r: 200, c: 51, u: 7, d: 10 } }],
        // What was copied is an insert to the target.
        [{ table: 'public.contact', rows: { c: 251, u: 7, d: 10 } }],
      ]);
      const said = await bench.run('log', 'inspect', '--stream', 'changes');
      expect(said.out).toContain('public.contact  200 copied, 51 inserted, 7 updated, 10 deleted');
      expect(said.out).not.toContain(`${migration}.writes`);

      // Values only for who asks for them.
      const listed = await bench.run('log', 'inspect', '--kind', 'transaction', '--table', 'contact');
      expect(listed.out.trim().split('\n')).toHaveLength(4);
      expect(listed.out).toMatch(
        /^#\d+ {2}transaction {2}at \d+ {2}[0-9A-F]+\/[0-9A-F]+ {2}\d{4}-.*Z {2}tx \d+ {2}50 rows {2}.* {2}1 part {2}public\.contact\n/,
      );
      expect(listed.out).not.toContain('secret');
      const rows = await bench.run('log', 'inspect', '--kind', 'transaction', '--rows');
      expect(rows.out).toContain('  c public.contact (id="300", name="secret")\n');
      expect((await bench.run('log', 'inspect', '--limit', '1', '--json')).out).toMatch(/^\{"seq":\d+,"kind":"progress",.*\}\n$/);
      const writes = await bench.run('log', 'inspect', '--stream', 'writes', '--kind', 'transaction', '--json');
      expect(writes.out).toMatch(/"from":\d+/);
      const events = (await bench.run('log', 'inspect', '--as', 'debezium', '--kind', 'transaction', '--from', '1')).out.trim().split('\n');
      expect(events).toHaveLength(50 + 7 + 10 + 1);
      expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({
        before: null,
        after: { id: '300', name: 'secret' },
        source: { name: migration, schema: 'public', table: 'contact', snapshot: 'false' },
        op: 'c',
        transaction: { total_order: 1, data_collection_order: 1 },
      });
      const none = await bench.run('log', 'inspect', '--table', 'nobody', '--json');
      expect([none.code, none.out, none.err]).toEqual([0, '', expect.stringContaining('no record about public.nobody from record 1 to')]);
      const beyond = await bench.run('log', 'inspect', '--from', '100000');
      expect([beyond.code, beyond.out, beyond.err]).toEqual([0, '', expect.stringMatching(/changes ends with record \d+\n$/)]);
      const help = await bench.run('log', 'inspect', '--help');
      expect(help.out).toContain('WITH THEIR VALUES');
      const wrong = await bench.run('log', 'inspect', '--stream', 'change');
      expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('BAD_SETTINGS: --stream is one of changes, writes')]);

      // One bit of a message in the middle of changes.
      const [flipped] = await bench.query(
        bench.own,
        `UPDATE changeover_log.block b SET data = set_byte(data, 20, get_byte(data, 20) # 1)
           FROM changeover_log.stream s
          WHERE s.id = b.stream_id AND s.name = '${migration}.changes'
            AND b.first_offset = (SELECT max(first_offset) FROM changeover_log.block b2 WHERE b2.stream_id = s.id AND b2.first_offset < s.next_offset / 2)
         RETURNING b.first_offset::int AS offset, b.message_count AS messages`,
      );
      const found = await bench.run('log', 'verify', '--json');
      const { ok, findings } = JSON.parse(found.out) as { ok: boolean; findings: { stream: string; offset: number; code: string }[] };
      expect([found.code, ok, findings[0]]).toMatchObject([1, false, { stream: `${migration}.changes`, code: 'LOG_CORRUPT' }]);
      const { offset, messages } = flipped as { offset: number; messages: number };
      expect(findings[0]?.offset).toBeGreaterThanOrEqual(offset);
      expect(findings[0]?.offset).toBeLessThan(offset + messages);
      expect(new Set(findings.map(({ stream }) => stream))).toEqual(new Set([`${migration}.changes`]));
      const words = await bench.run('log', 'verify');
      expect([words.code, words.out]).toEqual([1, expect.stringContaining(`${migration}.changes offset ${String(findings[0]?.offset)}`)]);
      expect(words.err).toMatch(/^changeover: LOG_CORRUPT: the log is not as it was written: \d+ finding/);
    },
    // Twenty runs of the command.
    2 * PATIENCE_MS,
  );
});

describe('held', () => {
  const MAPPING = {
    rules: [
      {
        source: 'public.contact',
        target: 'public.contact',
        columns: { id: { column: 'id' }, name: { column: 'name' } },
        key: ['id'],
        required: ['name'],
      },
      {
        source: 'public.note',
        target: 'public.note',
        columns: { contact_id: { column: 'contact_id' }, kind: { column: 'kind' }, body: { column: 'body' } },
        key: ['contact_id', 'kind'],
        requires: [{ parent: 'public.contact', key: [{ column: 'contact_id' }] }],
      },
    ],
  };

  test(
    'rows that are held, wait and are refused are counted by status, barrier and metrics, listed without their values, and shown one by one until they come',
    async () => {
      await using bench = await Bench.open();
      const note = 'CREATE TABLE note (contact_id int, kind text, body text, PRIMARY KEY (contact_id, kind))';
      await bench.query(bench.source, `${note}; ALTER TABLE contact ALTER name DROP NOT NULL`);
      await bench.query(bench.target, `${note}; ALTER TABLE note ADD CONSTRAINT polite CHECK (body <> 'rude words')`);
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'ann'), (2, NULL)`);
      await bench.query(bench.source, `INSERT INTO note VALUES (1, 'a', 'fine'), (2, 'a b', 'too early'), (1, '-x', 'rude words')`);
      await writeFile(join(bench.folder, 'mapping.json'), JSON.stringify(MAPPING));
      const port = await freePort();
      const migration = await bench.settings({ mapping: 'mapping.json', http: { ports: { capture: 0, transform: 0, load: port } } });
      const nothing = await bench.run('held', 'list');
      expect([nothing.code, nothing.out, nothing.err]).toEqual([0, 'no such row is held, waits or is refused\n', '']);

      const up = bench.start('up');
      await up.says(RUNNING);
      const barrier = await bench.run('barrier', '--wait', '--timeout', '60');
      expect([barrier.code, barrier.out]).toEqual([
        0,
        expect.stringContaining('but for 1 held, 1 waiting and 1 refused rows: changeover held list\n'),
      ]);
      expect((await bench.run('status')).out).toContain('  1 held, 1 waiting and 1 refused rows: changeover held list\n');
      expect(JSON.parse((await bench.run('status', '--json')).out)).toMatchObject({ heldRows: { held: 1, waiting: 1, refused: 1 } });
      const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
      for (const name of ['held', 'waiting', 'open_refused'])
        expect(metrics).toMatch(new RegExp(`^changeover_${name}_rows\\{.*\\} 1$`, 'm'));

      const list = await bench.run('held', 'list');
      expect([list.code, list.err]).toEqual([0, '']);
      expect(list.out).toMatch(/^1 held, 1 waiting and 1 refused rows\n {2}rows +state +table +reason +column +at the target\n/);
      expect(list.out).toMatch(/^held +public\.contact +2 +empty +name +nothing +\d{4}-\d\d-\d\dT[\d:.]+Z$/m);
      expect(list.out).toMatch(/^waiting +public\.note +2 'a b' +waits for +public\.contact +nothing +\d{4}/m);
      expect(list.out).toMatch(/^refused +public\.note +-- 1 '-x' +violates polite +nothing +\d{4}-\d\d-\d\dT/m);
      expect(list.out).not.toMatch(/ann|early|rude/);
      const options = ['--json', '--table', 'note', '--limit', '1'];
      const json = JSON.parse((await bench.run('held', 'list', ...options)).out) as { rows: object[] };
      expect(json).toMatchObject({ migration, totals: { held: 0, waiting: 1, refused: 1 }, rows: [{ key: ['2', 'a b'] }], more: 1 });
      const filters = ['--state', 'refused', '--reason', 'violates polite'];
      expect((await bench.run('held', 'list', ...filters)).out).toMatch(/^1 refused row\n/);

      const refused = await bench.run('held', 'show', 'note', '--', '1', '-x');
      expect(refused.code).toBe(0);
      expect(refused.out).toMatch(/^public\.note -- 1 '-x': refused\n/);
      expect(refused.out).toContain("body = 'rude words'");
      expect(refused.out).toContain("or correct polite at the target, then: changeover held retry public.note -- 1 '-x'");
      const waiting = await bench.run('held', 'show', 'public.note', '2', 'a b', '--json');
      expect(JSON.parse(waiting.out)).toMatchObject({
        rows: [{ state: 'waiting', source: 'public.note', next: expect.stringContaining('public.contact') }],
      });
      const unknown = await bench.run('held', 'show', 'public.note', '2');
      expect([unknown.code, unknown.err]).toEqual([
        1,
        expect.stringMatching(/^changeover: NOT_HELD: .*public\.note.*\n.*changeover held list --table/),
      ]);
      const wrong = await Promise.all([bench.run('held', 'show', 'note'), bench.run('held', 'list', '--state', 'bad'), bench.run('held')]);
      expect(wrong.map(({ code, err }) => [code, err.split('\n')[0]])).toEqual([
        [1, 'changeover: BAD_SETTINGS: held show takes a key, or --refusal'],
        [1, 'changeover: BAD_SETTINGS: --state is one of held, waiting, refused, noted'],
        [2, 'Usage: changeover held [options] [command]'],
      ]);

      const equal = await bench.run('verify');
      expect([equal.code, equal.err]).toEqual([0, '']);
      expect(equal.out).toMatch(
        /^compared at record [\d,]+ of changes, [0-9A-F/]+, committed at the source \d{4}-.*\n.* rows in .*; load was held for \d+ ms/,
      );
      expect(equal.out).toMatch(/^public\.contact +1 +1 +equal\npublic\.note +1 +1 +1 +equal\nchangeover\.held +2 +2 +equal$/m);
      await bench.query(bench.target, `UPDATE contact SET name = 'eve' WHERE id = 1; INSERT INTO contact VALUES (9, 'mallory')`);
      const differs = await bench.run('verify');
      expect([differs.code, differs.err.split('\n')[0]]).toEqual([
        1,
        expect.stringMatching(/^changeover: NOT_EQUAL: 2 rows differ at record \d+ of changes: public\.contact$/),
      ]);
      expect(differs.out).toMatch(/^public\.contact +1 +2 +2 differ$/m);
      expect(differs.out).toContain('\npublic.contact:\n  "1": other values in name\n  "9": should not be there\n');
      expect(differs.out + differs.err).not.toMatch(/eve|mallory|ann/);
      const other = await bench.run('verify', '--json', '--table', 'note', '--table', 'changeover.held');
      expect([other.code, JSON.parse(other.out)]).toMatchObject([
        0,
        {
          equal: true,
          migration,
          tables: [
            { table: 'public.note', refused: 1 },
            { table: 'changeover.held', expected: 2 },
          ],
        },
      ]);
      const unknownTable = await bench.run('verify', '--table', 'public.nothing');
      expect([unknownTable.code, unknownTable.err.split('\n')[0]]).toEqual([
        1,
        'changeover: BAD_SETTINGS: --table public.nothing is no table that this migration writes; there are public.contact, public.note, changeover.held',
      ]);
      await bench.query(bench.target, `UPDATE contact SET name = 'ann' WHERE id = 1; DELETE FROM contact WHERE id = 9`);

      // By the source's time, which goes on while nobody writes.
      for (;;) if ((await bench.run('held', 'list', '--settled')).out.startsWith('1 held, 1 waiting and 1 refused rows')) break;
      const retry = async (...args: string[]): Promise<string> => {
        const { code, out, err } = await bench.run('held', 'retry', ...args);
        return code === 0 ? out : (err.split('\n')[0] as string);
      };
      expect(await retry('note', '--', '1', '-x')).toBe(
        '1 row tried again: 0 refused no more, 1 refused still\n  1  public.note  violates polite\n',
      );
      await bench.query(bench.target, 'ALTER TABLE note DROP CONSTRAINT polite');
      expect(await retry('note', '--dry-run')).toBe(
        '1 row would be tried again; nothing was asked for\n  1  public.note  violates polite\n',
      );
      expect(await retry('--all')).toBe('1 row tried again: 1 refused no more, 0 refused still\n');
      expect(await bench.query(bench.target, `SELECT body FROM note WHERE contact_id = 1 AND kind <> 'a'`)).toEqual([
        { body: 'rude words' },
      ]);
      expect(await retry('--all')).toBe('changeover: NOT_REFUSED: the new database refuses no such row');
      expect(await retry('contact', '2')).toContain(
        'NOT_REFUSED: the new database does not refuse this row of public.contact: a rule of the mapping holds it',
      );
      expect(await retry()).toBe('changeover: BAD_SETTINGS: held retry takes a table, or --all');
      await bench.query(bench.source, `UPDATE contact SET name = 'bob' WHERE id = 2; UPDATE note SET body = 'sorry' WHERE kind = '-x'`);
      const done = await bench.run('barrier', '--wait', '--timeout', '60');
      expect(done.out).toMatch(/everything up to [0-9A-F/]+\n$/);
      expect((await bench.run('held', 'list')).out).toBe('no such row is held, waits or is refused\n');
      expect(await up.signal('SIGINT')).toBe(0);
      expect(up.out + up.err).not.toMatch(/rude|early/);

      await bench.settings({ target: { type: 'postgres', url: 'postgresql://nobody:secret@127.0.0.1:1/none' } });
      const away = await bench.run('status');
      expect([away.code, away.out]).toEqual([0, expect.stringContaining('held, waiting and refused: not known (TARGET_UNREACHABLE)')]);
      expect((await bench.run('held', 'list')).err).toMatch(/^changeover: TARGET_UNREACHABLE(?!.*secret)/);
    },
    // Some thirty runs of the command.
    3 * PATIENCE_MS,
  );

  test(
    'something else is read of a row for as long as the source holds what was corrected: verified, found when it is damaged, taken back and brought on, withdrawn',
    async () => {
      await using bench = await Bench.open();
      await bench.query(
        bench.source,
        `ALTER TABLE contact ALTER name DROP NOT NULL; INSERT INTO contact VALUES (1, 'ann'), (2, NULL), (3, NULL)`,
      );
      const { rules } = MAPPING;
      await writeFile(join(bench.folder, 'mapping.json'), JSON.stringify({ rules: rules.slice(0, 1) }));
      await bench.settings({ mapping: 'mapping.json' });
      const up = bench.start('up');
      await up.says(RUNNING);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).out).toContain('but for 2 held rows');
      const people = async (): Promise<unknown> =>
        (await bench.query(bench.target, 'SELECT id, name FROM contact ORDER BY id')).map(Object.values);
      const correct = (...args: string[]) => bench.run('held', 'correct', 'contact', '2', '--column', 'name', ...args);
      const listed = async (...args: string[]) =>
        (JSON.parse((await bench.run('held', 'corrections', '--json', ...args)).out) as { corrections: Record<string, unknown>[] })
          .corrections;

      const dry = await correct('--to', 'secret bob', '--dry-run');
      expect([dry.code, dry.out]).toEqual([
        0,
        '  1  public.contact  name\n1 correction would be asked for; nothing was\n  public.contact 2\n',
      ]);
      const impossible = await Promise.all([
        bench.run('held', 'correct', 'contact', '2', '--column', 'id', '--to', '7'),
        bench.run('held', 'correct', 'contact', '7', '--column', 'name', '--to', '7'),
        bench.run('held', 'correct', 'note', '7', '--column', 'name', '--to', '7'),
        bench.run('held', 'correct', 'contact', '1', '--column', 'name', '--to', 'ann'),
        bench.run('held', 'withdraw', 'nothing'),
        correct('--to', 'x', '--null'),
      ]);
      expect(impossible.map(({ code, out, err }) => [code, out, err.split('\n')[0]])).toEqual([
        [1, '', expect.stringContaining('CORRECTION_IMPOSSIBLE: id is no column of public.contact that can be corrected; there are name')],
        [1, '', expect.stringContaining('CORRECTION_IMPOSSIBLE: the old database has no row of public.contact with this key')],
        [1, '', expect.stringContaining('CORRECTION_IMPOSSIBLE: rows of public.note cannot be corrected')],
        [1, '', expect.stringContaining('BAD_SETTINGS: what is to be read of name is what it holds')],
        [1, '', expect.stringContaining('CORRECTION_UNKNOWN: nothing corrected or accepted has the id nothing')],
        [1, '', expect.stringContaining('BAD_SETTINGS: held correct takes --to, or --null')],
      ]);
      expect(await listed()).toEqual([]);
      expect((await bench.run('checkpoint', 'create', 'before')).code).toBe(0);

      const done = await correct('--to', 'secret bob', '--why', 'he called');
      expect([done.code, done.out]).toEqual([
        0,
        expect.stringMatching(
          /^ {2}1 {2}public\.contact {2}name\n1 correction is in the new database\nit goes again by: .*\npublic\.contact 2: nothing holds it\n$/,
        ),
      ]);
      expect(await people()).toEqual([
        [1, 'ann'],
        [2, 'secret bob'],
      ]);
      expect((await bench.run('verify')).code).toBe(0);
      expect((await bench.run('explain', '--source', 'contact', '2')).out).toContain('name read as an operator corrected it');
      expect((await bench.run('count')).code).toBe(0);
      await bench.query(bench.target, `UPDATE contact SET name = 'eve' WHERE id = 2`);
      const differs = await bench.run('verify');
      expect([differs.code, differs.out]).toEqual([1, expect.stringContaining('"2": other values in name')]);
      await bench.query(bench.target, `UPDATE contact SET name = 'secret bob' WHERE id = 2`);

      // Behind it and on again: the list goes along.
      expect((await bench.run('rewind', '--to', 'before')).code).toBe(0);
      const list = 'SELECT source, source_key, source_column, held, read, why FROM changeover.correction';
      expect([await people(), await bench.query(bench.target, list)]).toEqual([[[1, 'ann']], []]);
      expect((await bench.run('forward')).code).toBe(0);
      expect([await people(), (await bench.query(bench.target, list)).map(Object.values)]).toEqual([
        [
          [1, 'ann'],
          [2, 'secret bob'],
        ],
        [['public.contact', '2', 'name', null, 'secret bob', 'he called']],
      ]);

      await bench.query(bench.source, `UPDATE contact SET name = 'carl' WHERE id = 2`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect([await people(), await listed('--in-force')]).toEqual([
        [
          [1, 'ann'],
          [2, 'carl'],
        ],
        [],
      ]);
      await bench.query(bench.source, `UPDATE contact SET name = NULL WHERE id = 2`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await people()).toEqual([
        [1, 'ann'],
        [2, 'secret bob'],
      ]);
      expect((await bench.run('verify')).code).toBe(0);

      // Many: all of them or none.
      const lines = [
        { table: 'public.contact', key: ['3'], column: 'name', to: 'secret dora' },
        { table: 'contact', key: ['1'], column: 'name', from: 'ann', to: 'secret anna', why: 'wedding' },
      ];
      const file = join(bench.folder, 'corrections.jsonl');
      await writeFile(
        file,
        `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"table":"contact","key":["9"],"column":"name","to":"secret"}\n`,
      );
      const wrong = await bench.run('held', 'correct', '--file', 'corrections.jsonl');
      expect([wrong.code, wrong.err]).toEqual([
        1,
        expect.stringMatching(/^changeover: CORRECTION_IMPOSSIBLE: line 3 of corrections\.jsonl: (?!.*secret)/),
      ]);
      expect(await listed()).toHaveLength(1);
      await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
      const many = await bench.run('held', 'correct', '--file', 'corrections.jsonl', '--json');
      expect([many.code, JSON.parse(many.out)]).toMatchObject([
        0,
        {
          decisions: 2,
          reached: true,
          columns: [{ table: 'public.contact', column: 'name', decisions: 2 }],
          rows: [{ held: null }, { held: null }],
        },
      ]);
      expect(await people()).toEqual([
        [1, 'secret anna'],
        [2, 'secret bob'],
        [3, 'secret dora'],
      ]);

      const standing = await listed('--values');
      expect(standing).toMatchObject([
        { key: '1', column: 'name', from: 'ann', to: 'secret anna', inForce: true, why: 'wedding' },
        { key: '2', from: null, to: 'secret bob', inForce: true },
        { key: '3', from: null, to: 'secret dora', inForce: true },
      ]);
      const words = await bench.run('held', 'corrections');
      expect([words.code, words.out.split('\n').length, words.out]).toEqual([0, 5, expect.not.stringContaining('secret')]);
      const gone = await bench.run('held', 'withdraw', String(standing[1]?.['id']));
      expect([gone.code, gone.out]).toEqual([
        0,
        '  1  public.contact  name\n1 withdrawal is in the new database\npublic.contact 2: still held: empty (name)\n',
      ]);
      // Held again, it stays as it was last, as any row that becomes held.
      expect(await people()).toEqual([
        [1, 'secret anna'],
        [2, 'secret bob'],
        [3, 'secret dora'],
      ]);
      expect((await bench.run('verify')).code).toBe(0);
      expect((await bench.run('log', 'verify')).code).toBe(0);
      expect(JSON.parse((await bench.run('log', 'inspect', '--kind', 'correction', '--json', '--limit', '1')).out)).toMatchObject({
        kind: 'correction',
      });
      expect(await up.signal('SIGINT')).toBe(0);
      expect(up.out + up.err).not.toMatch(/secret/);
    },
    // Some forty runs of the command.
    4 * PATIENCE_MS,
  );
});

describe('validation', () => {
  test(
    'cuts and notes, counts by rule, and stops load before what comes after a row that has to stop it; until that is mended, restarts or not',
    async () => {
      await using bench = await Bench.open();
      const rule = {
        source: 'public.contact',
        target: 'public.contact',
        columns: { id: { column: 'id' }, name: { column: 'name' } },
        key: ['id'],
        required: ['name'],
        validate: [
          { name: 'length of name', column: 'name', atMost: 5, severity: 'fix' },
          { name: 'no secrets', column: 'name', rejects: '^top', severity: 'stop' },
        ],
      };
      await writeFile(join(bench.folder, 'mapping.json'), JSON.stringify({ rules: [rule] }));
      await bench.settings({ mapping: 'mapping.json' });
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'ann'), (2, 'benjamin')`);
      const contacts = (): Promise<Record<string, unknown>[]> => bench.query(bench.target, 'SELECT id, name FROM contact ORDER BY id');
      const up = bench.start('up');
      await up.says(RUNNING);
      const begun = await bench.run('barrier', '--wait', '--timeout', '60');
      expect([begun.code, begun.out]).toEqual([0, expect.stringMatching(/everything up to [0-9A-F/]+\n$/)]);
      expect(await contacts()).toEqual([
        { id: 1, name: 'ann' },
        { id: 2, name: 'benja' },
      ]);
      expect((await bench.run('held', 'list')).out).toBe('no such row is held, waits or is refused\n');
      const noted = await bench.run('held', 'list', '--state', 'noted');
      expect(noted.out).toMatch(/^1 noted row\n/);
      expect(noted.out).toMatch(/^noted +public\.contact +2 +cut: length of name +name +the row +\d{4}-/m);
      expect((await bench.run('held', 'list', '--state', 'noted', '--reason', 'other')).out).toBe('nothing is noted of such a row\n');
      expect((await bench.run('held', 'show', 'contact', '2')).out).toMatch(
        /: noted\n(.*\n)*.*at the target +it stands\n.*Nothing has to be done/,
      );
      const counted = JSON.parse((await bench.run('count', '--json')).out) as { tables: unknown[] };
      expect(counted.tables).toMatchObject([
        { candidates: 2, written: 2, noted: 1, held: 0, rules: { 'length of name': { noted: 1, held: 0 } } },
      ]);
      const explained = await bench.run('explain', 'public.contact', '2');
      expect(explained.out).toContain('noted: length of name: name of at most 5 characters (fix)');
      expect((await bench.run('verify')).out).toMatch(/^public\.contact +2 +2 +equal\nchangeover\.held +1 +1 +equal$/m);

      await bench.query(bench.source, `INSERT INTO contact VALUES (3, 'top 1')`);
      await up.says(/: 1 row is held by rules that stop, the first of public\.contact by the rule “no secrets” .*VALIDATION_STOPPED/);
      await bench.query(bench.source, `INSERT INTO contact VALUES (4, 'dora')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '2')).code).not.toBe(0);
      expect(await contacts()).toHaveLength(2);
      expect((await bench.run('held', 'list')).out).toMatch(
        /^held +public\.contact +3 +not as the pattern has it: no secrets +name +nothing/m,
      );
      expect(await up.signal('SIGKILL')).toBeNull();
      const again = bench.start('up');
      await again.says(/VALIDATION_STOPPED/);
      expect(await contacts()).toHaveLength(2);

      const accepted = await bench.run('held', 'accept', 'contact', '3');
      expect([accepted.code, (await contacts()).map(({ name }) => name)]).toEqual([0, ['ann', 'benja', 'top 1', 'dora']]);
      await bench.query(bench.source, `UPDATE contact SET name = 'tom' WHERE id = 3`);
      const mended = await bench.run('barrier', '--wait', '--timeout', '60');
      expect([mended.code, (await contacts()).map(({ name }) => name)]).toEqual([0, ['ann', 'benja', 'tom', 'dora']]);
      expect(await again.signal('SIGINT')).toBe(0);
      expect(up.out + up.err + again.out + again.err).not.toMatch(/top 1|benja|dora/);
    },
    2 * PATIENCE_MS,
  );
});

describe('accepting', () => {
  test(
    'a row is taken as it is although a rule holds it, and all that a rule holds: while they are the same, verified, taken back and brought on, withdrawn',
    async () => {
      await using bench = await Bench.open();
      const rule = {
        ...{ source: 'public.contact', target: 'public.contact', key: ['id'], whileHeld: 'none' },
        columns: { id: { column: 'id' }, name: { column: 'name' } },
        validate: [
          { name: 'no secrets', column: 'name', rejects: '^top', severity: 'hold' },
          { name: 'short', column: 'name', atMost: 8, severity: 'hold' },
        ],
      };
      await writeFile(join(bench.folder, 'mapping.json'), JSON.stringify({ rules: [rule] }));
      await bench.settings({ mapping: 'mapping.json' });
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'ann'), (2, 'top two'), (3, 'top three'), (4, 'top four')`);
      const people = async (): Promise<unknown> =>
        (await bench.query(bench.target, 'SELECT id, name FROM contact ORDER BY id')).map(Object.values);
      const accept = async (...args: string[]): Promise<readonly [code: number | null, said: string]> => {
        const { code, out, err } = await bench.run('held', 'accept', ...args);
        return [code, code === 0 ? out : (err.split('\n')[0] as string)];
      };
      const arrived = async (): Promise<unknown> => {
        expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
        return people();
      };
      const up = bench.start('up');
      await up.says(RUNNING);
      expect(await arrived()).toEqual([[1, 'ann']]);

      const counted = '  1  public.contact  name\n1 acceptance';
      expect(await accept('contact', '2', '--dry-run')).toEqual([0, `${counted} would be asked for; nothing was\n  public.contact 2\n`]);
      const noSuchRule = expect.stringMatching(
        /ACCEPTANCE_IMPOSSIBLE: no validation rule "nix" .*; there are "no secrets", "short"$/u,
      ) as string;
      const impossible = await Promise.all([
        accept('contact', '1'),
        accept('contact', '2', '--rule', 'short'),
        accept('contact', '3'),
        accept('nothing', '3'),
        accept('contact', '3', '--rule', 'nix'),
        accept('contact', '--rule', 'nix', '--yes'),
        accept('contact'),
      ]);
      expect(impossible).toEqual([
        [1, expect.stringMatching(/ACCEPTANCE_IMPOSSIBLE: .*: no rule of its validation holds it/)],
        [1, expect.stringMatching(/ACCEPTANCE_IMPOSSIBLE: .*: what holds it is "no secrets", not "short"/)],
        [1, expect.stringMatching(/ACCEPTANCE_IMPOSSIBLE: several rules hold the row: .*"no secrets", "short"$/)],
        [1, expect.stringContaining('ACCEPTANCE_IMPOSSIBLE: no rule makes this row of public.nothing')],
        [1, noSuchRule],
        [1, noSuchRule],
        [1, expect.stringContaining('BAD_SETTINGS: held accept takes a key, or the --rule')],
      ]);
      expect((await bench.run('checkpoint', 'create', 'before')).code).toBe(0);

      expect(await accept('contact', '2', '--why', 'known')).toEqual([
        0,
        expect.stringMatching(
          `^${counted} is in the new database\nit goes again by: .*\npublic.contact 2: it is there: accepted: no secrets \\(name\\)\n$`,
        ),
      ]);
      expect(await accept('contact', '--rule', 'no secrets')).toEqual([
        1,
        expect.stringContaining('BAD_SETTINGS: that is 2 acceptances: --dry-run shows'),
      ]);
      expect(await accept('contact', '--rule', 'no secrets', '--yes')).toEqual([
        0,
        expect.stringMatching(
          /2 acceptances are in the new database\npublic\.contact 3: still held: too long: short \(name\)\npublic\.contact 4: it is there/,
        ),
      ]);
      expect(await accept('contact', '--rule', 'no secrets', '--yes')).toEqual([0, 'no such row: nothing was asked for\n']);
      const all = [
        [1, 'ann'],
        [2, 'top two'],
        [4, 'top four'],
      ];
      expect(await people()).toEqual(all);
      expect((await bench.run('held', 'list', '--state', 'noted')).out).toMatch(
        /^ +2 +noted +public\.contact +accepted: no secrets +name/m,
      );
      expect((await bench.run('explain', 'contact', '2')).out).toContain('  accepted: no secrets: ');
      expect((await bench.run('verify')).code).toBe(0);
      await bench.query(bench.target, 'DELETE FROM contact WHERE id = 2');
      expect((await bench.run('verify')).code).toBe(1);
      await bench.query(bench.target, `INSERT INTO contact VALUES (2, 'top two')`);

      await bench.query(bench.source, `UPDATE contact SET name = 'top zwei' WHERE id = 2`);
      expect(await arrived()).toEqual([all[0], all[2]]);
      const standing = async (): Promise<Record<string, unknown>[]> =>
        (JSON.parse((await bench.run('held', 'corrections', '--json')).out) as { corrections: Record<string, unknown>[] }).corrections;
      expect(await standing()).toMatchObject([
        { what: 'accept', target: 'public.contact', key: '2', rule: 'no secrets', why: 'known', inForce: false },
        { key: '3', inForce: true },
        { key: '4', inForce: true },
      ]);
      await bench.query(bench.source, `UPDATE contact SET name = 'top two' WHERE id = 2`);
      expect(await arrived()).toEqual(all);
      // What is remembered can be lost: the log knows it.
      expect(await up.signal('SIGINT')).toBe(0);
      expect((await bench.run('state', 'rebuild')).code).toBe(0);
      const again = bench.start('up');
      await again.says(RUNNING);
      expect(await arrived()).toEqual(all);

      expect((await bench.run('rewind', '--to', 'before')).code).toBe(0);
      expect(await people()).toEqual([all[0]]);
      const parked = /^changeover: TARGET_PARKED: .*checkpoint before, and load stays there/;
      expect(await accept('contact', '3', '--rule', 'short')).toEqual([1, expect.stringMatching(parked)]);
      expect((await bench.run('held', 'retry', '--all')).err).toMatch(parked);
      expect((await bench.run('forward')).code).toBe(0);
      expect(await people()).toEqual(all);

      const [first] = await standing();
      const gone = await bench.run('held', 'withdraw', String(first?.['id']));
      expect([gone.code, gone.out]).toEqual([
        0,
        expect.stringContaining('public.contact 2: still held: not as the pattern has it: no secrets'),
      ]);
      expect(await people()).toEqual([all[0], all[2]]);
      const corrected = await bench.run('held', 'correct', '--held', 'contact', '--column', 'name', '--from', 'top three', '--to', 'cy');
      expect([corrected.code, await people()]).toEqual([0, [all[0], [3, 'cy'], all[2]]]);
      expect(await again.signal('SIGINT')).toBe(0);
      expect(up.out + up.err + again.out + again.err).not.toMatch(/top /);
    },
    // Some thirty runs of the command.
    6 * PATIENCE_MS,
  );
});

describe('up', () => {
  test(
    'rows arrive; status and barrier tell; a second up is refused and harms nobody; Ctrl-C drains',
    async () => {
      await using bench = await Bench.open();
      const migration = await bench.settings();
      expect((await bench.run('status')).out).toMatch(/capture +never ran/);
      const up = bench.start('up');
      await up.says(RUNNING);

      await bench.query(bench.source, `INSERT INTO contact SELECT n, 'name ' || n FROM generate_series(1, 500) n`);
      const barrier = await bench.run('barrier', '--wait', '--timeout', '60', '--json');
      expect(JSON.parse(barrier.out)).toMatchObject({
        reached: true,
        held: 0,
        waiting: 0,
        refused: 0,
        position: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      });
      expect(await bench.query(bench.target, 'SELECT count(*)::int FROM contact')).toEqual([{ count: 500 }]);

      const status = JSON.parse((await bench.run('status', '--json')).out) as { roles: { role: string; health: string }[] };
      expect(status).toMatchObject({ migration, roles: ['capture', 'transform', 'load'].map((role) => ({ role, health: 'live' })) });

      const second = await bench.run('up');
      expect([second.code, second.err]).toEqual([1, expect.stringContaining('changeover: ALREADY_RUNNING')]);
      expect(second.err).toContain('--take-over');
      await bench.query(bench.source, `UPDATE contact SET name = 'other'`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await bench.query(bench.target, `SELECT count(*)::int FROM contact WHERE name = 'other'`)).toEqual([{ count: 500 }]);

      // Load hangs in a batch: that is no rest.
      const locker = await bench.target.connect();
      await locker.query('BEGIN; LOCK TABLE contact');
      await bench.query(bench.source, `INSERT INTO contact VALUES (501, 'late')`);
      await bench.untilLoadIsBehind(3_000);
      await locker.end();
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);

      // A row that the target refuses is not there, and whoever waits must hear so.
      await bench.query(bench.target, `ALTER TABLE contact ADD CHECK (name <> 'bad')`);
      await bench.query(bench.source, `UPDATE contact SET name = 'bad' WHERE id = 1`);
      const refused = await bench.run('barrier', '--wait', '--timeout', '60');
      expect([refused.code, refused.out]).toEqual([0, expect.stringContaining('but for 1 refused row: changeover held list\n')]);

      expect(await up.signal('SIGINT')).toBe(0);
      expect(up.err).toBe('');
      expect((await bench.run('status')).out).toMatch(/load +stopped/);
      const late = await bench.run('barrier', '--wait', '--timeout', '1');
      expect([late.code, late.err]).toEqual([1, expect.stringContaining('TIMED_OUT')]);
    },
    PATIENCE_MS,
  );

  test(
    'rows that the target holds before are refused, or left as they are',
    async () => {
      await using bench = await Bench.open();
      await bench.settings();
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'one')`);
      await bench.query(bench.target, `INSERT INTO contact VALUES (2, 'theirs')`);
      const refused = await bench.run('up');
      expect([refused.code, refused.err]).toEqual([
        1,
        expect.stringContaining('✗ target  public.contact of the target holds 1 row; before'),
      ]);
      await bench.settings({ target: { type: 'postgres', url: bench.target.url, existingRows: 'leave' } });
      const check = await bench.run('check');
      expect([check.code, check.out]).toEqual([0, expect.stringMatching(/✓ target +public.contact of the target holds 1 row, which stay/)]);
      const up = bench.start('up');
      await up.says(RUNNING);
      await bench.query(bench.source, `UPDATE contact SET name = name || ', changed'`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await bench.query(bench.target, 'SELECT * FROM contact ORDER BY id')).toEqual([
        { id: 1, name: 'one, changed' },
        { id: 2, name: 'theirs' },
      ]);
      await bench.query(bench.source, `INSERT INTO contact VALUES (2, 'ours')`);
      expect([await up.ended, up.out + up.err]).toEqual([1, expect.stringContaining('TARGET_NOT_EMPTY')]);
      expect(await bench.query(bench.target, 'SELECT name FROM contact WHERE id = 2')).toEqual([{ name: 'theirs' }]);
    },
    PATIENCE_MS,
  );

  test(
    '--take-over: the first stops by itself with a code, the second goes on',
    async () => {
      await using bench = await Bench.open();
      await bench.settings();
      const first = bench.start('up');
      await first.says(RUNNING);
      const second = bench.start('up', '--take-over');
      expect(await first.ended).toBe(1);
      expect(first.err).toContain('changeover: FENCED');
      await second.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'after')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await bench.query(bench.target, 'SELECT name FROM contact')).toEqual([{ name: 'after' }]);
      expect(await second.signal('SIGTERM')).toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    'a first start that cannot work ends with what is missing, and has made nothing',
    async () => {
      await using bench = await Bench.open();
      await bench.settings();
      await bench.query(bench.target, 'DROP TABLE contact');
      const { code, err } = await bench.run('up');
      expect(code).toBe(1);
      expect(err).toContain('✗ target');
      expect(err).toContain('the target has no table public.contact');
      expect(err).toContain('changeover: NOT_READY');
      expect(await bench.query(bench.source, 'SELECT slot_name FROM pg_replication_slots WHERE database = current_database()')).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'check says what the source no longer keeps of a migration that was begun',
    async () => {
      await using bench = await Bench.open();
      await bench.settings();
      const up = bench.start('up');
      await up.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'one')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await up.signal('SIGTERM')).toBe(0);
      expect((await bench.run('check')).code).toBe(0);
      const slot = `SELECT slot_name AS name FROM pg_replication_slots WHERE database = current_database()`;
      const [{ name } = { name: '' }] = await bench.query(bench.source, slot);
      await bench.query(bench.source, `DROP PUBLICATION "${String(name)}"`);
      const unpublished = await bench.run('check');
      expect([unpublished.code, unpublished.out]).toEqual([
        1,
        expect.stringMatching(/✗ source +somebody dropped the publication .*begin a new migration/),
      ]);
      await bench.query(bench.source, `SELECT pg_drop_replication_slot(slot_name) FROM (${slot.replace(' AS name', '')}) s`);
      const { code, out } = await bench.run('check');
      expect([code, out]).toEqual([
        1,
        expect.stringMatching(
          /✗ source +the source keeps nothing for us any more, although capture has followed it up to [0-9A-F]+\/[0-9A-F]+/,
        ),
      ]);
    },
    PATIENCE_MS,
  );

  test(
    'without addresses for log and control it starts a server, which other commands find and which ends with it',
    async () => {
      await using bench = await Bench.open();
      await bench.settings({ log: undefined, control: undefined });
      const before = await bench.run('status');
      expect([before.code, before.err]).toEqual([1, expect.stringContaining('SERVICE_MISSING')]);
      const up = bench.start('up');
      await up.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact VALUES (1, 'kept')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      const second = await bench.run('up');
      expect([second.code, second.err]).toEqual([1, expect.stringContaining('ALREADY_RUNNING')]);
      expect(await up.signal('SIGTERM')).toBe(0);
      expect(existsSync(join(bench.folder, '.changeover', 'services.json'))).toBe(false);

      // Nothing of it runs, yet what it holds is looked into.
      await writeFile(join(bench.folder, 'mapping.json'), JSON.stringify({ tables: { 'public.contact': { columns: { name: 'label' } } } }));
      await bench.settings({ log: undefined, control: undefined, mapping: 'mapping.json' });
      const other = await bench.run('check');
      expect([other.code, other.out]).toEqual([1, expect.stringMatching(/✗ mapping .*is another one.*changeover activate/)]);
      expect(other.out).toContain('holds this migration');
      expect(existsSync(join(bench.folder, '.changeover', 'services.json'))).toBe(false);
      await bench.settings({ log: undefined, control: undefined });
      expect((await bench.run('check')).out).not.toContain('✗ mapping');
      const rebuilt = await bench.run('state', 'rebuild', '--json');
      expect([rebuilt.code, JSON.parse(rebuilt.out)]).toEqual([0, expect.objectContaining({ inUse: false, rebuilt: true })]);

      const again = bench.start('up');
      await again.says(RUNNING);
      await bench.query(bench.source, `INSERT INTO contact VALUES (2, 'went on')`);
      expect((await bench.run('barrier', '--wait', '--timeout', '60')).code).toBe(0);
      expect(await bench.query(bench.target, 'SELECT count(*)::int FROM contact')).toEqual([{ count: 2 }]);
      expect(await again.signal('SIGTERM')).toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    'its own server ends: status says so, and up ends by itself with a code',
    async () => {
      await using bench = await Bench.open();
      await bench.settings({ log: undefined, control: undefined });
      const up = bench.start('up');
      await up.says(RUNNING);
      const { url } = JSON.parse(await readFile(join(bench.folder, '.changeover', 'services.json'), 'utf8')) as { url: string };
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      await client.query(`COPY (SELECT 1) TO PROGRAM 'kill -QUIT $(head -n 1 postmaster.pid)'`).catch(() => undefined);
      await client.end().catch(() => undefined);
      const status = await bench.run('status');
      expect([status.code, status.err]).toEqual([1, expect.stringMatching(/SERVICE_MISSING: .*does not answer.*process \d+\) still runs/)]);
      expect(await up.ended).toBe(1);
      expect(up.err).toMatch(/changeover: SERVICE_MISSING: .*does not answer any more.*start `changeover up` again/);
      expect(existsSync(join(bench.folder, '.changeover', 'services.json'))).toBe(false);
      const again = bench.start('up');
      await again.says(RUNNING);
      expect(await again.signal('SIGTERM')).toBe(0);
    },
    PATIENCE_MS,
  );
});
