import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { testDatabase, type TestDatabase } from '@changeover/testing';

import { ROOT } from './compile-files.js';
import { UNUSUAL_ROWS } from './suitecrm-rows.js';
import { describeRealCrms, EXAMPLE, loadSuiteCrm, loadTwenty, SOURCE_TABLES, TARGET_TABLES } from './real-crms.js';

const BIN = join(ROOT, 'apps/cli/bin/changeover.mjs');
const TYPES = join(EXAMPLE, 'src/types.ts');
const PATIENCE_MS = 180_000;

/** What SuiteCRM keeps for itself, or says in another column too. */
const NOBODY_READS = new Set([
  ...['modified_user_id', 'created_by', 'parent_type', 'duration_hours', 'duration_minutes', 'sequence', 'email_address_caps'],
  ...['email_reminder_sent', 'portal_flag', 'portal_user_type', 'embed_flag', 'date_due_flag', 'date_start_flag'],
]);

/** What has values and is not moved: as the README of the example says. */
const LOST: Readonly<Record<string, readonly string[]>> = {
  accounts: [],
  calls: ['assigned_user_id', 'email_reminder_time', 'reminder_time', 'repeat_interval'],
  calls_users: ['required'],
  contacts: [],
  currencies: ['deleted'],
  email_addr_bean_rel: ['date_modified', 'reply_to_address'],
  email_addresses: ['confirm_opt_in', 'date_created', 'date_modified', 'invalid_email'],
  leads: [],
  meetings: ['assigned_user_id', 'email_reminder_time', 'reminder_time', 'repeat_interval', 'type'],
  meetings_users: ['required'],
  notes: ['assigned_user_id'],
  opportunities: [],
  opportunities_contacts: ['contact_role'],
  tasks: ['priority'],
  users: [
    ...[
      'employee_status',
      'external_auth_only',
      'is_admin',
      'is_group',
      'portal_only',
      'receive_notifications',
      'reports_to_id',
      'show_on_employees',
    ],
    ...['status', 'sugar_login', 'system_generated_password', 'title', 'user_hash'],
  ],
};

