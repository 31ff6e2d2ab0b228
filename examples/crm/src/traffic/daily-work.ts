import { texts } from './texts.js';
import type { UserSession } from './user-session.js';

export async function addContact(session: UserSession): Promise<void> {
  const { random, known } = session;
  const account = known.accounts.pick(random);
  if (account === undefined) return;
  const id = known.nextNumber();
  await session.transaction(async (transaction) => {
    await transaction.run(
      `INSERT INTO contacts (id, account_id, first_name, last_name, email, phone, birth_date, custom_fields)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      id,
      account,
      random.oneIn(6) ? null : texts.firstName(random),
      texts.lastName(random),
      random.oneIn(5) ? null : `person${String(id)}@example.com`,
      texts.phone(random),
      random.oneIn(3) ? null : texts.date(random),
      random.oneIn(3) ? null : texts.json(random),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      known.contacts.add(id);
    });
  });
}

export async function addLead(session: UserSession): Promise<void> {
  const { random, known } = session;
  const code = `L-${random.hex(4)}-${String(known.nextNumber())}`;
  await session.transaction(async (transaction) => {
    await transaction.run(
      'INSERT INTO leads (code, owner_id, company, email, score) VALUES ($1, $2, $3, $4, $5)',
      code,
      known.users.pick(random) ?? null,
      texts.company(random),
      random.oneIn(2) ? null : 'info@example.com',
      random.oneIn(4) ? null : random.fraction(),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      known.leads.add(code);
    });
  });
}

export async function addActivity(session: UserSession): Promise<void> {
  const { random, known } = session;
  const contact = known.contacts.pick(random);
  if (contact === undefined) return;
  const id = known.nextNumber();
  await session.transaction(async (transaction) => {
    await transaction.run(
      `INSERT INTO activities (id, contact_id, opportunity_id, user_id, kind, subject, due_at, duration)
       VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN 'infinity' ELSE clock_timestamp() + interval '1 day' END, $8)`,
      id,
      contact,
      random.oneIn(2) ? null : (known.opportunities.pick(random) ?? null),
      known.users.pick(random),
      random.pick(['call', 'mail', 'visit']),
      texts.subject(random),
      random.oneIn(50),
      random.oneIn(3) ? null : `${String(random.integer(5, 300))} minutes`,
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      known.activities.add(id);
    });
  });
}

export async function linkContact(session: UserSession): Promise<void> {
  const { random, known } = session;
  const [opportunity, contact] = [known.opportunities.pick(random), known.contacts.pick(random)];
  if (opportunity === undefined || contact === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'INSERT INTO opportunity_contacts VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      opportunity,
      contact,
      random.pick(['buyer', 'user', 'legal']),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      known.links.add(`${opportunity}/${String(contact)}`);
    });
  });
}

export async function updateContact(session: UserSession): Promise<void> {
  const { random, known } = session;
  const contact = known.contacts.pick(random);
  if (contact === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE contacts SET phone = $2, custom_fields = $3, updated_at = clock_timestamp() WHERE id = $1',
      contact,
      random.oneIn(4) ? null : texts.phone(random),
      random.oneIn(4) ? null : texts.json(random),
    );
    transaction.kinds.add('update');
  });
}

export async function updateOpportunity(session: UserSession): Promise<void> {
  const { random, known } = session;
  const opportunity = known.opportunities.pick(random);
  if (opportunity === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE opportunities SET stage = $2, amount = $3, probability = $4, tags = $5, lead_code = coalesce($6, lead_code) WHERE id = $1',
      opportunity,
      random.pick(['open', 'proposal', 'won', 'lost']),
      texts.amount(random),
      random.integer(0, 100),
      texts.tags(random),
      random.oneIn(3) ? (known.leads.pick(random) ?? null) : null,
    );
    transaction.kinds.add('update');
  });
}

export async function finishActivity(session: UserSession): Promise<void> {
  const { random, known } = session;
  const activity = known.activities.pick(random);
  if (activity === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE activities SET done = NOT done WHERE id = $1', activity);
    transaction.kinds.add('update');
  });
}

export async function qualifyLead(session: UserSession): Promise<void> {
  const { random, known } = session;
  const lead = known.leads.pick(random);
  if (lead === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE leads SET status = $2, score = $3 WHERE code = $1',
      lead,
      random.pick(['working', 'qualified', 'lost']),
      random.fraction() * 1e6,
    );
    transaction.kinds.add('update');
  });
}

export async function deleteActivity(session: UserSession): Promise<void> {
  const { random, known } = session;
  const activity = known.activities.pick(random);
  if (activity === undefined) return;
  known.activities.remove(activity);
  await session.transaction(async (transaction) => {
    await transaction.must('DELETE FROM activities WHERE id = $1', activity);
    transaction.kinds.add('delete');
  });
}

export async function deleteLead(session: UserSession): Promise<void> {
  const { random, known } = session;
  const lead = known.leads.pick(random);
  if (lead === undefined) return;
  known.leads.remove(lead);
  await session.transaction(async (transaction) => {
    await transaction.must('DELETE FROM leads WHERE code = $1', lead);
    transaction.kinds.add('delete');
  });
}

export async function unlinkContact(session: UserSession): Promise<void> {
  const { random, known } = session;
  const link = known.links.pick(random);
  if (link === undefined) return;
  known.links.remove(link);
  await session.transaction(async (transaction) => {
    await transaction.must('DELETE FROM opportunity_contacts WHERE opportunity_id = $1 AND contact_id = $2', ...link.split('/'));
    transaction.kinds.add('delete');
  });
}

export async function deleteContact(session: UserSession): Promise<void> {
  const { random, known } = session;
  const contact = known.contacts.pick(random);
  if (contact === undefined) return;
  known.contacts.remove(contact);
  await session.transaction(async (transaction) => {
    const { count } = await transaction.run('SELECT FROM activities WHERE contact_id = $1 LIMIT 1', contact);
    await transaction.run('UPDATE accounts SET primary_contact_id = NULL WHERE primary_contact_id = $1', contact);
    await transaction.must('DELETE FROM contacts WHERE id = $1', contact);
    transaction.kinds.add('delete');
    if (count > 0) transaction.kinds.add('cascading delete');
  });
}

export async function writeNote(session: UserSession): Promise<void> {
  const { random, known } = session;
  const note = random.oneIn(3) ? known.notes.pick(random) : undefined;
  const account = known.accounts.pick(random);
  if (account === undefined) return;
  const id = known.nextNumber();
  await session.transaction(async (transaction) => {
    if (note === undefined) {
      await transaction.run(
        'INSERT INTO notes (id, account_id, author_id, body, attachment) VALUES ($1, $2, $3, $4, $5)',
        id,
        account,
        known.users.pick(random),
        texts.large(random),
        random.oneIn(4) ? Buffer.from(random.hex(200), 'hex') : null,
      );
      transaction.afterCommit(() => {
        known.notes.add(id);
      });
    } else {
      await transaction.must('UPDATE notes SET body = $2 WHERE id = $1', note, texts.large(random));
    }
    transaction.kinds.add('large text');
  });
}

export async function pinNote(session: UserSession): Promise<void> {
  const { random, known } = session;
  const note = known.notes.pick(random);
  if (note === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE notes SET pinned = NOT pinned WHERE id = $1', note);
    transaction.kinds.add('large text unchanged');
  });
}

/** An owner leaves, a colleague takes over up to a hundred accounts. */
export async function handOverAccounts(session: UserSession): Promise<void> {
  const { random, known } = session;
  const users = known.users.pickTwo(random);
  if (users === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      `UPDATE accounts SET owner_id = $2, updated_at = clock_timestamp()
        WHERE id IN (SELECT id FROM accounts WHERE owner_id = $1 ORDER BY id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED)`,
      ...users,
    );
    transaction.kinds.add('bulk update');
  });
}

export async function changeMind(session: UserSession): Promise<void> {
  const { random, known } = session;
  const account = known.accounts.pick(random);
  if (account === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must("UPDATE accounts SET name = 'never to be seen' WHERE id = $1", account);
    await transaction.run(
      "INSERT INTO leads (code, company) VALUES ($1, 'never to be seen')",
      `L-${random.hex(4)}-${String(known.nextNumber())}`,
    );
  }, 'ROLLBACK');
}

export async function changeMindInPart(session: UserSession): Promise<void> {
  const { random, known } = session;
  const [account, lead] = [known.accounts.pick(random), known.leads.pick(random)];
  if (account === undefined || lead === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.run('SAVEPOINT part');
    await transaction.must("UPDATE accounts SET name = 'never to be seen' WHERE id = $1", account);
    await transaction.run('ROLLBACK TO SAVEPOINT part');
    await transaction.must('UPDATE leads SET company = $2 WHERE code = $1', lead, texts.company(random));
    transaction.kinds.add('savepoint rolled back');
  });
}
