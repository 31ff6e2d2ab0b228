import { enumeration, timestamp } from '@changeover/cleaning';
import { constant, uuid } from '@changeover/mapping';

import { KEYS, live, map, times, words } from './crm.js';

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

/**
 * Twenty has no stage for what was lost. So a lost deal is held, where `changeover held list` names it, until there is one in Twenty (or the deal goes
 * on). Left out, for want of arithmetic: the amount, which Twenty keeps in millionths.
 */
export const opportunity = map.table('workspace_new.opportunity', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.opportunities, row('id')),
    name: words(row('name')),
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
    { parent: 'workspace_new.person', key: [contact('id')] },
  ],
});
