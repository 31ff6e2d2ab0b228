/** What the old CRM says of contacts and leads. */
export const EXPECTED_PEOPLE: readonly string[] = [
  // The latest link that is left, and the address that is said to be the first: if that one was thrown away, none.
  `CREATE TEMP TABLE read_contact AS
   WITH link AS (
     SELECT DISTINCT ON (contact_id) contact_id, account_id FROM accounts_contacts WHERE deleted = 0
     ORDER BY contact_id, date_modified DESC, id COLLATE "C"
   ), mail AS (
     SELECT DISTINCT ON (bean_id) bean_id, email_address_id FROM email_addr_bean_rel WHERE deleted = 0 AND bean_module = 'Contacts'
     ORDER BY bean_id, primary_address DESC, date_created, id COLLATE "C"
   ), read AS MATERIALIZED (
     SELECT c.id, c.date_entered, link.account_id, judge.words(c.first_name) AS first_name, judge.words(c.last_name) AS last_name, judge.words(c.title) AS title,
       judge.email(address.email_address) AS email, nullif(judge.phone(c.phone_work), '!') AS phone, judge.phone(c.phone_mobile) AS mobile,
       judge.country(c.primary_address_country) AS country, nullif(judge.day(c.birthdate), '!')::date AS born_on,
       CASE judge.word(c.lead_source) WHEN 'WEB' THEN 'web' WHEN 'TRADE FAIR' THEN 'fair' WHEN 'REFERRAL' THEN 'referral' WHEN 'COLD CALL' THEN 'cold_call' END AS source,
       judge.flag(c.do_not_call) AS no_call, c.date_entered AT TIME ZONE 'Europe/Berlin' AS created_at
     FROM contacts c
       LEFT JOIN link ON link.contact_id = c.id
       LEFT JOIN mail ON mail.bean_id = c.id
       LEFT JOIN email_addresses address ON address.id = mail.email_address_id AND address.deleted = 0
     WHERE c.deleted = 0
   )
   SELECT *, array_remove(ARRAY[
     judge.problem(country = '!', 'unknown country', 'country'), judge.problem(email = '!', 'not an e-mail address', 'email'),
     judge.problem(no_call = '!', 'not a boolean', 'may_call'), judge.problem(mobile = '!', 'not a phone number', 'mobile'),
     judge.problem(account_id IS NULL, 'empty', 'account_id'), judge.problem(last_name IS NULL, 'empty', 'last_name')
   ], NULL) AS problems FROM read`,

  // The oldest that can be read has the address, also if it waits; the others go without.
  `CREATE TEMP TABLE ranked_contact AS
   SELECT *, row_number() OVER (PARTITION BY problems = '{}', email ORDER BY date_entered, id COLLATE "C") AS place,
     account_id NOT IN (SELECT id FROM expected_account) AS no_account
   FROM read_contact`,

  `CREATE TEMP TABLE expected_contact AS
   SELECT id, account_id, first_name, last_name, title, CASE WHEN place = 1 THEN email END AS email, phone, mobile, country, born_on, source,
     coalesce(no_call = 'f', true) AS may_call, created_at
   FROM ranked_contact WHERE problems = '{}' AND NOT no_account`,

  `INSERT INTO expected_held SELECT 'crm.contact', id, 'public.contacts', CASE WHEN problems = '{}' THEN 'waiting' ELSE 'held' END, false,
     CASE WHEN problems <> '{}' THEN problems ELSE ARRAY[judge.problem(true, 'waits for', 'crm.account')] END
   FROM ranked_contact WHERE problems <> '{}' OR no_account`,

  `CREATE TEMP TABLE read_lead AS
   WITH read AS MATERIALIZED (
     SELECT r.* FROM leads l CROSS JOIN LATERAL judge.read_lead(l) AS r WHERE l.deleted = 0 AND l.converted IS DISTINCT FROM 'Y'
   )
   SELECT *, array_remove(ARRAY[
     judge.problem(phone = '!', 'not a phone number', 'phone'), judge.problem(status = '!', 'unknown value', 'status'),
     judge.problem(owner_id IS NULL, 'empty', 'owner_id'), judge.problem(name IS NULL, 'empty', 'name'), judge.problem(status IS NULL, 'empty', 'status')
   ], NULL) AS problems, owner_id NOT IN (SELECT id FROM expected_app_user) AS no_owner FROM read`,

  `CREATE TEMP TABLE expected_lead AS
   SELECT id, owner_id, name, company, email, phone, country, status, created_at FROM read_lead WHERE problems = '{}' AND NOT no_owner
   UNION ALL SELECT k.* FROM judge.kept_leads k`,

  `INSERT INTO expected_held SELECT 'crm.lead', id, 'public.leads', CASE WHEN problems = '{}' THEN 'waiting' ELSE 'held' END,
     id IN (SELECT id FROM judge.kept_leads), CASE WHEN problems <> '{}' THEN problems ELSE ARRAY[judge.problem(true, 'waits for', 'crm.app_user')] END
   FROM read_lead WHERE problems <> '{}' OR no_owner`,
];
