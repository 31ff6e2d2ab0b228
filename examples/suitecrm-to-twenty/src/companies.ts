import { constant, is, not, uuid } from '@changeover/mapping';

import { KEYS, live, map, times, words } from './crm.js';

const row = map.from('public.accounts');
const owner = row.join('owner', 'public.users', { on: { id: row('assigned_user_id') } });
/** The row itself, unless its website says no more than the form does that nobody filled in. */
const online = row.join('online', 'public.accounts', {
  on: { id: row('id') },
  where: (account) => not(is(account('website'), '', 'http://', 'https://', null)),
});

/** Left out, for want of a conversion of numbers: `employees` ('50-100') and `annual_revenue` ('1,250,000'). */
export const company = map.table('workspace_new.company', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.accounts, row('id')),
    name: words(row('name')),
    domainNamePrimaryLinkUrl: words(online('website')),
    addressAddressStreet1: words(row('billing_address_street')),
    addressAddressCity: words(row('billing_address_city')),
    addressAddressState: words(row('billing_address_state')),
    addressAddressPostcode: words(row('billing_address_postalcode')),
    addressAddressCountry: words(row('billing_address_country')),
    accountOwnerId: uuid(KEYS.users, owner('id')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  },
  key: ['id'],
  required: ['name', 'createdAt', 'updatedAt'],
  requires: [{ parent: 'workspace_new.workspaceMember', key: [owner('id')] }],
  // Of two accounts with one website the older one has it.
  unique: [{ columns: ['domainNamePrimaryLinkUrl'], order: [{ column: 'date_entered' }], otherwise: 'empty' }],
});
