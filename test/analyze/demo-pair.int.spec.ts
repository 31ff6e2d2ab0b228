import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import {
  createLegacyIndexes,
  createLegacySchema,
  createLegacyTables,
  createModernSchema,
  createModernTables,
  EXAMPLE_MAPPING,
  fillLegacyTables,
  RULES,
} from '@changeover/example-crm';
import type { TableRule } from '@changeover/mapping';
import { loadMapping } from '@changeover/shell';
import { testDatabase, type TestDatabase } from '@changeover/testing';
import type pg from 'pg';

import { compileFiles } from '../mapping/compile-files.js';
import { agreement, columnPairs } from './column-pairs.js';

const BIN = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'apps/cli/bin/changeover.mjs');
const PATIENCE_MS = 240_000;

/** Every column of the old CRM that holds something of somebody, by what it is. */
const PERSONAL: Readonly<Record<string, string>> = {
  'public.users.user_name': 'login',
  'public.users.first_name': 'person name',
  'public.users.last_name': 'person name',
  'public.accounts.phone_office': 'phone',
  'public.contacts.first_name': 'person name',
  'public.contacts.last_name': 'person name',
  'public.contacts.phone_work': 'phone',
  'public.contacts.phone_mobile': 'phone',
  'public.contacts.primary_address_country': 'postal address',
  'public.contacts.birthdate': 'birth date',
  'public.email_addresses.email_address': 'e-mail',
  'public.leads.first_name': 'person name',
  'public.leads.last_name': 'person name',
  'public.leads.email': 'e-mail',
  'public.leads.phone': 'phone',
  'public.leads.country': 'postal address',
  'public.activities.subject': 'free text',
  'public.notes.body': 'free text',
  'public.remarks.body': 'free text',
};

/** Every reference between the old CRM's tables, of which the database declares none. `when`: of a column that refers to several tables. */
const REFERENCES = [
  ['accounts.parent_id', 'accounts'],
  ['accounts.assigned_user_id', 'users'],
  ['accounts_contacts.account_id', 'accounts'],
  ['accounts_contacts.contact_id', 'contacts'],
  ['email_addr_bean_rel.email_address_id', 'email_addresses'],
  ['email_addr_bean_rel.bean_id', 'contacts', "bean_module = 'Contacts'"],
  ['email_addr_bean_rel.bean_id', 'leads', "bean_module = 'Leads'"],
  ['leads.assigned_user_id', 'users'],
  ['opportunities.account_id', 'accounts'],
  ['opportunities.assigned_user_id', 'users'],
  ['opportunities_contacts.opportunity_id', 'opportunities'],
  ['opportunities_contacts.contact_id', 'contacts'],
  ['activities.contact_id', 'contacts'],
  ['activities.opportunity_id', 'opportunities'],
  ['activities.assigned_user_id', 'users'],
  ['notes.parent_id', 'accounts', "parent_type = 'Accounts'"],
  ['notes.parent_id', 'contacts', "parent_type = 'Contacts'"],
  ['notes.parent_id', 'leads', "parent_type = 'Leads'"],
  ['notes.created_by', 'users'],
] as const;

/** What looks like references and is none: numbers and names that the keys of other tables have as well. */
const TRAPS = `
  CREATE TABLE readings (id bigint PRIMARY KEY, user_count integer, level bigint, account_rank bigint, token varchar(36));
  INSERT INTO readings SELECT n, 1 + n % 20, 1 + n % 40, 1 + n % 30, md5(n::text)::uuid::text FROM generate_series(1, 200) n`;

