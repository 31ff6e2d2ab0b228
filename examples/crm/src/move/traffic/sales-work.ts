import type { Session } from './known-crm.js';
import { words } from './words.js';

/** One in eight is unreadable from the beginning: there is nothing good of it to keep. */
export async function addLead(session: Session): Promise<void> {
  const { random, known } = session;
  const id = random.uuid();
  const isUnreadable = random.oneIn(8);
  await session.transaction(async (transaction) => {
    await transaction.run(
      `INSERT INTO leads (id, assigned_user_id, first_name, last_name, account_name, email, phone, country, status, converted, date_entered)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'NEW', 'N', localtimestamp(0))`,
      id,
      random.oneIn(20) ? 999_999 : known.users.pick(random),
      words.first(random),
      words.last(random),
      words.company(random),
      random.oneIn(5) ? words.unreadableAddress(random) : words.address(random),
      isUnreadable ? words.unreadablePhone(random) : words.phone(random),
      words.country(random),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      known.rows.leads.add(id);
      if (isUnreadable) known.unreadable.leads.add(id);
    });
  });
}

/** Also of one that is unreadable: what the new CRM keeps of it does not change. */
export async function updateLead(session: Session): Promise<void> {
  const { random, known } = session;
  const lead = (random.oneIn(4) ? known.unreadable.leads.pick(random) : undefined) ?? known.rows.leads.pick(random);
  if (lead === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE leads SET account_name = $2, email = $3, country = $4, assigned_user_id = $5 WHERE id = $1',
      lead,
      words.company(random),
      words.address(random),
      random.oneIn(8) ? words.unreadableCountry(random) : words.country(random),
      random.oneIn(20) ? 999_999 : known.users.pick(random),
    );
    transaction.kinds.add('update');
  });
}

export async function convertLead(session: Session): Promise<void> {
  const { random, known } = session;
  const lead = known.rows.leads.pick(random);
  if (lead === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must("UPDATE leads SET converted = CASE WHEN converted = 'Y' THEN 'N' ELSE 'Y' END WHERE id = $1", lead);
    transaction.kinds.add('lead converted');
  });
}

export async function deleteLead(session: Session): Promise<void> {
  const { random, known } = session;
  const lead = known.rows.leads.pick(random);
  if (lead === undefined) return;
  known.rows.leads.remove(lead);
  await session.transaction(async (transaction) => {
    await transaction.must('DELETE FROM leads WHERE id = $1', lead);
    transaction.kinds.add('delete');
  });
}

/** A deal with its people and a first call, in one transaction. */
export async function addDeal(session: Session): Promise<void> {
  const { random, known } = session;
  const [account, pair] = [known.rows.accounts.pick(random), known.rows.contacts.pickTwo(random)];
  if (account === undefined || pair === undefined) return;
  const [deal, call] = [random.uuid(), known.nextNumber()];
  await session.transaction(async (transaction) => {
    await transaction.run(
      `INSERT INTO opportunities (id, account_id, assigned_user_id, name, sales_stage, amount, date_closed, date_entered)
       VALUES ($1, $2, $3, $4, 'Prospecting', $5, $6, localtimestamp(0))`,
      deal,
      account,
      known.users.pick(random),
      words.company(random),
      random.integer(100, 1e6),
      words.day(random),
    );
    for (const contact of pair)
      await transaction.run('INSERT INTO opportunities_contacts VALUES ($1, $2, $3)', deal, contact, random.pick(['BUYER', 'User', '']));
    await transaction.run(
      `INSERT INTO activities (id, activity_type, contact_id, opportunity_id, assigned_user_id, subject, date_due, finished)
       VALUES ($1, 'CALL', $2, $3, $4, $5, $6, 'N')`,
      call,
      pair[0],
      deal,
      known.users.pick(random),
      words.subject(random),
      words.moment(random),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      known.rows.opportunities.add(deal);
      known.rows.activities.add(call);
      for (const contact of pair) known.links.add(`${deal}/${String(contact)}`);
    });
  });
}

export async function updateDeal(session: Session): Promise<void> {
  const { random, known } = session;
  const deal = known.rows.opportunities.pick(random);
  if (deal === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE opportunities SET sales_stage = $2, amount = $3, assigned_user_id = $4 WHERE id = $1',
      deal,
      random.pick(['PROPOSAL', 'Closed  Won', 'CLOSED LOST', 'negotiation']),
      random.integer(100, 1e6),
      random.oneIn(10) ? 999_999 : known.users.pick(random),
    );
    transaction.kinds.add('update');
  });
}

export async function moveLink(session: Session): Promise<void> {
  const { random, known } = session;
  const [link, contact] = [known.links.pick(random), known.rows.contacts.pick(random)];
  if (link === undefined || contact === undefined) return;
  const [deal, before] = link.split('/');
  known.links.remove(link);
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE opportunities_contacts SET contact_id = $3, contact_role = $4 WHERE opportunity_id = $1 AND contact_id = $2',
      deal,
      before,
      contact,
      random.pick(['USER', 'decision  maker', 'OTHER', null]),
    );
    transaction.kinds.add('link moved');
    transaction.afterCommit(() => known.links.add(`${String(deal)}/${String(contact)}`));
  });
}

export async function finishActivity(session: Session): Promise<void> {
  const { random, known } = session;
  const activity = known.rows.activities.pick(random);
  if (activity === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE activities SET finished = $2, subject = $3 WHERE id = $1',
      activity,
      random.pick(['Y', '1']),
      words.subject(random),
    );
    transaction.kinds.add('update');
  });
}

export async function handOverActivities(session: Session): Promise<void> {
  const pair = session.known.users.pickTwo(session.random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE activities SET assigned_user_id = $2 WHERE assigned_user_id = $1', ...session.random.shuffled(pair));
    transaction.kinds.add('bulk update');
  });
}

export async function addNote(session: Session): Promise<void> {
  const { random, known } = session;
  const table = random.pick(['accounts', 'contacts'] as const);
  const about = known.rows[table].pick(random);
  if (about === undefined) return;
  const id = known.nextNumber();
  await session.transaction(async (transaction) => {
    await transaction.run(
      'INSERT INTO notes (id, parent_type, parent_id, created_by, body, pinned) VALUES ($1, $2, $3, $4, $5, $6)',
      id,
      random.oneIn(20) ? 'Leads' : table === 'accounts' ? 'Accounts' : 'Contacts',
      String(about),
      known.users.pick(random),
      words.note(random),
      words.flag(random),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => known.notes.add(id));
  });
}

export async function pinNote(session: Session): Promise<void> {
  const { random, known } = session;
  const note = known.notes.pick(random);
  if (note === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE notes SET pinned = $2 WHERE id = $1', note, words.flag(random));
    transaction.kinds.add('large text unchanged');
  });
}

export async function changeMind(session: Session): Promise<void> {
  const account = session.known.rows.accounts.pick(session.random);
  if (account === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must("UPDATE accounts SET name = 'never to be seen', customer_no = 'never' WHERE id = $1", account);
  }, 'ROLLBACK');
}
