import type { Session } from './known-crm.js';
import { words } from './words.js';

type Numbered = { readonly id: string; readonly customer_no: string | null };

const LOCK_TWO = 'SELECT id, customer_no FROM accounts WHERE id = ANY ($1) ORDER BY id FOR UPDATE';
const SET_NUMBER = 'UPDATE accounts SET customer_no = $2 WHERE id = $1';

export async function addAccount(session: Session): Promise<void> {
  const { random, known } = session;
  const id = known.nextNumber();
  await session.transaction(async (transaction) => {
    await transaction.run(
      `INSERT INTO accounts (id, name, account_type, customer_no, parent_id, assigned_user_id, phone_office, billing_country, do_not_call, member_since, date_entered)
       VALUES ($1, $2, 'Customer', $3, $4, $5, $6, $7, $8, $9, localtimestamp(0))`,
      id,
      words.company(random),
      `C-${String(id)}`,
      random.oneIn(3) ? known.rows.accounts.pick(random) : null,
      known.users.pick(random),
      words.phone(random),
      words.country(random),
      words.flag(random),
      words.day(random),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => known.rows.accounts.add(id));
  });
}

/** Now and then to a user who was purged. */
export async function updateAccount(session: Session): Promise<void> {
  const { random, known } = session;
  const account = known.rows.accounts.pick(random);
  if (account === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE accounts SET name = $2, phone_office = $3, do_not_call = $4, assigned_user_id = $5, member_since = $6 WHERE id = $1',
      account,
      words.company(random),
      random.oneIn(8) ? words.unreadablePhone(random) : words.phone(random),
      random.oneIn(8) ? 'maybe' : words.flag(random),
      random.oneIn(20) ? 999_999 : known.users.pick(random),
      random.oneIn(8) ? words.unreadableDay(random) : words.day(random),
    );
    transaction.kinds.add('update');
  });
}

export async function swapNumbers(session: Session): Promise<void> {
  const pair = session.known.rows.accounts.pickTwo(session.random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    const [one, other] = await transaction.two<Numbered>(LOCK_TWO, pair);
    if (!one.customer_no || !other.customer_no) return transaction.giveUp();
    await transaction.must(SET_NUMBER, one.id, other.customer_no);
    await transaction.must(SET_NUMBER, other.id, one.customer_no);
    transaction.kinds.add('number swapped');
  });
}

export async function shareNumber(session: Session): Promise<void> {
  const { random, known } = session;
  const pair = known.rows.accounts.pickTwo(random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    const [one, other] = await transaction.two<Numbered>(LOCK_TWO, pair);
    if (!other.customer_no) return transaction.giveUp();
    await transaction.must(SET_NUMBER, one.id, random.oneIn(2) ? other.customer_no : ` ${other.customer_no.trim()}`);
    transaction.kinds.add('number shared');
    transaction.afterCommit(() => known.sharers.accounts.add(random.pick(pair)));
  });
}

export async function freeNumber(session: Session): Promise<void> {
  const { random, known } = session;
  const account = known.sharers.accounts.pick(random);
  if (account === undefined) return;
  known.sharers.accounts.remove(account);
  await session.transaction(async (transaction) => {
    await transaction.must(SET_NUMBER, account, random.oneIn(2) ? '' : `C-${String(known.nextNumber())}`);
    transaction.kinds.add('number freed');
  });
}

export async function moveAccount(session: Session): Promise<void> {
  const { random, known } = session;
  const pair = known.rows.accounts.pickTwo(random);
  if (pair === undefined) return;
  const [account, parent] = random.shuffled(pair);
  await session.transaction(async (transaction) => {
    await transaction.must('UPDATE accounts SET parent_id = $2 WHERE id = $1', account, random.oneIn(3) ? null : parent);
    transaction.kinds.add('new parent');
  });
}

export async function makeRing(session: Session): Promise<void> {
  const pair = session.known.rows.accounts.pickTwo(session.random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE accounts SET parent_id = CASE id WHEN $1 THEN $2::bigint ELSE $1::bigint END WHERE id IN ($1::bigint, $2::bigint)',
      ...pair,
    );
    transaction.kinds.add('ring of parents');
  });
}

export async function editUser(session: Session): Promise<void> {
  const { random, known } = session;
  const user = known.users.pick(random);
  if (user === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE users SET last_name = $2, status = $3, deleted = $4 WHERE id = $1',
      user,
      words.last(random),
      random.pick(['ACTIVE', 'Inactive']),
      random.oneIn(4) ? 1 : 0,
    );
    transaction.kinds.add('update');
  });
}
