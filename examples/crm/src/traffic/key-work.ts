import { texts } from './texts.js';
import type { UserSession } from './user-session.js';

type WithEmail = { readonly id: string; readonly email: string | null };

const LOCK_TWO_CONTACTS = 'SELECT id, email FROM contacts WHERE id = ANY ($1) ORDER BY id FOR UPDATE';
const SET_EMAIL = 'UPDATE contacts SET email = $2, updated_at = clock_timestamp() WHERE id = $1';

/** Two contacts exchange their addresses. The constraint is checked at once, so one of them is null in between. */
export async function swapEmails(session: UserSession): Promise<void> {
  const pair = session.known.contacts.pickTwo(session.random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    const [one, other] = await transaction.two<WithEmail>(LOCK_TWO_CONTACTS, pair);
    if (one.email === null || other.email === null) transaction.giveUp();
    await transaction.must(SET_EMAIL, one.id, null);
    await transaction.must(SET_EMAIL, other.id, one.email);
    await transaction.must(SET_EMAIL, one.id, other.email);
    transaction.kinds.add('unique swap');
  });
}

export async function passEmailOn(session: UserSession): Promise<void> {
  const pair = session.known.contacts.pickTwo(session.random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    const [one, other] = await transaction.two<WithEmail>(LOCK_TWO_CONTACTS, pair);
    if (one.email === null) transaction.giveUp();
    await transaction.must(SET_EMAIL, one.id, null);
    await transaction.must(SET_EMAIL, other.id, one.email);
    transaction.kinds.add('unique hand-over');
  });
}

/** Two accounts exchange their codes, which may not be null: the constraint waits for the end of the statement or of the transaction. */
export async function swapAccountCodes(session: UserSession): Promise<void> {
  const { random, known } = session;
  const pair = known.accounts.pickTwo(random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    type Row = { readonly id: string; readonly code: string };
    const [one, other] = await transaction.two<Row>(
      'SELECT id, external_code AS code FROM accounts WHERE id = ANY ($1) ORDER BY id FOR UPDATE',
      pair,
    );
    if (random.oneIn(2)) {
      await transaction.must(
        'UPDATE accounts SET external_code = CASE id WHEN $1 THEN $4::text ELSE $3::text END WHERE id IN ($1, $2)',
        one.id,
        other.id,
        one.code,
        other.code,
      );
    } else {
      await transaction.run('SET CONSTRAINTS accounts_external_code_key DEFERRED');
      await transaction.must('UPDATE accounts SET external_code = $2 WHERE id = $1', one.id, other.code);
      await transaction.must('UPDATE accounts SET external_code = $2 WHERE id = $1', other.id, one.code);
    }
    transaction.kinds.add('deferred swap');
  });
}

/** A lead's key is corrected; its opportunities follow by cascade. Now and then a new lead takes the old key. */
export async function correctLeadCode(session: UserSession): Promise<void> {
  const { random, known } = session;
  const lead = known.leads.pick(random);
  if (lead === undefined) return;
  const corrected = `L-${random.hex(4)}-${String(known.nextNumber())}`;
  const reused = random.oneIn(4);
  known.leads.remove(lead);
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE leads SET code = $2 WHERE code = $1', lead, corrected);
    if (reused) await transaction.run('INSERT INTO leads (code, company) VALUES ($1, $2)', lead, texts.company(random));
    transaction.kinds.add('key change');
    transaction.afterCommit(() => {
      known.leads.add(corrected);
      if (reused) known.leads.add(lead);
    });
  });
}

export async function moveLink(session: UserSession): Promise<void> {
  const { random, known } = session;
  const [link, contact] = [known.links.pick(random), known.contacts.pick(random)];
  if (link === undefined || contact === undefined) return;
  const [opportunity, before] = link.split('/');
  known.links.remove(link);
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE opportunity_contacts SET contact_id = $3 WHERE opportunity_id = $1 AND contact_id = $2 AND contact_id <> $3',
      opportunity,
      before,
      contact,
    );
    transaction.kinds.add('composite key change');
    transaction.afterCommit(() => {
      known.links.add(`${String(opportunity)}/${String(contact)}`);
    });
  });
}

/** A note is deleted and written again under its number, in one transaction or in two. */
export async function replaceNote(session: UserSession): Promise<void> {
  const { random, known } = session;
  const [note, account] = [known.notes.pick(random), known.accounts.pick(random)];
  if (note === undefined || account === undefined) return;
  const insert = 'INSERT INTO notes (id, account_id, author_id, body) VALUES ($1, $2, $3, $4)';
  const values = [note, account, known.users.pick(random), texts.large(random)] as const;
  known.notes.remove(note);
  if (random.oneIn(2)) {
    await session.transaction(async (transaction) => {
      await transaction.must('DELETE FROM notes WHERE id = $1', note);
      await transaction.run(insert, ...values);
      transaction.kinds.add('delete and insert again');
      transaction.afterCommit(() => {
        known.notes.add(note);
      });
    });
    return;
  }
  let deleted = false;
  await session.transaction(async (transaction) => {
    await transaction.must('DELETE FROM notes WHERE id = $1', note);
    transaction.kinds.add('delete');
    transaction.afterCommit(() => {
      deleted = true;
    });
  });
  await session.transaction(async (transaction) => {
    if (!deleted) transaction.giveUp();
    await transaction.run(insert, ...values);
    transaction.kinds.add('delete and insert again');
    transaction.afterCommit(() => {
      known.notes.add(note);
    });
  });
}
