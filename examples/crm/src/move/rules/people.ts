import type { TableRule } from '@changeover/mapping';

import { column, country, day, email, mayCall, moment, NOT_DELETED, oneOf, parent, phone, words } from './expressions.js';

/**
 * A contact belongs to the account of its latest link, and has the address that is said to be the first. Two contacts cannot have the same address:
 * the older one keeps it.
 */
export const contact: TableRule = {
  source: 'public.contacts',
  target: 'crm.contact',
  joins: [
    {
      as: 'link',
      table: 'public.accounts_contacts',
      on: { contact_id: column('id') },
      where: NOT_DELETED,
      order: [{ column: 'date_modified', descending: true }],
    },
    {
      as: 'mail',
      table: 'public.email_addr_bean_rel',
      on: { bean_id: column('id') },
      where: { all: [NOT_DELETED, { is: { column: 'bean_module' }, in: ['Contacts'] }] },
      order: [{ column: 'primary_address', descending: true }, { column: 'date_created' }],
    },
    { as: 'address', table: 'public.email_addresses', on: { id: column('email_address_id', 'mail') }, where: NOT_DELETED },
  ],
  where: NOT_DELETED,
  columns: {
    id: column('id'),
    account_id: column('account_id', 'link'),
    first_name: words(column('first_name')),
    last_name: words(column('last_name')),
    title: words(column('title')),
    email: email(column('email_address', 'address'), 'held'),
    phone: phone(column('phone_work'), 'empty'),
    mobile: phone(column('phone_mobile'), 'held'),
    country: country(column('primary_address_country'), 'held'),
    born_on: day(column('birthdate'), 'empty'),
    source: oneOf(
      column('lead_source'),
      { web: 'web', 'trade fair': 'fair', referral: 'referral', 'cold call': 'cold_call', '': null },
      'empty',
    ),
    may_call: mayCall('held'),
    created_at: moment(column('date_entered'), 'held'),
  },
  key: ['id'],
  required: ['account_id', 'last_name'],
  requires: [parent('crm.account', column('account_id', 'link'))],
  unique: [{ columns: ['email'], order: [{ column: 'date_entered' }], otherwise: 'empty' }],
  whileHeld: 'none',
};

/** A lead that became a contact is none any more. While somebody's slip makes one unreadable, the new CRM keeps it as it was. */
export const lead: TableRule = {
  source: 'public.leads',
  target: 'crm.lead',
  where: { all: [NOT_DELETED, { not: { is: column('converted'), in: ['Y'] } }] },
  columns: {
    id: column('id'),
    owner_id: column('assigned_user_id'),
    name: words({ concat: [words(column('first_name')), words(column('last_name'))], separator: ' ' }),
    company: words(column('account_name')),
    email: email(column('email'), 'empty'),
    phone: phone(column('phone'), 'held'),
    country: country(column('country'), 'empty'),
    status: oneOf(column('status'), { new: 'new', assigned: 'new', 'in process': 'working', qualified: 'qualified', dead: 'lost' }, 'held'),
    created_at: moment(column('date_entered'), 'held'),
  },
  key: ['id'],
  required: ['owner_id', 'name', 'status'],
  requires: [parent('crm.app_user', column('assigned_user_id'))],
  whileHeld: 'last',
};
