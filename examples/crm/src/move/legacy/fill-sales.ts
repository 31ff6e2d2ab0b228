import type { Size } from './fill.js';
import { owner } from './fill-people.js';

/** Leads, opportunities with their people, activities and notes. */
export function fillSales({ users, accounts, contacts, leads, opportunities, activities, notes }: Size): readonly string[] {
  const contact = (salt: string): string =>
    `CASE WHEN pg_temp.dice('${salt} missing', n, 300) = 0 THEN pg_temp.uuid('nobody', n)
       ELSE pg_temp.uuid('contact', 1 + pg_temp.dice('${salt}', n, ${String(contacts)})) END`;
  return [
    `INSERT INTO leads
     SELECT pg_temp.uuid('lead', n), ${owner('lead', users)}, pg_temp.first_name(n + 7), pg_temp.last_name(n + 7, 3), pg_temp.company('lead company', n, 50),
       CASE WHEN pg_temp.dice('lead mail', n, 3) > 0 THEN pg_temp.address(n, n, 10) END, pg_temp.phone('lead phone', n, 6), pg_temp.country('lead country', n, 10),
       CASE WHEN pg_temp.dice('lead status bad', n, 1000) < 5 THEN 'UNHEARD OF' ELSE pg_temp.pick('lead status', n, '{NEW,NEW,ASSIGNED,IN PROCESS,"In  Process",QUALIFIED,DEAD}') END,
       pg_temp.pick('converted', n, '{N,N,N,N,N,Y,0,"",NULL}'), pg_temp.deleted('lead', n, 4), pg_temp.entered('lead', n)
     FROM generate_series(1, ${String(leads)}) AS n`,

    `INSERT INTO opportunities
     SELECT pg_temp.uuid('opportunity', n),
       CASE WHEN pg_temp.dice('opportunity account missing', n, 300) = 0 THEN ${String(accounts)} + n ELSE 1 + pg_temp.dice('opportunity account', n, ${String(accounts)}) END,
       ${owner('opportunity', users)}, pg_temp.company('deal', n, 2),
       CASE WHEN pg_temp.dice('stage bad', n, 1000) < 4 THEN 'ON HOLD' ELSE
         pg_temp.pick('stage', n, '{PROSPECTING,PROPOSAL,PROPOSAL/PRICE QUOTE,NEGOTIATION,CLOSED WON,"Closed  Won",CLOSED LOST}') END,
       CASE WHEN pg_temp.dice('amount none', n, 300) > 0 THEN pg_temp.dice('amount', n, 100000000) / 100.0 END,
       pg_temp.day('closed', n, 4), pg_temp.deleted('opportunity', n, 5), pg_temp.entered('opportunity', n)
     FROM generate_series(1, ${String(opportunities)}) AS n`,

    `INSERT INTO opportunities_contacts
     SELECT pg_temp.uuid('opportunity', 1 + n % ${String(Math.ceil(opportunities * 1.005))}), ${contact('role of')},
       pg_temp.pick('role', n, '{DECISION MAKER,Buyer,BUYER,USER,"",NULL,OTHER}'), pg_temp.deleted('role', n, 5)
     FROM generate_series(1, ${String(Math.ceil(opportunities * 1.5))}) AS n
     ON CONFLICT DO NOTHING`,

    `INSERT INTO activities
     SELECT n, CASE WHEN pg_temp.dice('activity bad', n, 1000) < 3 THEN 'FAX' ELSE pg_temp.pick('activity', n, '{CALL,CALL,MEETING,TASK,EMAIL,E-MAIL}') END,
       CASE WHEN pg_temp.dice('activity alone', n, 500) > 0 THEN ${contact('activity of')} END,
       CASE WHEN pg_temp.dice('activity deal', n, 3) = 0 THEN pg_temp.uuid('opportunity', 1 + pg_temp.dice('activity about', n, ${String(Math.ceil(opportunities * 1.005))})) END,
       ${owner('activity', users)}, pg_temp.pick('subject', n, '{Follow up,"Q3 &amp; Q4","Re: offer &lt;draft&gt;",""," call back ",NULL,"&quot;demo&quot;"}'),
       pg_temp.moment('due', n, 4), pg_temp.flag('finished', n, 3), pg_temp.deleted('activity', n, 3)
     FROM generate_series(1, ${String(activities)}) AS n`,

    `INSERT INTO notes
     SELECT n, CASE WHEN pg_temp.dice('note about bad', n, 300) = 0 THEN 'Leads' WHEN n % 2 = 0 THEN 'Accounts' ELSE 'Contacts' END,
       CASE WHEN n % 2 = 0 THEN CASE WHEN pg_temp.dice('note missing', n, 200) = 0 THEN ${String(accounts)} + n ELSE 1 + pg_temp.dice('note account', n, ${String(accounts)}) END::text
         ELSE ${contact('note of')} END,
       ${owner('note', users)},
       CASE WHEN pg_temp.dice('note blank', n, 400) = 0 THEN '' ELSE pg_temp.pick('note', n, '{"Called, will call back.","Wants 5 % &amp; free shipping","&lt;b&gt;urgent&lt;/b&gt;",très urgent}')
         || repeat(md5(n::text) || E'\\n', pg_temp.dice('note length', n, 30)) END,
       pg_temp.flag('pinned', n, 3), pg_temp.deleted('note', n, 3)
     FROM generate_series(1, ${String(notes)}) AS n`,
  ];
}
