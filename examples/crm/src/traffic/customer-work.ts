import { texts } from './texts.js';
import type { UserSession } from './user-session.js';

/** A new customer in one transaction over six tables; the account and its first contact refer to each other. */
export async function addCustomer(session: UserSession): Promise<void> {
  const { random, known } = session;
  const owner = known.users.pick(random);
  if (owner === undefined) return;
  const [account, opportunity, note] = [known.nextNumber(), random.uuid(), known.nextNumber()];
  const contacts = Array.from({ length: random.integer(1, 3) }, () => known.nextNumber());
  const activity = known.nextNumber();
  await session.transaction(async (transaction) => {
    await transaction.run(
      'INSERT INTO accounts (id, parent_id, owner_id, name, external_code, annual_revenue, billing_address) VALUES ($1, $2, $3, $4, $5, $6, $7)',
      account,
      random.oneIn(3) ? (known.accounts.pick(random) ?? null) : null,
      owner,
      texts.company(random),
      `C-${String(account)}`,
      random.oneIn(3) ? null : random.integer(0, 1e9),
      random.oneIn(3) ? null : texts.json(random),
    );
    for (const contact of contacts) {
      await transaction.run(
        'INSERT INTO contacts (id, account_id, first_name, last_name, email) VALUES ($1, $2, $3, $4, $5)',
        contact,
        account,
        texts.firstName(random),
        texts.lastName(random),
        `person${String(contact)}@example.com`,
      );
    }
    await transaction.run('UPDATE accounts SET primary_contact_id = $2 WHERE id = $1', account, contacts[0]);
    await transaction.run(
      "INSERT INTO opportunities (id, account_id, name, stage, amount, probability, close_date, tags) VALUES ($1, $2, $3, 'open', $4, $5, $6, $7)",
      opportunity,
      account,
      texts.lines(random),
      texts.amount(random),
      random.integer(0, 100),
      random.oneIn(3) ? null : texts.date(random),
      texts.tags(random),
    );
    await transaction.run("INSERT INTO opportunity_contacts VALUES ($1, $2, 'buyer')", opportunity, contacts[0]);
    await transaction.run(
      "INSERT INTO activities (id, contact_id, opportunity_id, user_id, kind) VALUES ($1, $2, $3, $4, 'call')",
      activity,
      contacts[0],
      opportunity,
      owner,
    );
    await transaction.run(
      'INSERT INTO notes (id, account_id, author_id, body) VALUES ($1, $2, $3, $4)',
      note,
      account,
      owner,
      texts.lines(random),
    );
    transaction.kinds.add('multi-table transaction').add('cycle of references');
    transaction.afterCommit(() => {
      known.accounts.add(account);
      for (const contact of contacts) known.contacts.add(contact);
      known.opportunities.add(opportunity);
      known.activities.add(activity);
      known.notes.add(note);
      known.links.add(`${opportunity}/${String(contacts[0])}`);
    });
  });
}

export async function moveAccount(session: UserSession): Promise<void> {
  const { random, known } = session;
  const pair = known.accounts.pickTwo(random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE accounts SET parent_id = $2 WHERE id = $1', ...random.shuffled(pair));
    transaction.kinds.add('self reference');
  });
}

/** An account goes with all that belongs to it, some of it by cascade. */
export async function removeCustomer(session: UserSession): Promise<void> {
  const { random, known } = session;
  const account = known.accounts.pick(random);
  // A company without customers would leave the others nothing to do.
  if (account === undefined || known.accounts.size < 20) return;
  known.accounts.remove(account);
  await session.transaction(async (transaction) => {
    await transaction.must('SELECT FROM accounts WHERE id = $1 FOR UPDATE', account);
    await transaction.run('UPDATE accounts SET parent_id = NULL WHERE parent_id = $1', account);
    await transaction.run(
      'UPDATE accounts SET primary_contact_id = NULL WHERE primary_contact_id IN (SELECT id FROM contacts WHERE account_id = $1)',
      account,
    );
    const opportunities = await transaction.run<{ id: string }>('DELETE FROM opportunities WHERE account_id = $1 RETURNING id', account);
    const contacts = await transaction.run<{ id: string }>('DELETE FROM contacts WHERE account_id = $1 RETURNING id', account);
    await transaction.run('DELETE FROM accounts WHERE id = $1', account);
    transaction.kinds.add('customer removed');
    transaction.afterCommit(() => {
      for (const { id } of opportunities.rows) known.opportunities.remove(id);
      for (const { id } of contacts.rows) known.contacts.remove(Number(id));
    });
  });
}
