import { email } from '@changeover/cleaning';
import { constant, uuid } from '@changeover/mapping';

import { KEYS, live, map, times, words, wordsOrNone } from './crm.js';

const row = map.from('public.contacts');
/** Twenty knows one company of a person: of the links to accounts that are there the latest. */
const employment = row.join('employment', 'public.accounts_contacts', {
  on: { contact_id: row('id') },
  where: live,
  order: [{ column: 'date_modified', descending: true }],
});
const account = row.join('account', 'public.accounts', { on: { id: employment('account_id') }, where: live });
const link = row.join('link', 'public.email_addr_bean_rel', {
  on: { bean_id: row('id'), bean_module: constant('Contacts') },
  where: live,
  order: [{ column: 'primary_address', descending: true }, { column: 'date_created' }],
});
const address = row.join('address', 'public.email_addresses', { on: { id: link('email_address_id') }, where: live });

/**
 * Contacts. Left out:
 * - leads, which have no table of their own in Twenty: a table is made by one rule, and this one is driven by contacts;
 * - a person's other addresses (`emailsAdditionalEmails`), which need a list made of several rows;
 * - the country and calling code of phone numbers, and other numbers (`phonesAdditionalPhones`): the number goes over as it was written.
 */
export const person = map.table('workspace_new.person', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.contacts, row('id')),
    nameFirstName: words(row('first_name')),
    nameLastName: words(row('last_name')),
    emailsPrimaryEmail: email(address('email_address'), { lowerCase: 'all', invalid: 'empty' }),
    jobTitle: wordsOrNone(row('title')),
    phonesPrimaryPhoneNumber: words(row('phone_work')),
    city: wordsOrNone(row('primary_address_city')),
    companyId: uuid(KEYS.accounts, account('id')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
  requires: [{ parent: 'workspace_new.company', key: [account('id')] }],
  // Several people have one address in SuiteCRM, and in Twenty one: who was there first.
  unique: [{ columns: ['emailsPrimaryEmail'], order: [{ column: 'date_entered' }], otherwise: 'empty' }],
});
