import type { JoinRule, TableRule } from '@changeover/mapping';

import { column, day, first, flag, moment, NOT_DELETED, oneOf, parent, words } from './expressions.js';

/** Whose it is; nobody's if that user is not there any more. */
const USER = (name: string): JoinRule => ({ as: 'user', table: 'public.users', on: { id: column(name) } });

export const deal: TableRule = {
  source: 'public.opportunities',
  target: 'crm.deal',
  joins: [USER('assigned_user_id')],
  where: NOT_DELETED,
  columns: {
    id: column('id'),
    account_id: column('account_id'),
    owner_id: column('id', 'user'),
    title: words(column('name')),
    stage: oneOf(
      column('sales_stage'),
      {
        prospecting: 'prospecting',
        proposal: 'proposal',
        'proposal/price quote': 'proposal',
        negotiation: 'negotiation',
        'closed won': 'won',
        'closed lost': 'lost',
      },
      'held',
    ),
    amount: column('amount'),
    closes_on: day(column('date_closed'), 'held'),
    created_at: moment(column('date_entered'), 'held'),
  },
  key: ['id'],
  required: ['account_id', 'title', 'stage', 'amount'],
  requires: [parent('crm.account', column('account_id')), parent('crm.app_user', column('id', 'user'))],
  validate: [{ name: 'a deal that is worth its while', column: 'amount', range: 'number', from: '50000', severity: 'warn' }],
  whileHeld: 'none',
};

export const dealContact: TableRule = {
  source: 'public.opportunities_contacts',
  target: 'crm.deal_contact',
  where: NOT_DELETED,
  columns: {
    deal_id: column('opportunity_id'),
    contact_id: column('contact_id'),
    role: oneOf(column('contact_role'), { 'decision maker': 'decision_maker', buyer: 'buyer', user: 'user', '': null }, 'empty'),
  },
  key: ['deal_id', 'contact_id'],
  requires: [parent('crm.deal', column('opportunity_id')), parent('crm.contact', column('contact_id'))],
  whileHeld: 'none',
};

/** About a deal that was thrown away it is about none; about one that is held it waits. */
export const activity: TableRule = {
  source: 'public.activities',
  target: 'crm.activity',
  joins: [
    { as: 'deal', table: 'public.opportunities', on: { id: column('opportunity_id') }, where: NOT_DELETED },
    USER('assigned_user_id'),
  ],
  where: NOT_DELETED,
  columns: {
    id: column('id'),
    contact_id: column('contact_id'),
    deal_id: column('id', 'deal'),
    owner_id: column('id', 'user'),
    kind: oneOf(column('activity_type'), { call: 'call', meeting: 'meeting', task: 'task', email: 'mail', 'e-mail': 'mail' }, 'held'),
    subject: words(column('subject')),
    due_at: moment(column('date_due'), 'held'),
    finished: flag(column('finished'), { invalid: 'held', otherwise: 'f' }),
  },
  key: ['id'],
  required: ['contact_id', 'kind'],
  requires: [
    parent('crm.contact', column('contact_id')),
    parent('crm.deal', column('id', 'deal')),
    parent('crm.app_user', column('id', 'user')),
  ],
  whileHeld: 'none',
};

/** A note is about an account or a contact. The numbers of the one never look like the UUIDs of the other, so each join finds its own. */
export const note: TableRule = {
  source: 'public.notes',
  target: 'crm.note',
  joins: [
    { as: 'account', table: 'public.accounts', on: { id: column('parent_id') } },
    { as: 'contact', table: 'public.contacts', on: { id: column('parent_id') } },
    USER('created_by'),
  ],
  where: NOT_DELETED,
  columns: {
    id: column('id'),
    subject: oneOf(column('parent_type'), { accounts: 'account', contacts: 'contact' }, 'held'),
    account_id: column('id', 'account'),
    contact_id: column('id', 'contact'),
    regarding: first(column('id', 'account'), column('id', 'contact')),
    author_id: column('id', 'user'),
    body: words(column('body')),
    pinned: flag(column('pinned'), { invalid: 'held', otherwise: 'f' }),
  },
  key: ['id'],
  required: ['subject', 'regarding', 'body'],
  validate: [{ name: 'length of body', column: 'body', atMost: 600, severity: 'fix' }],
  requires: [
    parent('crm.account', column('id', 'account')),
    parent('crm.contact', column('id', 'contact')),
    parent('crm.app_user', column('id', 'user')),
  ],
  whileHeld: 'none',
};
