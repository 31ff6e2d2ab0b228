import { changeoverCommand, Stage } from '@changeover/example-crm';

import { MigrationBed } from '../crash/migration-bed.js';
import { describeRealCrms, EXAMPLE, loadSuiteCrm, loadTwenty, SOURCE_TABLES } from './real-crms.js';

/** By target table: where its rows come from, and which of those the mapping means to leave behind. Said once more, in SQL, so that the rules are not held against themselves. */
const DRIVEN: Readonly<Record<string, { readonly source: string; readonly filtered: string }>> = {
  workspaceMember: { source: 'users', filtered: 'false' },
  company: { source: 'accounts', filtered: 'deleted <> 0' },
  person: { source: 'contacts', filtered: 'deleted <> 0' },
  opportunity: { source: 'opportunities', filtered: 'deleted <> 0' },
  note: { source: 'notes', filtered: 'deleted <> 0' },
  noteTarget: { source: 'notes', filtered: `deleted <> 0 OR NOT (${isAbout('parent_id')} OR ${isAbout('contact_id')})` },
  task: { source: 'tasks', filtered: 'deleted <> 0' },
  taskTarget: { source: 'tasks', filtered: `deleted <> 0 OR NOT (${isAbout('parent_id')} OR ${isAbout('contact_id')})` },
  calendarEvent: { source: 'meetings', filtered: 'deleted <> 0' },
  calendarEventParticipant: { source: 'meetings_users', filtered: 'deleted <> 0' },
  timelineActivity: { source: 'calls', filtered: 'deleted <> 0' },
};

function isAbout(column: string): string {
  const found = ['accounts', 'opportunities', 'contacts'].map(
    (table) => `EXISTS (SELECT FROM ${table} o WHERE o.id = d.${column} AND o.deleted = 0)`,
  );
  return `(${found.join(' OR ')})`;
}

/** Rows of a source table, by what became of them: a row that is held, waits or is refused counts as such if no version of it stands in the target. */
type Outcome = {
  readonly rows: number;
  readonly filtered: number;
  readonly written: number;
  readonly held: number;
  readonly waiting: number;
  readonly refused: number;
};

/** That Twenty has before anything is moved. */
const MEMBERS = 4;

/** As people save in SuiteCRM: several transactions each, between which all is half there. */
const SAVES: readonly string[] = [
  // A new contact of an account, with an address that an older one has, too.
  `INSERT INTO contacts (id, date_entered, date_modified, created_by, deleted, first_name, last_name, title)
   VALUES ('c0000000-0000-4000-8000-000000000001', '2026-11-24 09:00:00', '2026-11-24 09:00:00', '1', 0, 'Zo&euml;', E'New\\u200b', 'CTO')`,
  `INSERT INTO accounts_contacts SELECT 'ac-1', 'c0000000-0000-4000-8000-000000000001', min(id), '2026-11-24 09:00:00', 0 FROM accounts`,
  `INSERT INTO email_addresses (id, email_address, deleted) SELECT 'ea-1', upper(min(email_address)), 0 FROM email_addresses e
    WHERE EXISTS (SELECT FROM email_addr_bean_rel r WHERE r.email_address_id = e.id AND r.bean_module = 'Contacts' AND r.primary_address = 1)`,
  `INSERT INTO email_addr_bean_rel (id, email_address_id, bean_id, bean_module, primary_address, deleted)
   VALUES ('eb-1', 'ea-1', 'c0000000-0000-4000-8000-000000000001', 'Contacts', 1, 0)`,
  // An account that gets another's website, and an owner who is only hired a moment later.
  `UPDATE accounts SET website = (SELECT website FROM accounts ORDER BY id LIMIT 1), assigned_user_id = 'new_user_id', date_modified = '2026-11-24 09:01:00'
    WHERE id = (SELECT max(id) FROM accounts)`,
  `INSERT INTO users (id, user_name, last_name, date_entered, date_modified, deleted) VALUES ('new_user_id', 'nina', 'Newman', '2026-11-24 09:02:00', '0000-00-00 00:00:00', 0)`,
  // Work on deals: one is lost, one is lost no more, one goes.
  `UPDATE opportunities SET sales_stage = 'Closed Lost' WHERE id = (SELECT min(id) FROM opportunities WHERE sales_stage = 'Prospecting')`,
  `UPDATE opportunities SET sales_stage = 'Closed Won' WHERE id = (SELECT max(id) FROM opportunities WHERE sales_stage = 'Closed Lost')`,
  `UPDATE opportunities SET deleted = 1 WHERE id = (SELECT min(id) FROM opportunities WHERE sales_stage = 'Closed Won')`,
  // An account is deleted; its links stay, and so do its notes, meetings and contacts.
  `UPDATE accounts SET deleted = 1 WHERE id = (SELECT parent_id FROM notes WHERE parent_id NOT IN (SELECT min(id) FROM accounts UNION SELECT max(id) FROM accounts) ORDER BY 1 LIMIT 1)`,
  `UPDATE contacts SET deleted = 1 WHERE id = (SELECT min(contact_id) FROM tasks)`,
  `DELETE FROM notes WHERE id = (SELECT max(id) FROM notes)`,
  `UPDATE meetings SET status = 'Held', date_end = '0000-00-00 00:00:00' WHERE id = (SELECT min(id) FROM meetings WHERE status = 'Planned')`,
  `UPDATE users SET deleted = 1, date_modified = '2026-11-24 09:03:00' WHERE id = 'seed_max_id'`,
];

