/** What the old CRM says of users and accounts. */
export const EXPECTED_COMPANIES: readonly string[] = [
  `CREATE TEMP TABLE expected_app_user AS
   SELECT id, user_name AS login, judge.words(concat_ws(' ', judge.words(first_name), judge.words(last_name))) AS name, judge.word(status) = 'ACTIVE' AS active,
     coalesce(nullif(judge.flag(is_admin), '!'), 'f')::boolean AS admin
   FROM users`,

  `CREATE TEMP TABLE read_account AS
   WITH read AS MATERIALIZED (
     SELECT a.id, a.date_entered, a.assigned_user_id AS owner_id, above.id AS parent_id, judge.words(a.name) AS name,
       CASE judge.word(a.account_type) WHEN 'CUSTOMER' THEN 'customer' WHEN 'PARTNER' THEN 'partner' WHEN 'PROSPECT' THEN 'prospect'
         WHEN 'COMPETITOR' THEN 'competitor' ELSE CASE WHEN a.account_type IS NOT NULL THEN '!' END END AS kind,
       nullif(judge.bare(a.customer_no), '') AS customer_number, nullif(judge.phone(a.phone_office), '!') AS phone, judge.country(a.billing_country) AS country,
       CASE judge.flag(a.do_not_call) WHEN 't' THEN false ELSE true END AS may_call, nullif(judge.day(a.member_since), '!')::date AS member_since,
       a.date_entered AT TIME ZONE 'Europe/Berlin' AS created_at
     FROM accounts a LEFT JOIN accounts above ON above.id = a.parent_id AND above.deleted = 0
     WHERE a.deleted = 0
   )
   SELECT *, array_remove(ARRAY[
     judge.problem(country = '!', 'unknown country', 'country'), judge.problem(kind = '!', 'unknown value', 'kind'),
     judge.problem(owner_id IS NULL, 'empty', 'owner_id'), judge.problem(name IS NULL, 'empty', 'name'), judge.problem(kind IS NULL, 'empty', 'kind')
   ], NULL) AS problems FROM read`,

  // Of those that can be read and want one number, the oldest has it, then the one whose number comes first as text. Nobody else may stand.
  `CREATE TEMP TABLE ranked_account AS
   SELECT *, CASE WHEN problems = '{}' AND customer_number IS NOT NULL THEN
       row_number() OVER (PARTITION BY problems = '{}', customer_number ORDER BY date_entered, id) ELSE 1 END AS place,
     NOT EXISTS (SELECT FROM users WHERE users.id = owner_id) AS no_owner
   FROM read_account`,

  // Who stands under one who does not, does not either; those in a ring stand together.
  `CREATE TEMP TABLE absent_account AS
   WITH RECURSIVE absent AS (
     SELECT id FROM ranked_account WHERE problems <> '{}' OR place > 1 OR no_owner
     UNION SELECT below.id FROM absent JOIN ranked_account below ON below.parent_id = absent.id
   ) SELECT id FROM absent`,

  `CREATE TEMP TABLE expected_account AS
   SELECT id, owner_id, parent_id, name, kind, customer_number, phone, country, may_call, member_since, created_at
   FROM ranked_account WHERE id NOT IN (SELECT id FROM absent_account)`,

  `INSERT INTO expected_held SELECT 'crm.account', id::text, 'public.accounts', CASE WHEN problems = '{}' AND place = 1 THEN 'waiting' ELSE 'held' END, false,
     CASE WHEN problems <> '{}' THEN problems WHEN place > 1 THEN ARRAY[judge.problem(true, 'not unique', 'customer_number')]
       ELSE array_remove(ARRAY[judge.problem(no_owner, 'waits for', 'crm.app_user'),
         judge.problem(parent_id IN (SELECT id FROM absent_account), 'waits for', 'crm.account')], NULL) END
   FROM ranked_account WHERE id IN (SELECT id FROM absent_account)`,
];