/** Plants that are known by site and number, machines of which three refer to none, and remarks in two languages. */
const PLANTED = `
  CREATE TABLE plants (site integer, no integer, PRIMARY KEY (site, no));
  INSERT INTO plants SELECT site, no FROM generate_series(1, 4) site, generate_series(1, 10) no WHERE (site, no) <> (4, 10);
  CREATE TABLE machines (id bigint PRIMARY KEY, site integer, plant_no integer);
  INSERT INTO machines SELECT n, 1 + n % 4, 1 + n % 10 FROM generate_series(1, 200) n WHERE (n % 4, n % 10) <> (3, 9);
  INSERT INTO machines VALUES (1001, 4, 10), (1002, 4, 10), (1003, 1, 99), (1004, 2, NULL);
  CREATE TABLE remarks (id bigint PRIMARY KEY, body text);
  INSERT INTO remarks SELECT n, n || CASE WHEN n <= 75 THEN ': der Kunde ist mit der Lieferung nicht zufrieden' ELSE ': the customer is not happy with the delivery' END
    FROM generate_series(1, 100) n`;

type Output = {
  readonly references: readonly {
    readonly from: { readonly table: string; readonly columns: readonly string[] };
    readonly to: { readonly table: string; readonly columns: readonly string[] };
    readonly when?: { readonly column: string; readonly value: string };
    readonly orphans: { readonly rows: number; readonly orphans: number } | null;
  }[];
  readonly personal: readonly { readonly table: string; readonly column: string; readonly kind: string }[];
  readonly softDeletes: readonly { readonly table: string; readonly deleted: number }[];
  readonly findings: readonly { readonly table: string; readonly column: string; readonly finding: string; readonly says: string }[];
  readonly score: { readonly points: number; readonly parts: readonly { readonly part: string; readonly points: number }[] };
  readonly tables: readonly { readonly table: string; readonly whole: boolean; readonly rows: number }[];
  readonly readSeconds: number;
  readonly proposal: {
    readonly rules: readonly {
      readonly target: string;
      readonly unique: readonly {
        readonly columns: readonly string[];
        readonly because: readonly string[];
        readonly open: readonly string[];
      }[];
    }[];
  };
};

/** Two databases, and a folder with the settings for them. */
class Bed implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly source: TestDatabase,
    readonly target: TestDatabase,
    readonly client: pg.Client,
  ) {}

  static async open(fill: (source: pg.Client, target: pg.Client) => Promise<void>): Promise<Bed> {
    const folder = await mkdtemp(join(tmpdir(), 'changeover-analyze-'));
    await chmod(folder, 0o755);
    const [source, target] = [await testDatabase(), await testDatabase()];
    const client = await source.connect();
    await fill(client, await target.connect());
    const settings = {
      migration: 'm',
      source: { type: 'postgres', url: source.url },
      target: { type: 'postgres', url: target.url },
      mapping: './mapping.ts',
    };
    await writeFile(join(folder, 'changeover.json'), JSON.stringify(settings));
    return new Bed(folder, source, target, client);
  }

  async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...args], { cwd: this.folder, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  /** From now on; in the notation of the settings. */
  async readNoFasterThan(bytesPerSecond: string): Promise<void> {
    const file = join(this.folder, 'changeover.json');
    const settings = JSON.parse(await readFile(file, 'utf8')) as { readonly source: object };
    await writeFile(file, JSON.stringify({ ...settings, source: { ...settings.source, copy: { bytesPerSecond } } }));
  }

  async analyze(...args: readonly string[]): Promise<Output> {
    return JSON.parse(await this.run('analyze', '--json', ...args)) as Output;
  }

  file(name: string): Promise<string> {
    return readFile(join(this.folder, name), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}

const demoPair = (): Promise<Bed> =>
  Bed.open(async (source, target) => {
    await createLegacyTables(source);
    await fillLegacyTables(source, { seed: 11, rows: 12_000 });
    await createLegacyIndexes(source);
    await source.query(TRAPS);
    await source.query(PLANTED);
    // With so few rows chance leaves them out.
    await source.query(`UPDATE notes SET parent_type = 'Leads' WHERE id IN (1, 2)`);
    // One of them was thrown away, and wants nothing any more.
    await source.query(`UPDATE accounts SET customer_no = ' C-000001', deleted = (id = 12)::int WHERE id BETWEEN 2 AND 12`);
    await createModernTables(target);
  });

/** As the database itself counts them. */
async function countedOrphans(client: pg.Client): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const [column, to, when = 'true'] of REFERENCES) {
    const [table = '', name = ''] = column.split('.');
    const { rows } = await client.query<{ rows: string; orphans: string }>(
      `SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM ${to} k WHERE k.id::text = r.${name}::text)) AS orphans
       FROM ${table} r WHERE r.${name} IS NOT NULL AND ${when}`,
    );
    lines.push(`public.${column} → public.${to}.id: ${rows[0]?.orphans ?? ''} of ${rows[0]?.rows ?? ''}`);
  }
  const { rows: machines } = await client.query<{ rows: string; orphans: string }>(
    `SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM plants p WHERE (p.site, p.no) = (m.site, m.plant_no))) AS orphans
     FROM machines m WHERE site IS NOT NULL AND plant_no IS NOT NULL`,
  );
  lines.push(`public.machines.site+plant_no → public.plants.site+no: ${machines[0]?.orphans ?? ''} of ${machines[0]?.rows ?? ''}`);
  return lines.sort();
}

