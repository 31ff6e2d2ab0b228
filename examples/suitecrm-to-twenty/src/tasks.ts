import { enumeration } from '@changeover/cleaning';
import { all, any, constant, first, is, not, uuid } from '@changeover/mapping';

import { about } from './about.js';
import { KEYS, live, map, moment, times, words, wordsOrNone } from './crm.js';

const row = map.from('public.tasks');
const assignee = row.join('assignee', 'public.users', { on: { id: row('assigned_user_id') } });
const { account, opportunity, contact: parent } = about(row, row('parent_id'));
const named = row.join('named', 'public.contacts', { on: { id: row('contact_id') }, where: live });
const contact = first(named('id'), parent('id'));

export const task = map.table('workspace_new.task', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.tasks, row('id')),
    title: wordsOrNone(row('name')),
    bodyV2Markdown: words(row('description')),
    dueAt: moment(row('date_due')),
    status: enumeration(row('status'), {
      'Not Started': 'TODO',
      Deferred: 'TODO',
      'In Progress': 'IN_PROGRESS',
      'Pending Input': 'IN_PROGRESS',
      Completed: 'DONE',
    }),
    assigneeId: uuid(KEYS.users, assignee('id')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
  requires: [{ parent: 'workspace_new.workspaceMember', key: [assignee('id')] }],
});

export const taskTarget = map.table('workspace_new.taskTarget', {
  from: row,
  where: all(live(row), any(not(is(account('id'), null)), not(is(opportunity('id'), null)), not(is(contact, null)))),
  columns: {
    id: uuid(KEYS.tasks, row('id')),
    taskId: uuid(KEYS.tasks, row('id')),
    companyId: uuid(KEYS.accounts, account('id')),
    opportunityId: uuid(KEYS.opportunities, opportunity('id')),
    personId: uuid(KEYS.contacts, contact),
    ...times(row),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
  requires: [
    { parent: 'workspace_new.task', key: [row('id')] },
    { parent: 'workspace_new.company', key: [account('id')] },
    { parent: 'workspace_new.opportunity', key: [opportunity('id')] },
    { parent: 'workspace_new.person', key: [contact] },
  ],
});
