import { all, any, constant, first, is, not, uuid } from '@changeover/mapping';

import { about } from './about.js';
import { KEYS, live, map, times, words, wordsOrNone } from './crm.js';

const row = map.from('public.notes');
const { account, opportunity, contact: parent } = about(row, row('parent_id'));
const named = row.join('named', 'public.contacts', { on: { id: row('contact_id') }, where: live });
const contact = first(named('id'), parent('id'));

export const note = map.table('workspace_new.note', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.notes, row('id')),
    title: wordsOrNone(row('name')),
    bodyV2Markdown: words(row('description')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
});

/** One row for all that a note is about, under the note's id: SuiteCRM names one parent and one contact at most. */
export const noteTarget = map.table('workspace_new.noteTarget', {
  from: row,
  where: all(live(row), any(not(is(account('id'), null)), not(is(opportunity('id'), null)), not(is(contact, null)))),
  columns: {
    id: uuid(KEYS.notes, row('id')),
    noteId: uuid(KEYS.notes, row('id')),
    companyId: uuid(KEYS.accounts, account('id')),
    opportunityId: uuid(KEYS.opportunities, opportunity('id')),
    personId: uuid(KEYS.contacts, contact),
    ...times(row),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
  requires: [
    { parent: 'workspace_new.note', key: [row('id')] },
    { parent: 'workspace_new.company', key: [account('id')] },
    { parent: 'workspace_new.opportunity', key: [opportunity('id')] },
    { parent: 'workspace_new.person', key: [contact] },
  ],
});