describeRealCrms('a real SuiteCRM, and a real Twenty', () => {
  let [source, target]: TestDatabase[] = [];
  let folder: string;

  beforeAll(async () => {
    [source, target] = await Promise.all([testDatabase(), testDatabase()]);
    folder = await mkdtemp(join(tmpdir(), 'changeover-crms-'));
    await loadTwenty(await target.connect());
    expect(await loadSuiteCrm(await source.connect())).toEqual({ tables: 222, rows: 6183 });
    const settings = {
      migration: 'suitecrm',
      source: { type: 'postgres', url: source.url, tables: SOURCE_TABLES },
      target: { type: 'postgres', url: target.url, existingRows: 'leave' },
      mapping: join(EXAMPLE, 'src/mapping.ts'),
    };
    await writeFile(join(folder, 'changeover.json'), JSON.stringify(settings));
  }, PATIENCE_MS);

  afterAll(async () => {
    await source?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const changeover = (...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [BIN, ...args], { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  const introspect = (...args: readonly string[]): ReturnType<typeof changeover> =>
    changeover('introspect', ...['public.*', ...TARGET_TABLES].flatMap((table) => ['--table', table]), ...args);

  it(
    'have the types that the example was written against',
    async () => {
      const types = await introspect();
      expect([types.code, types.err]).toEqual([0, '']);
      // UPDATE_TYPES of the environment: for who has changed what introspection writes.
      if (process.env['UPDATE_TYPES'] === '1') await writeFile(TYPES, types.out);
      expect(types.out).toBe(await readFile(TYPES, 'utf8'));
      expect(await introspect('--check', '--out', TYPES)).toEqual({ code: 0, out: `${TYPES} is up to date\n`, err: '' });
    },
    PATIENCE_MS,
  );

  it(
    'are told as they are: unique and partial indexes, foreign keys, enums, generated columns',
    async () => {
      const { out } = await changeover('introspect', '--json', '--target-only');
      const { target: tables } = JSON.parse(out) as {
        target: { table: string; uniques: object[]; foreignKeys: object[]; columns: object[] }[];
      };
      expect(tables).toHaveLength(30);
      const [person] = tables.filter(({ table }) => table === 'person');
      expect(person).toMatchObject({
        key: ['id'],
        uniques: [{ columns: ['emailsPrimaryEmail'], predicate: `("emailsPrimaryEmail" <> ''::text)` }],
        foreignKeys: [{ columns: ['companyId'], toSchema: 'workspace_new', toTable: 'company', toColumns: ['id'] }],
      });
      expect(person?.columns).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ name: 'searchVector', generated: true, default: expect.stringContaining('to_tsvector') }),
          expect.objectContaining({ name: 'createdBySource', fills: true, labels: expect.arrayContaining(['IMPORT']) }),
        ]),
      );
      expect(tables.flatMap(({ foreignKeys }) => foreignKeys)).toHaveLength(67);
    },
    PATIENCE_MS,
  );

  it(
    'name what has changed since',
    async () => {
      const client = await (target as TestDatabase).connect();
      await client.query(
        'ALTER TABLE workspace_new.person ADD COLUMN nickname text, ALTER COLUMN city DROP NOT NULL; ALTER TABLE workspace_new.note DROP COLUMN title CASCADE',
      );
      try {
        const { code, out } = await introspect('--check', '--out', TYPES);
        expect([code, out.split('\n')]).toEqual([
          1,
          [
            '+ target workspace_new.person.nickname',
            '- target workspace_new.note.title',
            '- target workspace_new.note.searchVector',
            '~ target workspace_new.person.city',
            '',
          ],
        ]);
        // And so does the check of the mapping that writes it.
        const checked = await changeover('check');
        expect([checked.code, checked.out]).toEqual([1, expect.stringMatching(/✗ target.*title/u)]);
      } finally {
        await client.query('DROP SCHEMA workspace_new CASCADE');
        await loadTwenty(client);
      }
    },
    PATIENCE_MS,
  );

  it(
    'fit the mapping of the example',
    async () => {
      const { code, out } = await changeover('check');
      expect({ code, found: out.split('\n').filter((line) => /^[✗!]/u.test(line)) }).toEqual({ code: 0, found: [] });
      expect(out).toContain('rules for 10 tables of the target');
    },
    PATIENCE_MS,
  );

  it(
    'have data that the mapping of the example takes, but for what its README says',
    async () => {
      const client = await (source as TestDatabase).connect();
      for (const rows of UNUSUAL_ROWS) await client.query(rows);
      const { code, out } = await changeover('check', '--data');
      expect({ code, wrong: out.split('\n').filter((line) => line.startsWith('✗')) }).toEqual({ code: 0, wrong: [] });
      expect(out).toMatch(
        /opportunity \(opportunity\): of 56 rows of public\.opportunities 53 are written, 3 held\n *- 2 rows: unknown value \(stage\)\n *- 1 row: unknown currency \(/u,
      );
      expect(out.match(/, \d+ held/gu)).toEqual([', 3 held']);
      const nowhere = [...out.matchAll(/columns of public\.(\w+) that hold something and go nowhere: (.*)/gu)].map(
        ([, table = '', columns = '']) => [
          table,
          columns
            .replace(/ \(\d+ rows?\)/gu, '')
            .split(', ')
            .filter((column) => !NOBODY_READS.has(column))
            .sort(),
        ],
      );
      expect(Object.fromEntries(nowhere)).toEqual(LOST);
    },
    PATIENCE_MS,
  );

  it(
    'are analyzed',
    async () => {
      const { code, out } = await changeover('analyze');
      expect([code, out]).toEqual([0, expect.stringContaining('21 of 21 tables have a key')]);
      expect(out).toMatch(/public\.email_addr_bean_rel\.bean_id +→ public\.leads\.id where bean_module is Leads +0 of \d+ are orphans/u);
      expect(out).toMatch(/public\.accounts\.assigned_user_id +→ public\.users\.id +1 of \d+ are orphans/u);
    },
    PATIENCE_MS,
  );
});