function toldOrphans({ references }: Output): readonly string[] {
  return references
    .map(
      ({ from, to, orphans }) =>
        `${from.table}.${from.columns.join('+')} → ${to.table}.${to.columns.join('+')}: ${String(orphans?.orphans)} of ${String(orphans?.rows)}`,
    )
    .sort();
}

function toldPersonal({ personal }: Output): Readonly<Record<string, string>> {
  return Object.fromEntries(personal.map(({ table, column, kind }) => [`${table}.${column}`, kind]));
}

/** What the hand mapping passes as it is, as rules. */
const PROBES: TableRule = {
  source: 'public.probes',
  target: 'public.probes',
  columns: { id: { column: 'id' }, sent_by: { column: 'sent_by' } },
  key: ['id'],
};
const BY_HAND = columnPairs([...RULES, PROBES]);

describe('changeover analyze on the demo pair', () => {
  let bed: Bed;
  let output: Output;
  beforeAll(async () => {
    bed = await demoPair();
    output = await bed.analyze('--propose', 'mapping.ts', '--html', 'page.html');
  }, PATIENCE_MS);
  afterAll(() => bed[Symbol.asyncDispose]());

  it('proposes most of the pairs of columns that the hand mapping has, and few others', async () => {
    const { rules } = await loadMapping(join(bed.folder, 'mapping.ts'));
    const found = columnPairs(rules);
    const { recall, precision } = agreement(found, BY_HAND);
    expect(BY_HAND.size).toBeGreaterThan(60);
    expect(recall).toBeGreaterThanOrEqual(0.7);
    expect(precision).toBeGreaterThanOrEqual(0.9);
    // The same measure finds a mapping bad whose columns have changed places, and one that lacks half of them.
    const swapped = rules.map((rule) => {
      const [targets, values] = [Object.keys(rule.columns), Object.values(rule.columns)];
      return {
        ...rule,
        columns: Object.fromEntries(targets.map((target, index) => [target, values[(index + 1) % values.length] ?? { constant: null }])),
      };
    });
    expect(agreement(columnPairs(swapped), BY_HAND).precision).toBeLessThan(0.5);
    expect(agreement(columnPairs(rules.slice(0, 4)), BY_HAND).recall).toBeLessThan(0.7);
  });

  it(
    'proposes what compiles against the types of introspect, and what check takes',
    async () => {
      await bed.run('introspect', '--out', 'types.ts');
      const [types, proposed] = [await bed.file('types.ts'), await bed.file('mapping.ts')];
      const wrong = proposed.replace("usersRow('user_name')", "usersRow('user_nmae')");
      const errors = compileFiles({ 'types.ts': types, 'mapping.ts': proposed, 'wrong.ts': wrong });
      expect(errors.filter((error) => !error.startsWith('wrong.ts'))).toEqual([]);
      expect(errors.join('\n')).toContain('user_nmae');
      expect(await bed.run('check')).toMatch(/rules for 9 tables of the target/);
    },
    PATIENCE_MS,
  );

  it('finds every reference and every orphan, and no other reference', async () => {
    const counted = await countedOrphans(bed.client);
    expect(toldOrphans(output)).toEqual(counted);
    expect(counted.filter((line) => !line.includes(': 0 of'))).not.toHaveLength(0);
    expect(counted).toContainEqual(expect.stringMatching(/^public\.machines\.site\+plant_no .*: 3 of /u));
  });

  it('proposes a rule for each unique index, with how many rows want the same', async () => {
    const { rules } = await loadMapping(join(bed.folder, 'mapping.ts'));
    expect(rules.filter(({ unique }) => unique !== undefined).map(({ target, unique }) => [target, unique])).toEqual([
      ['crm.account', [{ columns: ['customer_number'], otherwise: 'empty' }]],
      ['crm.contact', [{ columns: ['email'], otherwise: 'empty' }]],
    ]);
    const { rows } = await bed.client.query<{ surplus: string }>(
      `SELECT sum(n - 1) AS surplus FROM (SELECT count(*) AS n FROM accounts WHERE deleted = 0 AND trim(customer_no) <> '' GROUP BY trim(customer_no)) numbers`,
    );
    const surplus = Number(rows[0]?.surplus);
    expect(surplus).toBeGreaterThan(1);
    const uniqueOf = (target: string): Output['proposal']['rules'][number]['unique'][number] | undefined =>
      output.proposal.rules.find((rule) => rule.target === target)?.unique[0];
    expect(uniqueOf('crm.account')?.because).toContain(`${String(surplus)} rows want what another has by its normal form`);
    expect(uniqueOf('crm.account')?.open).not.toEqual([]);
    // That comes from the table of addresses, by two joins.
    expect(uniqueOf('crm.contact')?.open[0]).toMatch(/was not counted/u);
  });

  it('tells the languages of free text', () => {
    const languages = output.findings.filter(({ finding, says }) => finding === 'language' && says.startsWith('mostly'));
    expect(languages).toContainEqual({
      table: 'public.remarks',
      column: 'body',
      finding: 'language',
      says: 'mostly de (75.0 %), en (25.0 %), by 100 of 100 texts looked at',
    });
  });

  it('finds every personal column, and no other', () => {
    expect(toldPersonal(output)).toEqual(PERSONAL);
  });

  it(
    'tells no value, but what the mapping has to say',
    async () => {
      const { rows } = await bed.client.query<{ value: string }>(`
      SELECT email_address AS value FROM email_addresses WHERE length(trim(email_address)) > 8
      UNION SELECT phone_work FROM contacts WHERE length(phone_work) > 8 UNION SELECT last_name FROM contacts WHERE length(last_name) > 5
      UNION SELECT user_name FROM users WHERE length(user_name) > 5 UNION SELECT birthdate FROM contacts WHERE length(birthdate) > 8`);
      expect(rows.length).toBeGreaterThan(1_000);
      const places = { output: JSON.stringify(output), page: await bed.file('page.html'), mapping: await bed.file('mapping.ts') };
      for (const [place, text] of Object.entries(places))
        expect({ place, told: rows.filter(({ value }) => text.includes(value)) }).toEqual({ place, told: [] });
      // The question finds them where they were asked for.
      const asked = JSON.stringify(await bed.analyze('--values', '--table', 'public.users', '--source-only'));
      expect(rows.filter(({ value }) => asked.includes(value)).length).toBeGreaterThan(5);
    },
    PATIENCE_MS,
  );

  it('makes one page of it that needs nothing else', async () => {
    const page = await bed.file('page.html');
    expect(page).toContain('<svg');
    expect(page).toContain('public.contacts.phone_mobile');
    expect(page).not.toMatch(/<script|https?:|<link|<img|url\(/u);
  });

  it(
    'reads a part where it was told to, and says so',
    async () => {
      const { tables, references } = await bed.analyze(
        '--sample',
        '500',
        '--source-only',
        '--table',
        'public.contacts',
        '--table',
        'public.accounts_contacts',
      );
      expect(tables.map(({ table, whole, rows }) => [table, whole, rows])).toEqual([
        ['public.accounts_contacts', false, 500],
        ['public.contacts', false, 500],
      ]);
      for (const { orphans } of references) expect(orphans).toBeNull();
    },
    PATIENCE_MS,
  );

  it('never writes over a file, and leaves nothing on the disk', async () => {
    const before = await bed.file('mapping.ts');
    await expect(bed.analyze('--propose', 'mapping.ts')).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('FILE_EXISTS') });
    expect(await bed.file('mapping.ts')).toBe(before);
    expect(await readdir(join(bed.folder, '.changeover/state'))).toEqual([]);
  });

  it(
    'reads no faster than it may, and ends clean when it is told to stop',
    async () => {
      await bed.readNoFasterThan('100kB');
      try {
        const { rows } = await bed.client.query<{ bytes: string }>(`SELECT sum(length(c::text)) AS bytes FROM contacts c`);
        const { readSeconds } = await bed.analyze('--source-only', '--table', 'public.contacts');
        // What is read last is not paid for any more.
        expect(readSeconds).toBeGreaterThan(Number(rows[0]?.bytes) / (100 * 1024) - 1.5);
        await bed.readNoFasterThan('10kB');
        const child = spawn(process.execPath, [BIN, 'analyze'], { cwd: bed.folder, stdio: ['ignore', 'pipe', 'pipe'] });
        let [out, said] = ['', ''];
        child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          if (said.includes('reading')) child.kill('SIGINT');
        });
        const [code] = (await once(child, 'close')) as [number | null];
        expect({ code, out }).toEqual({ code: 130, out: '' });
        expect(said).toContain('interrupted');
        expect(await readdir(join(bed.folder, '.changeover/state'))).toEqual([]);
      } finally {
        await bed.readNoFasterThan('1GB');
      }
    },
    PATIENCE_MS,
  );

  it(
    'tells other data apart: what was damaged since is found, what is gone is not',
    async () => {
      const lost = await bed.client.query('DELETE FROM users WHERE id = 3');
      expect(lost.rowCount).toBe(1);
      await bed.client.query(`UPDATE accounts_contacts SET contact_id = gen_random_uuid()::text; UPDATE contacts SET phone_mobile = NULL`);
      const after = await bed.analyze('--source-only');
      const references = toldOrphans(after);
      expect(references.some((line) => line.startsWith('public.accounts_contacts.contact_id'))).toBe(false);
      expect(references.filter((line) => line.includes('→ public.users.id'))).toEqual(
        (await countedOrphans(bed.client)).filter((line) => line.includes('→ public.users.id')),
      );
      expect(references).not.toEqual(toldOrphans(output));
      expect(toldPersonal(after)).not.toHaveProperty(['public.contacts.phone_mobile']);
      expect(after.findings).toContainEqual(
        expect.objectContaining({ table: 'public.contacts', column: 'phone_mobile', finding: 'unused' }),
      );
    },
    PATIENCE_MS,
  );
});

test(
  'tables without rows are matched by their names and types alone',
  async () => {
    await using bed = await Bed.open(async (source, target) => {
      await createLegacySchema(source);
      await createModernSchema(target);
    });
    await bed.analyze('--propose', 'mapping.ts');
    await bed.run('introspect', '--out', 'types.ts');
    expect(compileFiles({ 'types.ts': await bed.file('types.ts'), 'mapping.ts': await bed.file('mapping.ts') })).toEqual([]);
    const { rules } = await loadMapping(join(bed.folder, 'mapping.ts'));
    const { tables: byHand } = await loadMapping(EXAMPLE_MAPPING);
    const renamed = Object.entries(byHand).flatMap(([table, { to, columns = {} }]) =>
      Object.entries(columns).map(([from, name]) => `${table}.${from} → ${to ?? table}.${name}`),
    );
    expect(renamed.length).toBeGreaterThan(5);
    const found = columnPairs(rules);
    expect(renamed.filter((pair) => !found.has(pair))).toEqual([]);
  },
  PATIENCE_MS,
);
