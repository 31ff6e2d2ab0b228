import { concat, constant, first, uuid } from '@changeover/mapping';

import { about } from './about.js';
import { KEYS, live, map, moment, times, words } from './crm.js';

const row = map.from('public.calls');
const owner = row.join('owner', 'public.users', { on: { id: row('assigned_user_id') } });
const { account, opportunity, contact } = about(row, row('parent_id'));

/** Twenty has no calls: they stand on the timeline of what they were about. (Calendar events are made by the rule for meetings, and a table by one rule.) */
export const call = map.table('workspace_new.timelineActivity', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.calls, row('id')),
    name: concat(': ', constant('Call'), words(row('name'))),
    happensAt: first(moment(row('date_start')), moment(row('date_entered'))),
    companyId: uuid(KEYS.accounts, account('id')),
    opportunityId: uuid(KEYS.opportunities, opportunity('id')),
    personId: uuid(KEYS.contacts, contact('id')),
    workspaceMemberId: uuid(KEYS.users, owner('id')),
    ...times(row),
  },
  key: ['id'],
  required: ['happensAt', 'createdAt', 'updatedAt'],
  requires: [
    { parent: 'workspace_new.company', key: [account('id')] },
    { parent: 'workspace_new.opportunity', key: [opportunity('id')] },
    { parent: 'workspace_new.person', key: [contact('id')] },
    { parent: 'workspace_new.workspaceMember', key: [owner('id')] },
  ],
});
