/**
 * What SuiteCRM's own demo data does not have, and people's data has: rows for a SuiteCRM in PostgreSQL, and what each has to be in Twenty, written by hand:
 * plain SQL and plain values, which know nothing of the mapping.
 */

/** Ids that say what they are about: `id('a', 1)`. */
const id = (kind: string, number: number): string => `d000000${kind}-0000-4000-8000-${String(number).padStart(12, '0')}`;
const [account, contact, lead, deal, note, task, call, meeting] = ['a', 'c', '1', '0', 'e', 'f', '2', '3'].map(
  (kind) => (number: number) => id(kind, number),
) as unknown as readonly [Id, Id, Id, Id, Id, Id, Id, Id];
type Id = (number: number) => string;

const DAY = "'2026-01-0";
/** Made and changed on this day of January. */
const on = (day: number): string => `${DAY}${String(day)} 08:00:00', ${DAY}${String(day)} 09:00:00'`;

export const UNUSUAL_ROWS: readonly string[] = [
  `INSERT INTO accounts (id, date_entered, date_modified, deleted, name, website, employees, annual_revenue, billing_address_street, billing_address_city,
                         billing_address_country, phone_office, industry, description, assigned_user_id) VALUES
     ('${account(1)}', ${on(1)}, 0, 'Dirty &amp; Sons', 'http://WWW.Dirty-Sons.example/shop', '50-100', '1,250,000', E'1 Long Road\\r\\nFloor 2\\r\\nLeft', 'Springfield',
      'USA', '+1 (212) 736-5000', 'Retail', 'An &quot;old&quot; friend', 'seed_sarah_id'),
     ('${account(2)}', ${on(1)}, 0, 'Social Ltd', 'https://www.linkedin.com/company/social', '500+', '€ 2,500.5', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
     ('${account(3)}', ${on(1)}, 0, 'Vague Inc', 'n/a', 'many', 'a lot', '', '', '', '', '', ' ', 'seed_nobody_id'),
     ('${account(4)}', ${on(1)}, 1, 'Deleted Inc', 'deleted.example', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
     ('${account(5)}', ${on(2)}, 0, 'Same Site', 'https://dirty-sons.example', '12', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,

  `INSERT INTO contacts (id, date_entered, date_modified, deleted, salutation, first_name, last_name, title, do_not_call, phone_work, phone_mobile, phone_home, phone_other,
                         primary_address_street, primary_address_city, primary_address_country, description) VALUES
     ('${contact(1)}', ${on(1)}, 0, 'Dr.', E'Ren\\u00e9\\u200b ', 'O&#039;Neil', 'CTO', 1, '(212) 736-5000', '+49 30 901820', '', 'ask Ann',
      '5 Main St', 'New York', 'United States', 'Met at the fair'),
     ('${contact(2)}', ${on(2)}, 0, NULL, NULL, 'Muster', NULL, 0, NULL, '0151 23456789', NULL, NULL, NULL, NULL, 'Germany', NULL),
     ('${contact(3)}', ${on(3)}, 1, NULL, 'Gone', 'Contact', NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
  // Two employers, of which the later one counts, and one link that was taken back later still.
  `INSERT INTO accounts_contacts (id, contact_id, account_id, date_modified, deleted) VALUES
     ('d-ac-1', '${contact(1)}', '${account(2)}', ${DAY}2 08:00:00', 0),
     ('d-ac-2', '${contact(1)}', '${account(1)}', ${DAY}3 08:00:00', 0),
     ('d-ac-3', '${contact(1)}', '${account(3)}', ${DAY}4 08:00:00', 1),
     ('d-ac-4', '${contact(2)}', '${account(4)}', ${DAY}4 08:00:00', 0)`,

  `INSERT INTO email_addresses (id, email_address, opt_out, deleted) VALUES
     ('d-ea-1', 'Rene@Dirty-Sons.example', 0, 0), ('d-ea-2', 'rene.private@example.org', 1, 0), ('d-ea-3', 'no address', 0, 0),
     ('d-ea-4', 'gone@example.org', 0, 1), ('d-ea-5', 'lead@example.org', 0, 0), ('d-ea-6', 'info@dirty-sons.example', 0, 0)`,
  `INSERT INTO email_addr_bean_rel (id, email_address_id, bean_id, bean_module, primary_address, date_created, deleted) VALUES
     ('d-eb-1', 'd-ea-2', '${contact(1)}', 'Contacts', 0, ${DAY}1 08:00:00', 0),
     ('d-eb-2', 'd-ea-3', '${contact(1)}', 'Contacts', 0, ${DAY}2 08:00:00', 0),
     ('d-eb-3', 'd-ea-4', '${contact(1)}', 'Contacts', 0, ${DAY}3 08:00:00', 0),
     ('d-eb-4', 'd-ea-1', '${contact(1)}', 'Contacts', 1, ${DAY}4 08:00:00', 0),
     ('d-eb-5', 'd-ea-1', '${contact(2)}', 'Contacts', 1, ${DAY}4 08:00:00', 0),
     ('d-eb-6', 'd-ea-5', '${lead(1)}', 'Leads', 1, ${DAY}4 08:00:00', 0),
     ('d-eb-7', 'd-ea-6', '${account(1)}', 'Accounts', 1, ${DAY}4 08:00:00', 0)`,

  // One that nobody has taken up; one that became a contact; one whose contact was deleted; one that only says so; one that was deleted.
  `INSERT INTO leads (id, date_entered, date_modified, deleted, first_name, last_name, status, converted, contact_id, account_id, account_name, opportunity_name,
                      opportunity_amount, phone_work, phone_mobile, lead_source, primary_address_country, assigned_user_id) VALUES
     ('${lead(1)}', ${on(1)}, 0, 'Lea', 'Der', 'New', 0, NULL, NULL, 'Dirty &amp; Sons', 'Big &amp; new', '12,500', NULL, NULL, 'Web Site', 'France', 'seed_sarah_id'),
     ('${lead(2)}', ${on(1)}, 0, 'Rene', 'Oneil', 'Converted', 1, '${contact(1)}', '${account(1)}', 'Dirty', 'Old', '1', NULL, NULL, 'Fair', NULL, 'seed_nobody_id'),
     ('${lead(3)}', ${on(1)}, 0, 'Left', 'Behind', 'Converted', 1, '${contact(3)}', '${account(4)}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
     ('${lead(4)}', ${on(1)}, 0, 'By', 'Hand', 'Converted', 0, NULL, NULL, '5D Investments', ' ', '5', '555', '(212) 736-5000', NULL, NULL, NULL),
     ('${lead(5)}', ${on(1)}, 1, 'Deleted', 'Lead', 'Dead', 0, NULL, NULL, NULL, 'Never', '1', NULL, NULL, NULL, NULL, NULL)`,

  `INSERT INTO currencies (id, iso4217, deleted, created_by) VALUES ('d-eur', 'EUR', 1, '1'), ('d-odd', 'QQQ', 0, '1')`,
  `INSERT INTO opportunities (id, date_entered, date_modified, deleted, name, sales_stage, date_closed, amount, amount_usdollar, currency_id, next_step, probability) VALUES
     ('${deal(1)}', ${on(1)}, 0, 'In euros', 'Closed Won', '2026-03-31', 1234.56, 1400, 'd-eur', 'Send &lt;contract&gt;', 100),
     ('${deal(2)}', ${on(1)}, 0, 'Enormous', 'Prospecting', '0000-00-00', 1e15, 1e15, '-99', NULL, NULL),
     ('${deal(3)}', ${on(1)}, 0, 'Lost currency', 'Needs Analysis', NULL, 99, 110.5, 'd-none', NULL, NULL),
     ('${deal(4)}', ${on(1)}, 0, 'Odd currency', 'Prospecting', NULL, 1, 1, 'd-odd', NULL, NULL),
     ('${deal(5)}', ${on(1)}, 0, 'No amount', 'Prospecting', NULL, NULL, NULL, NULL, NULL, NULL),
     ('${deal(6)}', ${on(1)}, 0, 'A third', 'Prospecting', NULL, 0.1::float8 + 0.2::float8, NULL, '', NULL, NULL)`,
  `INSERT INTO opportunities_contacts (id, opportunity_id, contact_id, date_modified, deleted) VALUES ('d-oc-1', '${deal(1)}', '${contact(1)}', ${DAY}1 08:00:00', 0)`,
  `INSERT INTO accounts_opportunities (id, opportunity_id, account_id, date_modified, deleted) VALUES ('d-ao-1', '${deal(1)}', '${account(1)}', ${DAY}1 08:00:00', 0)`,

  // About an open lead; one that became a contact; an opportunity and a contact; a contact twice; nothing any more.
  `INSERT INTO notes (id, date_entered, date_modified, deleted, name, description, parent_type, parent_id, contact_id) VALUES
     ('${note(1)}', ${on(1)}, 0, 'Call &amp; ask', E'One\\nTwo', 'Leads', '${lead(1)}', NULL),
     ('${note(2)}', ${on(1)}, 0, NULL, NULL, 'Leads', '${lead(2)}', '${contact(1)}'),
     ('${note(3)}', ${on(1)}, 0, 'Offer', 'x', 'Opportunities', '${deal(1)}', '${contact(1)}'),
     ('${note(4)}', ${on(1)}, 0, 'Twice', 'x', 'Contacts', '${contact(1)}', '${contact(1)}'),
     ('${note(5)}', ${on(1)}, 0, 'Alone', 'x', 'Accounts', '${account(4)}', '${contact(3)}')`,
  `INSERT INTO tasks (id, date_entered, date_modified, deleted, name, status, date_due, parent_type, parent_id, contact_id, assigned_user_id) VALUES
     ('${task(1)}', ${on(1)}, 0, 'Ring back', 'Pending Input', '2026-02-01 10:00:00', 'Contacts', '${contact(1)}', '${contact(2)}', 'seed_max_id'),
     ('${task(2)}', ${on(1)}, 1, 'Deleted', 'Completed', NULL, 'Contacts', '${contact(1)}', NULL, NULL)`,

  `INSERT INTO calls (id, date_entered, date_modified, deleted, name, description, status, date_start, date_end, parent_type, parent_id, direction) VALUES
     ('${call(1)}', ${on(1)}, 0, 'Price', 'Friendly', 'Held', '2026-01-05 10:00:00', '2026-01-05 10:15:00', 'Opportunities', '${deal(1)}', 'Inbound'),
     ('${call(2)}', ${on(1)}, 0, 'Missed', NULL, 'Not Held', '2026-01-06 10:00:00', '0000-00-00 00:00:00', 'Contacts', '${contact(1)}', NULL),
     ('${call(3)}', ${on(1)}, 1, 'Deleted', NULL, 'Planned', NULL, NULL, NULL, NULL, NULL)`,
  `INSERT INTO calls_contacts (id, call_id, contact_id, accept_status, date_modified, deleted) VALUES
     ('${id('4', 1)}', '${call(1)}', '${contact(1)}', 'accept', ${DAY}1 08:00:00', 0),
     ('${id('4', 2)}', '${call(1)}', '${contact(3)}', 'accept', ${DAY}1 08:00:00', 0),
     ('${id('4', 3)}', '${call(3)}', '${contact(1)}', 'accept', ${DAY}1 08:00:00', 0)`,
  `INSERT INTO calls_leads (id, call_id, lead_id, accept_status, date_modified, deleted) VALUES
     ('${id('5', 1)}', '${call(1)}', '${lead(1)}', 'none', ${DAY}1 08:00:00', 0),
     ('${id('5', 2)}', '${call(1)}', '${lead(2)}', NULL, ${DAY}1 08:00:00', 0),
     ('${id('5', 3)}', '${call(1)}', '${lead(1)}', 'none', ${DAY}1 08:00:00', 1)`,
  `INSERT INTO meetings (id, date_entered, date_modified, deleted, name, location, status, date_start, date_end, parent_type, parent_id) VALUES
     ('${meeting(1)}', ${on(1)}, 0, 'Lunch', 'Caf&eacute;', NULL, '2026-01-07 11:00:00', '2026-01-07 12:00:00', NULL, NULL)`,
  `INSERT INTO meetings_contacts (id, meeting_id, contact_id, accept_status, date_modified, deleted) VALUES
     ('${id('6', 1)}', '${meeting(1)}', '${contact(2)}', 'tentative', ${DAY}1 08:00:00', 0)`,
  `INSERT INTO meetings_leads (id, meeting_id, lead_id, accept_status, date_modified, deleted) VALUES
     ('${id('7', 1)}', '${meeting(1)}', '${lead(1)}', 'decline', ${DAY}1 08:00:00', 0)`,
];

/** A question to Twenty, and all that it answers: a list of rows of values. */
export type Expected = { readonly question: string; readonly answer: readonly (readonly unknown[])[] };

const texts = (text: string): unknown => [{ type: 'paragraph', content: [{ type: 'text', text, styles: {} }] }];
const inTable = (table: string, columns: string, kind: string): string =>
  `SELECT ${columns} FROM workspace_new."${table}" WHERE id::text LIKE 'd000000${kind}-%' ORDER BY id`;
/** What the notes for the rest say, by what they are about. */
const rest = (column: string, kind: string): string =>
  `SELECT t."${column}", n.title, n."bodyV2Markdown" FROM workspace_new.note n JOIN workspace_new."noteTarget" t ON t."noteId" = n.id
    WHERE t."${column}"::text LIKE 'd000000${kind}-%' AND n.title LIKE 'From SuiteCRM%' ORDER BY t."${column}", n.title`;
const about = (activity: 'note' | 'task', kind: string): string =>
  `SELECT "${activity}Id", "companyId", "opportunityId", "personId" FROM workspace_new."${activity}Target" WHERE "${activity}Id"::text LIKE 'd000000${kind}-%'
    ORDER BY 1, 2 NULLS LAST, 3 NULLS LAST, 4 NULLS LAST`;

const NONE = [null, null, null] as const;

export const EXPECTED_ROWS: Readonly<Record<string, Expected>> = {
  companies: {
    question: inTable(
      'company',
      `id, name, "domainNamePrimaryLinkUrl", "linkedinLinkPrimaryLinkUrl", employees, "annualRecurringRevenueAmountMicros", "annualRecurringRevenueCurrencyCode",
       "addressAddressStreet1", "addressAddressStreet2", "addressAddressCity", "addressAddressCountry", "accountOwnerId" IS NOT NULL, "createdAt"::text, "updatedAt"::text`,
      'a',
    ),
    answer: [
      [
        ...[account(1), 'Dirty & Sons', 'https://dirty-sons.example', null, 50, '1250000000000', 'USD'],
        ...['1 Long Road', 'Floor 2, Left', 'Springfield', 'USA', true, '2026-01-01 08:00:00+00', '2026-01-01 09:00:00+00'],
      ],
      [
        ...[account(2), 'Social Ltd', null, 'https://www.linkedin.com/company/social', 500, '2500500000', 'EUR'],
        ...[null, null, null, null, false, '2026-01-01 08:00:00+00', '2026-01-01 09:00:00+00'],
      ],
      [
        account(3),
        'Vague Inc',
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        false,
        '2026-01-01 08:00:00+00',
        '2026-01-01 09:00:00+00',
      ],
      [
        account(5),
        'Same Site',
        null,
        null,
        12,
        null,
        null,
        null,
        null,
        null,
        null,
        false,
        '2026-01-02 08:00:00+00',
        '2026-01-02 09:00:00+00',
      ],
    ],
  },
  'what companies have no columns for': {
    question: rest('companyId', 'a'),
    answer: [
      [
        account(1),
        'From SuiteCRM: Dirty & Sons',
        'Industry: Retail\nWebsite: http://WWW.Dirty-Sons.example/shop\nEmployees: 50-100\nAnnual revenue: 1,250,000\nOffice phone: +1 (212) 736-5000\n' +
          'E-mail: info@dirty-sons.example\nDescription: An "old" friend',
      ],
      [
        account(2),
        'From SuiteCRM: Social Ltd',
        'Website: https://www.linkedin.com/company/social\nEmployees: 500+\nAnnual revenue: € 2,500.5',
      ],
      [account(3), 'From SuiteCRM: Vague Inc', 'Website: n/a\nEmployees: many\nAnnual revenue: a lot'],
      [account(5), 'From SuiteCRM: Same Site', 'Website: https://dirty-sons.example\nEmployees: 12'],
    ],
  },
  contacts: {
    question: inTable(
      'person',
      `id, "nameFirstName", "nameLastName", "jobTitle", city, "companyId", "emailsPrimaryEmail", "emailsAdditionalEmails",
       "phonesPrimaryPhoneNumber", "phonesPrimaryPhoneCountryCode", "phonesPrimaryPhoneCallingCode", "phonesAdditionalPhones"`,
      'c',
    ),
    answer: [
      [
        ...[contact(1), 'René', "O'Neil", 'CTO', 'New York', account(1), 'rene@dirty-sons.example', ['rene.private@example.org']],
        ...['2127365000', 'US', '+1'],
        [
          { number: '30901820', countryCode: 'DE', callingCode: '+49' },
          { number: 'ask Ann', countryCode: null, callingCode: null },
        ],
      ],
      // The address is another's, and the only employer was deleted.
      [contact(2), null, 'Muster', '', '', null, null, [], '15123456789', 'DE', '+49', []],
    ],
  },
  leads: {
    question: inTable(
      'person',
      `id, "nameFirstName", "companyId", "emailsPrimaryEmail", "phonesPrimaryPhoneNumber", "phonesPrimaryPhoneCallingCode", "phonesAdditionalPhones"`,
      '1',
    ),
    answer: [
      [lead(1), 'Lea', account(1), 'lead@example.org', null, null, []],
      [lead(3), 'Left', null, null, null, null, []],
      [lead(4), 'By', null, null, '555', null, [{ number: '2127365000', countryCode: 'US', callingCode: '+1' }]],
    ],
  },
  'what people have no columns for': {
    question: rest('personId', 'c'),
    answer: [
      // Of the lead that this contact was once.
      [
        contact(1),
        'From SuiteCRM: Rene Oneil',
        'Status: Converted\nCompany: Dirty\nOpportunity: Old\nOpportunity amount: 1\nLead source: Fair',
      ],
      [
        contact(1),
        "From SuiteCRM: René O'Neil",
        'Salutation: Dr.\nDo not call: yes\nE-mail: Rene@Dirty-Sons.example, rene.private@example.org, no address\nOpted out of e-mail: rene.private@example.org\n' +
          'Address: 5 Main St, New York, United States\nDescription: Met at the fair',
      ],
      [contact(2), 'From SuiteCRM: Muster', 'E-mail: Rene@Dirty-Sons.example\nAddress: Germany'],
    ],
  },
  'what leads have no columns for': {
    question: rest('personId', '1'),
    answer: [
      [
        lead(1),
        'From SuiteCRM: Lea Der',
        'Status: New\nCompany: Dirty & Sons\nOpportunity: Big & new\nOpportunity amount: 12,500\nAssigned to: Sarah Smith\nLead source: Web Site\nE-mail: lead@example.org\nAddress: France',
      ],
      [lead(3), 'From SuiteCRM: Left Behind', 'Status: Converted'],
      [lead(4), 'From SuiteCRM: By Hand', 'Status: Converted\nCompany: 5D Investments\nOpportunity amount: 5'],
    ],
  },
  opportunities: {
    question: inTable(
      'opportunity',
      `id, name, stage::text, "amountAmountMicros", "amountCurrencyCode", "closeDate"::text, "companyId", "pointOfContactId"`,
      '0',
    ),
    answer: [
      [deal(1), 'In euros', 'CUSTOMER', '1234560000', 'EUR', '2026-03-31 00:00:00+00', account(1), contact(1)],
      [deal(2), 'Enormous', 'NEW', '1000000000000000000000', 'USD', ...NONE],
      [deal(3), 'Lost currency', 'SCREENING', '110500000', 'USD', ...NONE],
      [deal(5), 'No amount', 'NEW', null, null, ...NONE],
      [deal(6), 'A third', 'NEW', '300000', 'USD', ...NONE],
    ],
  },
  'opportunities of leads': {
    question: inTable(
      'opportunity',
      `id, name, stage::text, "amountAmountMicros", "amountCurrencyCode", "companyId", "pointOfContactId"`,
      '1',
    ),
    answer: [[lead(1), 'Big & new', 'NEW', '12500000000', 'USD', account(1), lead(1)]],
  },
  'what opportunities have no columns for': {
    question: rest('opportunityId', '0'),
    answer: [[deal(1), 'From SuiteCRM: In euros', 'Next step: Send <contract>\nProbability (%): 100']],
  },
  'rows that are held': {
    question: `SELECT target, source_key, state, reason FROM changeover.held WHERE source_key ~ '(^|:)d000000' ORDER BY 1, 2`,
    answer: [['workspace_new.opportunity', `opportunity:${deal(4)}`, 'held', 'unknown currency']],
  },
  notes: {
    question: inTable('note', `id, title, "bodyV2Markdown", "bodyV2Blocknote"::jsonb`, 'e'),
    answer: [
      [note(1), 'Call & ask', 'One\nTwo', texts('One\nTwo')],
      [note(2), '', null, null],
      [note(3), 'Offer', 'x', texts('x')],
      [note(4), 'Twice', 'x', texts('x')],
      [note(5), 'Alone', 'x', texts('x')],
    ],
  },
  'what notes are about': {
    question: about('note', 'e'),
    answer: [
      [note(1), null, null, lead(1)],
      [note(2), null, null, contact(1)],
      [note(3), null, deal(1), null],
      [note(3), null, null, contact(1)],
      [note(4), null, null, contact(1)],
    ],
  },
  tasks: {
    question: inTable('task', `id, title, status::text, "dueAt"::text, "assigneeId" IS NOT NULL`, 'f'),
    answer: [[task(1), 'Ring back', 'IN_PROGRESS', '2026-02-01 10:00:00+00', true]],
  },
  'what tasks are about': {
    question: about('task', 'f'),
    answer: [
      [task(1), null, null, contact(1)],
      [task(1), null, null, contact(2)],
    ],
  },
  events: {
    question: `SELECT id, title, description, location, "isCanceled", "startsAt"::text, "endsAt"::text FROM workspace_new."calendarEvent"
                WHERE id::text LIKE 'd0000002-%' OR id::text LIKE 'd0000003-%' ORDER BY id`,
    answer: [
      [
        call(1),
        'Call: Price',
        'Friendly\nAbout: In euros\nDirection: Inbound',
        '',
        false,
        '2026-01-05 10:00:00+00',
        '2026-01-05 10:15:00+00',
      ],
      [call(2), 'Call: Missed', "About: René O'Neil", '', true, '2026-01-06 10:00:00+00', null],
      [meeting(1), 'Lunch', '', 'Café', false, '2026-01-07 11:00:00+00', '2026-01-07 12:00:00+00'],
    ],
  },
  'who takes part in them': {
    question: `SELECT "calendarEventId", "personId", "displayName", "responseStatus"::text FROM workspace_new."calendarEventParticipant"
                WHERE "calendarEventId"::text LIKE 'd000000_-%' ORDER BY 1, 2, 3`,
    answer: [
      [call(1), lead(1), 'Lea Der', 'NEEDS_ACTION'],
      [call(1), contact(1), 'Rene Oneil', 'NEEDS_ACTION'],
      [call(1), contact(1), "René O'Neil", 'ACCEPTED'],
      [meeting(1), lead(1), 'Lea Der', 'DECLINED'],
      [meeting(1), contact(2), 'Muster', 'TENTATIVE'],
    ],
  },
};

/** What people do about these rows while they are followed. */
export const UNUSUAL_SAVES: readonly string[] = [
  // A lead becomes a contact, and one turns out to be none.
  `INSERT INTO contacts (id, date_entered, date_modified, deleted, first_name, last_name) VALUES ('${contact(9)}', ${on(5)}, 0, 'Lea', 'Der-New')`,
  `UPDATE leads SET converted = 1, contact_id = '${contact(9)}' WHERE id = '${lead(1)}'`,
  `UPDATE leads SET converted = 0 WHERE id = '${lead(2)}'`,
  // Another address is the primary one, so that the first is free for somebody else.
  `UPDATE email_addr_bean_rel SET primary_address = 1 WHERE id = 'd-eb-1'`,
  `UPDATE email_addr_bean_rel SET primary_address = 0 WHERE id = 'd-eb-4'`,
  `UPDATE contacts SET phone_work = '' WHERE id = '${contact(1)}'`,
  `UPDATE currencies SET iso4217 = 'CHF'`,
  `UPDATE accounts SET website = 'x.com/dirty', employees = '1 000' WHERE id = '${account(1)}'`,
  `UPDATE notes SET deleted = 1 WHERE id = '${note(3)}'`,
  // A user whose address a member of Twenty has.
  `INSERT INTO email_addr_bean_rel (id, email_address_id, bean_id, bean_module, primary_address, date_created, deleted)
   VALUES ('d-eb-member', 'd-ea-member', 'd-member', 'Users', 1, ${DAY}5 08:00:00', 0)`,
  `INSERT INTO users (id, user_name, last_name, date_entered, date_modified, deleted) VALUES ('d-member', 'member', 'Member', ${on(5)}, 0)`,
];

export const EXPECTED_LATER: Readonly<Record<string, Expected>> = {
  companies: {
    question: inTable('company', `id, "domainNamePrimaryLinkUrl", "xLinkPrimaryLinkUrl", employees`, 'a'),
    answer: [
      [account(1), null, 'https://x.com/dirty', 1000],
      [account(2), null, null, 500],
      [account(3), null, null, null],
      [account(5), 'https://dirty-sons.example', null, 12],
    ],
  },
  contacts: {
    question: inTable(
      'person',
      `id, "nameLastName", "emailsPrimaryEmail", "emailsAdditionalEmails", "phonesPrimaryPhoneNumber", "phonesPrimaryPhoneCountryCode", "phonesAdditionalPhones"`,
      'c',
    ),
    answer: [
      [
        ...[contact(1), "O'Neil", 'rene.private@example.org', ['rene@dirty-sons.example'], '30901820', 'DE'],
        [{ number: 'ask Ann', countryCode: null, callingCode: null }],
      ],
      [contact(2), 'Muster', 'rene@dirty-sons.example', [], '15123456789', 'DE', []],
      [contact(9), 'Der-New', null, [], null, null, []],
    ],
  },
  leads: {
    question: inTable('person', `id, "nameLastName"`, '1'),
    answer: [
      [lead(2), 'Oneil'],
      [lead(3), 'Behind'],
      [lead(4), 'Hand'],
    ],
  },
  'what leads have no columns for': {
    question: `SELECT n.title, t."personId" FROM workspace_new.note n JOIN workspace_new."noteTarget" t ON t."noteId" = n.id
                WHERE n.title IN ('From SuiteCRM: Lea Der', 'From SuiteCRM: Rene Oneil') ORDER BY 1`,
    answer: [
      ['From SuiteCRM: Lea Der', contact(9)],
      ['From SuiteCRM: Rene Oneil', lead(2)],
    ],
  },
  opportunities: {
    question: `SELECT id, "amountAmountMicros", "amountCurrencyCode", "pointOfContactId" FROM workspace_new.opportunity
                WHERE id::text LIKE 'd0000000-%' AND "amountCurrencyCode" <> 'USD' OR id::text LIKE 'd0000001-%' ORDER BY id`,
    answer: [
      [deal(1), '1234560000', 'CHF', contact(1)],
      [deal(4), '1000000', 'CHF', null],
      [lead(2), '1000000', 'USD', lead(2)],
    ],
  },
  'what notes are about': {
    question: about('note', 'e'),
    answer: [
      [note(1), null, null, contact(9)],
      [note(2), null, null, lead(2)],
      [note(2), null, null, contact(1)],
      [note(4), null, null, contact(1)],
    ],
  },
  'who takes part in events': {
    question: `SELECT "calendarEventId", "personId", "displayName" FROM workspace_new."calendarEventParticipant"
                WHERE "calendarEventId"::text LIKE 'd000000_-%' ORDER BY 1, 2`,
    answer: [
      [call(1), lead(2), 'Rene Oneil'],
      [call(1), contact(1), "René O'Neil"],
      [call(1), contact(9), 'Lea Der'],
      [meeting(1), contact(2), 'Muster'],
      [meeting(1), contact(9), 'Lea Der'],
    ],
  },
};
