import { constant, first, is, uuid } from '@changeover/mapping';

import { addresses } from './composites.js';
import { KEYS, map, moment, times, words } from './crm.js';

const row = map.from('public.users');
const mail = addresses(row, row('id'), 'Users');
/** The row itself, if it is deleted: then, and only then, it has a day on which that was done. */
const gone = row.join('gone', 'public.users', { on: { id: row('id') }, where: (user) => is(user('deleted'), '1') });

/** Everybody comes along, also who has left: what they own and wrote goes on to refer to them. */
export const member = map.table('workspace_new.workspaceMember', {
  from: row,
  columns: {
    id: uuid(KEYS.users, row('id')),
    // The account with which somebody logs in stands in another schema; it gets this id when it is made.
    userId: uuid(KEYS.users, row('id')),
    nameFirstName: words(row('first_name')),
    nameLastName: first(words(row('last_name')), row('user_name')),
    // No `unique`: two users without an address are no conflict, for the index leaves the empty text out.
    userEmail: first(mail.primary, constant('')),
    ...times(row),
    deletedAt: moment(gone('date_modified')),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
});
