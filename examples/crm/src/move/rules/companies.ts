import type { TableRule } from '@changeover/mapping';

import { column, country, day, flag, mayCall, moment, NOT_DELETED, oneOf, parent, phone, trimmed, words } from './expressions.js';

/** Users who are gone come along, inactive: what they did needs somebody who did it. */
export const appUser: TableRule = {
  source: 'public.users',
  target: 'crm.app_user',
  columns: {
    id: column('id'),
    login: column('user_name'),
    name: words({ concat: [words(column('first_name')), words(column('last_name'))], separator: ' ' }),
    active: oneOf(column('status'), { active: 't', inactive: 'f' }, 'held'),
    admin: flag(column('is_admin'), { invalid: 'empty', otherwise: 'f' }),
  },
  key: ['id'],
};

/**
 * Of the accounts with one customer number the first has it, and the others wait for somebody to look. An account under one that was thrown away
 * comes to the top; under one that is held it waits.
 */
export const account: TableRule = {
  source: 'public.accounts',
  target: 'crm.account',
  joins: [{ as: 'parent', table: 'public.accounts', on: { id: column('parent_id') }, where: NOT_DELETED }],
  where: NOT_DELETED,
  columns: {
    id: column('id'),
    owner_id: column('assigned_user_id'),
    parent_id: column('id', 'parent'),
    name: words(column('name')),
    kind: oneOf(
      column('account_type'),
      { customer: 'customer', partner: 'partner', prospect: 'prospect', competitor: 'competitor' },
      'held',
    ),
    customer_number: trimmed(column('customer_no')),
    phone: phone(column('phone_office'), 'empty'),
    country: country(column('billing_country'), 'held'),
    may_call: mayCall('empty'),
    member_since: day(column('member_since'), 'empty'),
    created_at: moment(column('date_entered'), 'held'),
  },
  key: ['id'],
  required: ['owner_id', 'name', 'kind'],
  requires: [parent('crm.app_user', column('assigned_user_id')), parent('crm.account', column('id', 'parent'))],
  unique: [{ columns: ['customer_number'], order: [{ column: 'date_entered' }], otherwise: 'held' }],
  whileHeld: 'none',
};
