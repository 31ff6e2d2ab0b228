import type { Size } from './fill.js';

/** Users and accounts. The first accounts make a ring of parents, and one is its own. */
export function fillCompanies({ users, accounts }: Size): readonly string[] {
  return [
    `INSERT INTO users
     SELECT n, 'user' || n, pg_temp.first_name(n), pg_temp.last_name(n, 0),
       pg_temp.pick('user status', n, '{ACTIVE,ACTIVE,ACTIVE,Active,INACTIVE}'), pg_temp.pick('user admin', n, '{N,N,N,N,N,N,Y,""}'),
       pg_temp.deleted('user', n, 5), pg_temp.entered('user', n)
     FROM generate_series(1, ${String(users)}) AS n`,

    `INSERT INTO accounts
     SELECT n, pg_temp.company('company', n, 2),
       CASE WHEN pg_temp.dice('account type bad', n, 1000) < 4 THEN 'RESELLER?' ELSE
         pg_temp.pick('account type', n, '{CUSTOMER,CUSTOMER,CUSTOMER,PARTNER,PROSPECT,"PROSPECT ",Competitor}') END,
       CASE WHEN pg_temp.dice('customer no none', n, 3) = 0 THEN pg_temp.pick('customer no', n, ARRAY['', NULL])
         ELSE pg_temp.pick('customer no space', n, '{"","",""," "}') || 'C-' || lpad((CASE WHEN pg_temp.dice('customer no shared', n, 150) = 0
           THEN 1 + pg_temp.dice('customer no of', n, n::integer) ELSE n END)::text, 6, '0') END,
       CASE WHEN n <= 5 THEN n % 5 + 1 WHEN n = 6 THEN 6
         WHEN pg_temp.dice('parent missing', n, 400) = 0 THEN ${String(accounts)} + n
         WHEN pg_temp.dice('parent ring', n, 300) = 0 THEN 1 + pg_temp.dice('parent', n, 6)
         WHEN pg_temp.dice('parent any', n, 10) < 3 THEN 7 + pg_temp.dice('parent', n, ${String(Math.ceil(accounts / 10))}) END,
       ${owner('account', users)},
       pg_temp.phone('account phone', n, 20), pg_temp.country('account country', n, 4), pg_temp.flag('account call', n, 10), pg_temp.day('member', n, 10),
       pg_temp.deleted('account', n, 2), pg_temp.entered('account', n)
     FROM generate_series(1, ${String(accounts)}) AS n`,
  ];
}

/** Contacts, their links to accounts, and their addresses. */
export function fillPeople({ accounts, contacts }: Size): readonly string[] {
  return [
    `INSERT INTO contacts
     SELECT pg_temp.uuid('contact', n), pg_temp.first_name(n), pg_temp.last_name(n, 3),
       pg_temp.pick('title', n, '{CEO,"Head of R&amp;D",Buyer," Engineer","",NULL,Assistant}'),
       pg_temp.phone('work', n, 20), pg_temp.phone('mobile', n, 5), pg_temp.country('contact country', n, 5), pg_temp.day('birthday', n, 10),
       CASE WHEN pg_temp.dice('source bad', n, 100) = 0 THEN 'OTHER' ELSE pg_temp.pick('source', n, '{WEB,"TRADE FAIR","Trade Fair",REFERRAL,COLD CALL,"",NULL}') END,
       pg_temp.flag('contact call', n, 3), pg_temp.deleted('contact', n, 4), pg_temp.entered('contact', n)
     FROM generate_series(1, ${String(contacts)}) AS n`,

    // Links of people who changed company stay, deleted; some stayed by mistake, and the last one counts.
    `INSERT INTO accounts_contacts
     SELECT pg_temp.uuid('link', n),
       CASE WHEN pg_temp.dice('link missing', n, 400) = 0 THEN ${String(accounts)} + n ELSE 1 + pg_temp.dice('link', n, ${String(accounts)}) END,
       pg_temp.uuid('contact', CASE WHEN n > ${String(contacts)} THEN 1 + pg_temp.dice('link twice', n, ${String(contacts)}) ELSE n END),
       pg_temp.entered('link', n),
       CASE WHEN n > ${String(contacts)} THEN pg_temp.deleted('link', n, 60) WHEN pg_temp.dice('link deleted', n, 200) = 0 THEN 1 ELSE 0 END
     FROM generate_series(1, ${String(Math.ceil(contacts * 1.05))}) AS n`,

    `INSERT INTO email_addresses
     SELECT pg_temp.uuid('address', n), pg_temp.address(n, number, 4), pg_temp.entered('address', n), pg_temp.deleted('address', n, 1)
     FROM (SELECT n, pg_temp.address_number(n) AS number FROM generate_series(1, ${String(Math.ceil(contacts * 0.96))}) AS n OFFSET 0) AS numbered`,

    // Most have one; some two, of which one, both or none is said to be the first; some share one; and addresses belong to leads as well.
    `INSERT INTO email_addr_bean_rel
     SELECT pg_temp.uuid('address link', n),
       pg_temp.uuid('address', CASE WHEN pg_temp.dice('address link shared', n, 60) = 0 THEN 1 + pg_temp.dice('address link', n, ${String(Math.ceil(contacts * 0.96))})
         ELSE 1 + n % ${String(Math.ceil(contacts * 0.96))} END),
       pg_temp.uuid('contact', CASE WHEN n > ${String(contacts)} THEN 1 + pg_temp.dice('address of', n, ${String(contacts)}) ELSE n END),
       CASE WHEN pg_temp.dice('bean', n, 20) = 0 THEN 'Leads' ELSE 'Contacts' END,
       CASE WHEN n > ${String(contacts)} THEN pg_temp.dice('primary', n, 3) / 2 ELSE 1 END, pg_temp.entered('address link', n), pg_temp.deleted('address link', n, 3)
     FROM generate_series(1, ${String(Math.ceil(contacts * 1.08))}) AS n`,
  ];
}

/** A user's number; now and then of one who was purged. */
export function owner(salt: string, users: number): string {
  return `CASE WHEN pg_temp.dice('${salt} owner missing', n, 300) = 0 THEN ${String(users)} + 1 + n % 7 ELSE 1 + pg_temp.dice('${salt} owner', n, ${String(users)}) END`;
}
