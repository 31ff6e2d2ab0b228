import type { Key, Session } from './known-crm.js';
import { words } from './words.js';

const LIVE_ADDRESS_LINKS =
  "SELECT id, bean_id, email_address_id FROM email_addr_bean_rel WHERE bean_id = ANY ($1) AND deleted = 0 AND bean_module = 'Contacts' ORDER BY id FOR UPDATE";
const POINT_TO = 'UPDATE email_addr_bean_rel SET email_address_id = $2 WHERE id = $1';
const INSERT_ADDRESS = 'INSERT INTO email_addresses (id, email_address, date_created) VALUES ($1, $2, localtimestamp(0))';
const LINK_ADDRESS =
  "INSERT INTO email_addr_bean_rel (id, email_address_id, bean_id, bean_module, primary_address, date_created) VALUES ($1, $2, $3, 'Contacts', $4, localtimestamp(0))";
const LINK_ACCOUNT = 'INSERT INTO accounts_contacts (id, account_id, contact_id, date_modified) VALUES ($1, $2, $3, localtimestamp(0))';

type AddressLink = { readonly id: string; readonly bean_id: string; readonly email_address_id: string };
type TwoAddresses = { readonly one: AddressLink; readonly other: AddressLink; readonly pair: readonly Key[] };
type Transaction = Parameters<Parameters<Session['transaction']>[0]>[0];

/** First the contact, then its company, then its address: each is there before the next. */
export async function saveContactInParts(session: Session): Promise<void> {
  const { random, known } = session;
  const account = known.rows.accounts.pick(random);
  const [contact, address] = [random.uuid(), random.uuid()];
  let isSaved = false;
  await session.transaction(async (transaction) => {
    await transaction.run(
      `INSERT INTO contacts (id, first_name, last_name, title, phone_work, phone_mobile, primary_address_country, birthdate, lead_source, do_not_call, date_entered)
       VALUES ($1, $2, $3, 'Buyer', $4, $5, $6, $7, 'TRADE FAIR', $8, localtimestamp(0))`,
      contact,
      words.first(random),
      words.last(random),
      words.phone(random),
      words.phone(random),
      words.country(random),
      words.day(random),
      words.flag(random),
    );
    transaction.kinds.add('insert');
    transaction.afterCommit(() => {
      isSaved = true;
      known.rows.contacts.add(contact);
    });
  });
  await session.transaction(async (transaction) => {
    if (!isSaved || account === undefined) return transaction.giveUp();
    await transaction.run(LINK_ACCOUNT, random.uuid(), account, contact);
    transaction.kinds.add('insert');
  });
  await session.transaction(async (transaction) => {
    if (!isSaved) return transaction.giveUp();
    await transaction.run(INSERT_ADDRESS, address, words.address(random));
    await transaction.run(LINK_ADDRESS, random.uuid(), address, contact, 1);
    transaction.kinds.add('saved in parts').add('insert');
  });
}

export async function updateContact(session: Session): Promise<void> {
  const { random, known } = session;
  const contact = known.rows.contacts.pick(random);
  if (contact === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.must(
      'UPDATE contacts SET first_name = $2, phone_work = $3, birthdate = $4, lead_source = $5, title = $6 WHERE id = $1',
      contact,
      words.first(random),
      random.oneIn(8) ? words.unreadablePhone(random) : words.phone(random),
      random.oneIn(8) ? words.unreadableDay(random) : words.day(random),
      random.pick(['WEB', 'Referral', 'COLD CALL', '', 'OTHER', null]),
      random.pick(['CEO', '', null, 'Head of R&amp;D']),
    );
    transaction.kinds.add('update');
  });
}

export function swapAddresses(session: Session): Promise<void> {
  return withTwoAddresses(session, async (transaction, { one, other }) => {
    await transaction.must(POINT_TO, one.id, other.email_address_id);
    await transaction.must(POINT_TO, other.id, one.email_address_id);
    transaction.kinds.add('address swapped');
  });
}

export function shareAddress(session: Session): Promise<void> {
  const { random, known } = session;
  return withTwoAddresses(session, async (transaction, { one, other, pair }) => {
    await transaction.must(POINT_TO, one.id, other.email_address_id);
    transaction.kinds.add('address shared');
    transaction.afterCommit(() => known.sharers.contacts.add(random.pick(pair)));
  });
}

/** Does something to the addresses of two contacts that have one. */
async function withTwoAddresses(session: Session, work: (transaction: Transaction, two: TwoAddresses) => Promise<void>): Promise<void> {
  const pair = session.known.rows.contacts.pickTwo(session.random);
  if (pair === undefined) return;
  await session.transaction(async (transaction) => {
    const links = await transaction.must<AddressLink>(LIVE_ADDRESS_LINKS, pair);
    const [one, other] = pair.map((contact) => links.find((link) => link.bean_id === contact));
    if (one === undefined || other === undefined) return transaction.giveUp();
    await work(transaction, { one, other, pair });
  });
}

/** One of those who share an address takes another one, or none. */
export async function freeAddress(session: Session): Promise<void> {
  const { random, known } = session;
  const contact = known.sharers.contacts.pick(random);
  if (contact === undefined) return;
  known.sharers.contacts.remove(contact);
  await session.transaction(async (transaction) => {
    const [link] = await transaction.must<AddressLink>(LIVE_ADDRESS_LINKS, [contact]);
    if (random.oneIn(3)) {
      await transaction.must('UPDATE email_addr_bean_rel SET deleted = 1 WHERE id = $1', link?.id);
    } else {
      const address = random.uuid();
      await transaction.run(INSERT_ADDRESS, address, words.address(random));
      await transaction.must(POINT_TO, link?.id, address);
    }
    transaction.kinds.add('address freed');
  });
}

/** A contact gets a second address, and it is the first from then on. */
export async function preferAnotherAddress(session: Session): Promise<void> {
  const { random, known } = session;
  const contact = known.rows.contacts.pick(random);
  if (contact === undefined) return;
  const address = random.uuid();
  await session.transaction(async (transaction) => {
    await transaction.must("UPDATE email_addr_bean_rel SET primary_address = 0 WHERE bean_id = $1 AND bean_module = 'Contacts'", contact);
    await transaction.run(INSERT_ADDRESS, address, words.address(random));
    await transaction.run(LINK_ADDRESS, random.uuid(), address, contact, 1);
    transaction.kinds.add('first address');
  });
}

/** Of whoever has it: repaired, broken, or thrown away. */
export async function editAddress(session: Session): Promise<void> {
  const { random, known } = session;
  const contact = known.rows.contacts.pick(random);
  if (contact === undefined) return;
  await session.transaction(async (transaction) => {
    const [link] = await transaction.must<AddressLink>(LIVE_ADDRESS_LINKS, [contact]);
    await transaction.must(
      'UPDATE email_addresses SET email_address = $2, deleted = $3 WHERE id = $1',
      link?.email_address_id,
      random.oneIn(4) ? words.unreadableAddress(random) : words.address(random),
      random.oneIn(10) ? 1 : 0,
    );
    transaction.kinds.add('address edited');
  });
}

export async function changeCompany(session: Session): Promise<void> {
  const { random, known } = session;
  const [contact, account] = [known.rows.contacts.pick(random), known.rows.accounts.pick(random)];
  if (contact === undefined || account === undefined) return;
  await session.transaction(async (transaction) => {
    await transaction.run('UPDATE accounts_contacts SET deleted = 1 WHERE contact_id = $1 AND deleted = 0', contact);
    await transaction.run(LINK_ACCOUNT, random.uuid(), account, contact);
    transaction.kinds.add('other company');
  });
}
