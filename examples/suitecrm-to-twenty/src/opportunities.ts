import { enumeration, timestamp } from '@changeover/cleaning';
import { all, constant, is, uuid, when } from '@changeover/mapping';

import { amount } from './composites.js';
import { BASE_CURRENCY, KEYS, live, map, there, times, words } from './crm.js';
import { open } from './people.js';
import { ownerOf, remainder } from './remainders.js';

const row = map.from('public.opportunities');
const sale = row.join('sale', 'public.accounts_opportunities', {
  on: { opportunity_id: row('id') },
  where: live,
  order: [{ column: 'date_modified', descending: true }],
});
const account = row.join('account', 'public.accounts', { on: { id: sale('account_id') }, where: live });
const role = row.join('role', 'public.opportunities_contacts', {
  on: { opportunity_id: row('id') },
  where: live,
  order: [{ column: 'date_modified' }],
});
const contact = row.join('contact', 'public.contacts', { on: { id: role('contact_id') }, where: live });

/** What amounts are in, also where it was deleted since. The base currency has no row; an amount in one that is no more is read as it was in the base currency. */
const currency = row.join('currency', 'public.currencies', { on: { id: row('currency_id') } });
const ofCurrency = when([[is(row('currency_id'), '-99', '', null), constant(BASE_CURRENCY)]], words(currency('iso4217')));
const value = amount(when([[there(ofCurrency), row('amount')]], row('amount_usdollar')), { currencyFrom: ofCurrency, invalid: 'held' });

/**
 * Twenty has no stage for what was lost. So a lost deal is held, where `changeover held list` names it, until there is one in Twenty (or the deal goes
 * on).
 */
const opportunity = map.table('workspace_new.opportunity', {
  from: row,
  name: 'opportunity',
  where: live(row),
  columns: {
    id: uuid(KEYS.opportunities, row('id')),
    name: words(row('name')),
    amountAmountMicros: value.micros,
    amountCurrencyCode: value.code,
    stage: enumeration(row('sales_stage'), {
      Prospecting: 'NEW',
      Qualification: 'SCREENING',
      'Needs Analysis': 'SCREENING',
      'Value Proposition': 'MEETING',
      'Id. Decision Makers': 'MEETING',
      'Perception Analysis': 'MEETING',
      'Proposal/Price Quote': 'PROPOSAL',
      'Negotiation/Review': 'PROPOSAL',
      'Closed Won': 'CUSTOMER',
    }),
    closeDate: timestamp(row('date_closed'), { formats: ['YYYY-MM-DD'], zone: 'UTC', zeroDate: 'null', invalid: 'empty' }),
    companyId: uuid(KEYS.accounts, account('id')),
    pointOfContactId: uuid(KEYS.contacts, contact('id')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  },
  key: ['id'],
  required: ['name', 'stage', 'createdAt', 'updatedAt'],
  requires: [
    { parent: 'workspace_new.company', key: [account('id')] },
    { parent: 'workspace_new.person', rule: 'contact', key: [contact('id')] },
  ],
});

/** What a lead is about, where it says so and no opportunity was made of it. */
const lead = open.row;
const made = lead.join('opportunity', 'public.opportunities', { on: { id: lead('opportunity_id') }, where: live });
const expected = amount(lead('opportunity_amount'), { invalid: 'empty' });
const prospect = map.table('workspace_new.opportunity', {
  from: lead,
  name: 'lead',
  where: all(open.where, there(words(lead('opportunity_name'))), is(made('id'), null)),
  columns: {
    id: uuid(KEYS.leads, lead('id')),
    name: words(lead('opportunity_name')),
    amountAmountMicros: expected.micros,
    amountCurrencyCode: expected.code,
    stage: constant('NEW'),
    closeDate: constant(null),
    companyId: uuid(KEYS.accounts, open.company),
    pointOfContactId: uuid(KEYS.leads, lead('id')),
    createdBySource: constant('IMPORT'),
    ...times(lead),
  },
  key: ['id'],
  required: ['name', 'createdAt', 'updatedAt'],
  requires: [
    { parent: 'workspace_new.company', key: [open.company] },
    { parent: 'workspace_new.person', rule: 'lead', key: [lead('id')] },
  ],
});

export const opportunities = [
  opportunity,
  prospect,
  ...remainder(row, { opportunity: row('id') }, words(row('name')), {
    'Assigned to': ownerOf(row, row('assigned_user_id')),
    Type: row('opportunity_type'),
    'Lead source': row('lead_source'),
    'Next step': row('next_step'),
    'Probability (%)': row('probability'),
    Description: row('description'),
  }),
];
