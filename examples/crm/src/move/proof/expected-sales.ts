/** What the old CRM says of deals and their people, activities and notes. */
export const EXPECTED_SALES: readonly string[] = [
  `CREATE TEMP TABLE read_deal AS
   WITH read AS MATERIALIZED (
     SELECT o.id, o.account_id, u.id AS owner_id, judge.words(o.name) AS title,
       CASE judge.word(o.sales_stage) WHEN 'PROSPECTING' THEN 'prospecting' WHEN 'PROPOSAL' THEN 'proposal' WHEN 'PROPOSAL/PRICE QUOTE' THEN 'proposal'
         WHEN 'NEGOTIATION' THEN 'negotiation' WHEN 'CLOSED WON' THEN 'won' WHEN 'CLOSED LOST' THEN 'lost' ELSE CASE WHEN o.sales_stage IS NOT NULL THEN '!' END END AS stage,
       o.amount, judge.day(o.date_closed) AS closes_on, o.date_entered AT TIME ZONE 'Europe/Berlin' AS created_at
     FROM opportunities o LEFT JOIN users u ON u.id = o.assigned_user_id
     WHERE o.deleted = 0
   )
   SELECT *, array_remove(ARRAY[
     judge.problem(closes_on = '!', 'not a date', 'closes_on'), judge.problem(stage = '!', 'unknown value', 'stage'),
     judge.problem(account_id IS NULL, 'empty', 'account_id'), judge.problem(title IS NULL, 'empty', 'title'),
     judge.problem(stage IS NULL, 'empty', 'stage'), judge.problem(amount IS NULL, 'empty', 'amount')
   ], NULL) AS problems, account_id NOT IN (SELECT id FROM expected_account) AS no_account FROM read`,

  `CREATE TEMP TABLE expected_deal AS
   SELECT id, account_id, owner_id, title, stage, amount, closes_on, created_at FROM read_deal WHERE problems = '{}' AND NOT no_account`,

  `INSERT INTO expected_held SELECT 'crm.deal', id, 'public.opportunities', CASE WHEN problems = '{}' THEN 'waiting' ELSE 'held' END, false,
     CASE WHEN problems <> '{}' THEN problems ELSE ARRAY[judge.problem(true, 'waits for', 'crm.account')] END
   FROM read_deal WHERE problems <> '{}' OR no_account`,

  `INSERT INTO expected_held SELECT 'crm.deal', id, 'public.opportunities', 'noted', false,
     ARRAY[judge.note('out of range', 'amount', 'a deal that is worth its while', 'warn')] FROM expected_deal WHERE amount < 50000`,

  `CREATE TEMP TABLE read_deal_contact AS
   SELECT opportunity_id AS deal_id, contact_id,
     CASE judge.word(contact_role) WHEN 'DECISION MAKER' THEN 'decision_maker' WHEN 'BUYER' THEN 'buyer' WHEN 'USER' THEN 'user' END AS role,
     opportunity_id NOT IN (SELECT id FROM expected_deal) AS no_deal, contact_id NOT IN (SELECT id FROM expected_contact) AS no_contact
   FROM opportunities_contacts WHERE deleted = 0`,

  `CREATE TEMP TABLE expected_deal_contact AS
   SELECT deal_id, contact_id, role FROM read_deal_contact WHERE NOT no_deal AND NOT no_contact`,

  `INSERT INTO expected_held SELECT 'crm.deal_contact', deal_id || E'\\t' || contact_id, 'public.opportunities_contacts', 'waiting', false,
     array_remove(ARRAY[judge.problem(no_deal, 'waits for', 'crm.deal'), judge.problem(no_contact, 'waits for', 'crm.contact')], NULL)
   FROM read_deal_contact WHERE no_deal OR no_contact`,

  `CREATE TEMP TABLE read_activity AS
   WITH read AS MATERIALIZED (
     SELECT a.id, a.contact_id, o.id AS deal_id, u.id AS owner_id,
       CASE judge.word(a.activity_type) WHEN 'CALL' THEN 'call' WHEN 'MEETING' THEN 'meeting' WHEN 'TASK' THEN 'task' WHEN 'EMAIL' THEN 'mail' WHEN 'E-MAIL' THEN 'mail'
         ELSE CASE WHEN a.activity_type IS NOT NULL THEN '!' END END AS kind,
       judge.words(a.subject) AS subject, judge.moment(a.date_due) AS due_at, judge.flag(a.finished) AS finished
     FROM activities a LEFT JOIN opportunities o ON o.id = a.opportunity_id AND o.deleted = 0 LEFT JOIN users u ON u.id = a.assigned_user_id
     WHERE a.deleted = 0
   )
   SELECT *, array_remove(ARRAY[
     judge.problem(due_at = '!', 'not a timestamp', 'due_at'), judge.problem(finished = '!', 'not a boolean', 'finished'), judge.problem(kind = '!', 'unknown value', 'kind'),
     judge.problem(contact_id IS NULL, 'empty', 'contact_id'), judge.problem(kind IS NULL, 'empty', 'kind')
   ], NULL) AS problems,
     contact_id NOT IN (SELECT id FROM expected_contact) AS no_contact, deal_id IS NOT NULL AND deal_id NOT IN (SELECT id FROM expected_deal) AS no_deal FROM read`,

  `CREATE TEMP TABLE expected_activity AS
   SELECT id, contact_id, deal_id, owner_id, kind, subject, due_at, coalesce(finished, 'f')::boolean AS finished
   FROM read_activity WHERE problems = '{}' AND NOT no_contact AND NOT no_deal`,

  `INSERT INTO expected_held SELECT 'crm.activity', id::text, 'public.activities', CASE WHEN problems = '{}' THEN 'waiting' ELSE 'held' END, false,
     CASE WHEN problems <> '{}' THEN problems
       ELSE array_remove(ARRAY[judge.problem(no_contact, 'waits for', 'crm.contact'), judge.problem(no_deal, 'waits for', 'crm.deal')], NULL) END
   FROM read_activity WHERE problems <> '{}' OR no_contact OR no_deal`,

  `CREATE TEMP TABLE read_note AS
   WITH read AS MATERIALIZED (
     SELECT n.id, CASE judge.word(n.parent_type) WHEN 'ACCOUNTS' THEN 'account' WHEN 'CONTACTS' THEN 'contact' ELSE CASE WHEN n.parent_type IS NOT NULL THEN '!' END END AS subject,
       a.id AS account_id, c.id AS contact_id, coalesce(a.id::text, c.id) AS regarding, u.id AS author_id, judge.words(n.body) AS body, judge.flag(n.pinned) AS pinned
     FROM notes n LEFT JOIN accounts a ON a.id::text = n.parent_id LEFT JOIN contacts c ON c.id = n.parent_id LEFT JOIN users u ON u.id = n.created_by
     WHERE n.deleted = 0
   )
   SELECT *, array_remove(ARRAY[
     judge.problem(pinned = '!', 'not a boolean', 'pinned'), judge.problem(subject = '!', 'unknown value', 'subject'),
     judge.problem(subject IS NULL, 'empty', 'subject'), judge.problem(regarding IS NULL, 'empty', 'regarding'), judge.problem(body IS NULL, 'empty', 'body')
   ], NULL) AS problems,
     account_id IS NOT NULL AND account_id NOT IN (SELECT id FROM expected_account) AS no_account,
     contact_id IS NOT NULL AND contact_id NOT IN (SELECT id FROM expected_contact) AS no_contact FROM read`,

  `CREATE TEMP TABLE expected_note AS
   SELECT id, subject, account_id, contact_id, regarding, author_id, left(body, 600) AS body, coalesce(pinned, 'f')::boolean AS pinned
   FROM read_note WHERE problems = '{}' AND NOT no_account AND NOT no_contact`,

  `INSERT INTO expected_held SELECT 'crm.note', id::text, 'public.notes', CASE WHEN problems = '{}' THEN 'waiting' ELSE 'held' END, false,
     CASE WHEN problems <> '{}' THEN problems
       ELSE array_remove(ARRAY[judge.problem(no_account, 'waits for', 'crm.account'), judge.problem(no_contact, 'waits for', 'crm.contact')], NULL) END
   FROM read_note WHERE problems <> '{}' OR no_account OR no_contact`,

  `INSERT INTO expected_held SELECT 'crm.note', id::text, 'public.notes', 'noted', false,
     ARRAY[judge.note('cut', 'body', 'length of body', 'fix')] FROM read_note WHERE id IN (SELECT id FROM expected_note) AND char_length(body) > 600`,
];