describeRealCrms('from a real SuiteCRM to a real Twenty', () => {
  let bed: MigrationBed;
  const opened: AsyncDisposable[] = [];

  beforeAll(async () => {
    const stage = await Stage.open({ broker: 'none' });
    opened.push(stage);
    bed = await MigrationBed.open(stage, { id: `suitecrm_${String(process.pid)}`, log: 'embedded', mapping: `${EXAMPLE}/src/mapping.ts` });
    opened.unshift(bed);
    await loadSuiteCrm(bed.source);
    await loadTwenty(bed.target);
    const { source, target } = (await bed.settings()) as { readonly source: { readonly url: string }; readonly target: object };
    await bed.changeSettings({
      source: { type: 'postgres', url: source.url, tables: SOURCE_TABLES },
      target: { ...target, existingRows: 'leave' },
    });
    await bed.startAll();
    await bed.barrier(120_000);
  }, 300_000);

  afterAll(async () => {
    for (const one of opened) await one[Symbol.asyncDispose]();
  }, 60_000);

  async function outcomes(): Promise<Readonly<Record<string, Outcome>>> {
    const result: Record<string, Outcome> = {};
    for (const [table, { source, filtered }] of Object.entries(DRIVEN)) {
      const [from] = (
        await bed.source.query<Pick<Outcome, 'rows' | 'filtered'>>(
          `SELECT count(*)::int AS rows, count(*) FILTER (WHERE ${filtered})::int AS filtered FROM ${source} d`,
        )
      ).rows;
      const [to] = (
        await bed.target.query<Omit<Outcome, 'rows' | 'filtered'>>(
          `SELECT (SELECT count(*) FROM workspace_new."${table}")::int - $2::int AS written,
                  count(*) FILTER (WHERE state = 'held')::int AS held, count(*) FILTER (WHERE state = 'waiting')::int AS waiting,
                  (SELECT count(*) FROM changeover.refused WHERE table_name = $1 AND to_seq IS NULL AND stands IS NULL)::int AS refused
             FROM changeover.held WHERE target = 'workspace_new.' || $1 AND NOT kept`,
          [table, table === 'workspaceMember' ? MEMBERS : 0],
        )
      ).rows;
      if (from === undefined || to === undefined) throw new Error('a count gives one row');
      result[table] = { ...from, ...to };
    }
    return result;
  }

  /** Nothing is lost: each row of the source is in the target, on a list with its reason, or one that the mapping leaves behind. */
  function expectAccountedFor(found: Readonly<Record<string, Outcome>>): void {
    const lost = Object.entries(found).map(([table, { rows, filtered, written, held, waiting, refused }]) => {
      return [table, rows - filtered - written - held - waiting - refused];
    });
    expect(lost).toEqual(Object.keys(DRIVEN).map((table) => [table, 0]));
  }

  const one = async (sql: string, values: readonly unknown[] = []): Promise<unknown> =>
    Object.values((await bed.target.query<Record<string, unknown>>(sql, [...values])).rows[0] ?? {})[0];

  const addressOf = async (user: string): Promise<unknown> => {
    const found = await bed.source.query<{ address: string }>(
      `SELECT e.email_address AS address FROM email_addr_bean_rel r JOIN email_addresses e ON e.id = r.email_address_id
        WHERE r.bean_module = 'Users' AND r.primary_address = 1 AND r.bean_id = $1`,
      [user],
    );
    expect(found.rows).toHaveLength(1);
    return found.rows[0]?.address;
  };

  it('copies what is there, and accounts for every row', async () => {
    const found = await outcomes();
    console.table(found);
    expectAccountedFor(found);
    const none = { filtered: 0, held: 0, waiting: 0, refused: 0 };
    expect(found).toMatchObject({
      workspaceMember: { ...none, rows: 7, written: 7 },
      company: { ...none, rows: 50, written: 50 },
      person: { ...none, rows: 200, written: 200 },
      // Twenty has no stage for what was lost.
      opportunity: { ...none, rows: 50, written: 48, held: 2 },
      note: { ...none, rows: 50, written: 50 },
      noteTarget: { ...none, rows: 50, written: 50 },
      task: { ...none, rows: 200, written: 200 },
      taskTarget: { ...none, rows: 200, written: 200 },
      calendarEvent: { ...none, rows: 200, written: 200 },
      calendarEventParticipant: { ...none, rows: 200, written: 200 },
      timelineActivity: { ...none, rows: 50, written: 50 },
    });
    // A key that is no UUID is one now, and what referred to it does so still.
    const owned = await bed.source.query<{ count: number }>(`SELECT count(*)::int FROM accounts WHERE assigned_user_id = 'seed_sarah_id'`);
    expect(
      await one(
        `SELECT count(*)::int FROM workspace_new.company c JOIN workspace_new."workspaceMember" m ON m.id = c."accountOwnerId" WHERE m."userEmail" = $1`,
        [await addressOf('seed_sarah_id')],
      ),
    ).toBe(owned.rows[0]?.count);
    // Nobody without an address but those who share one with somebody else.
    const addresses = await bed.source.query<{ people: number; addresses: number }>(
      `SELECT count(DISTINCT r.bean_id)::int AS people, count(DISTINCT lower(e.email_address))::int AS addresses
         FROM email_addr_bean_rel r JOIN email_addresses e ON e.id = r.email_address_id WHERE r.bean_module = 'Contacts' AND r.primary_address = 1`,
    );
    expect(addresses.rows[0]?.people).toBe(200);
    expect(await one(`SELECT count("emailsPrimaryEmail")::int FROM workspace_new.person`)).toBe(addresses.rows[0]?.addresses);
    await changeoverCommand(['verify'], { settingsFile: bed.migration.settingsFile });
  }, 180_000);

  it('follows people who go on working', async () => {
    for (const save of SAVES) await bed.source.query(save);
    await bed.barrier();
    const found = await outcomes();
    console.table(found);
    expectAccountedFor(found);
    expect(found).toMatchObject({
      workspaceMember: { rows: 8, written: 8 },
      company: { rows: 50, filtered: 1, written: 49 },
      person: { rows: 201, filtered: 1, written: 200 },
      note: { rows: 49, written: 49 },
    });
    expect(
      await one(`SELECT "deletedAt"::text FROM workspace_new."workspaceMember" WHERE "userEmail" = $1`, [await addressOf('seed_max_id')]),
    ).toBe('2026-11-24 09:03:00+00');
    // The older one keeps the address.
    expect(
      await one(`SELECT json_build_array("nameFirstName", "nameLastName", "jobTitle", "emailsPrimaryEmail", "companyId" IS NOT NULL)::text
                   FROM workspace_new.person WHERE id = 'c0000000-0000-4000-8000-000000000001'`),
    ).toBe('["Zoë", "New", "CTO", null, true]');
    expect(
      await one(`SELECT m."nameLastName" FROM workspace_new.company c JOIN workspace_new."workspaceMember" m ON m.id = c."accountOwnerId"
                  WHERE c."domainNamePrimaryLinkUrl" IS NULL`),
    ).toBe('Newman');
    await changeoverCommand(['verify'], { settingsFile: bed.migration.settingsFile });
  }, 180_000);

  it('is found out where the target is not what it should be', async () => {
    const { settingsFile } = bed.migration;
    await bed.target.query(
      `UPDATE workspace_new.person SET city = city || '!' WHERE id = (SELECT min(id::text)::uuid FROM workspace_new.person)`,
    );
    const report = JSON.parse(await changeoverCommand(['verify', '--json'], { settingsFile, mayFind: true })) as {
      readonly equal: boolean;
      readonly tables: readonly { readonly table: string; readonly differences: readonly { readonly columns: readonly string[] }[] }[];
    };
    expect(report.equal).toBe(false);
    const differing = report.tables.flatMap(({ table, differences }) => differences.map(({ columns }) => [table, ...columns]));
    expect(differing).toEqual([['workspace_new.person', 'city']]);
    await bed.target.query(`DELETE FROM workspace_new.note WHERE id = (SELECT min(id::text)::uuid FROM workspace_new.note)`);
    const found = await outcomes();
    expect(() => {
      expectAccountedFor(found);
    }).toThrow();
  }, 180_000);
});
