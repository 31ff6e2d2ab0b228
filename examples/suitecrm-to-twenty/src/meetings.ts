import { enumeration } from '@changeover/cleaning';
import { uuid } from '@changeover/mapping';

import { KEYS, live, map, moment, times, wordsOrNone } from './crm.js';

const row = map.from('public.meetings');

export const calendarEvent = map.table('workspace_new.calendarEvent', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.meetings, row('id')),
    title: wordsOrNone(row('name')),
    description: wordsOrNone(row('description')),
    location: wordsOrNone(row('location')),
    isCanceled: enumeration(row('status'), { Planned: 'f', Held: 'f', 'Not Held': 't' }),
    startsAt: moment(row('date_start')),
    endsAt: moment(row('date_end')),
    ...times(row),
  },
  key: ['id'],
  required: ['isCanceled', 'createdAt', 'updatedAt'],
});

const guest = map.from('public.meetings_users');
const meeting = guest.join('meeting', 'public.meetings', { on: { id: guest('meeting_id') }, where: live });
const user = guest.join('user', 'public.users', { on: { id: guest('user_id') } });

export const participant = map.table('workspace_new.calendarEventParticipant', {
  from: guest,
  where: live(guest),
  columns: {
    id: uuid(KEYS.meetingUsers, guest('id')),
    displayName: wordsOrNone(user('user_name')),
    responseStatus: enumeration(guest('accept_status'), {
      none: 'NEEDS_ACTION',
      accept: 'ACCEPTED',
      decline: 'DECLINED',
      tentative: 'TENTATIVE',
    }),
    calendarEventId: uuid(KEYS.meetings, meeting('id')),
    workspaceMemberId: uuid(KEYS.users, user('id')),
    createdAt: moment(guest('date_modified')),
    updatedAt: moment(guest('date_modified')),
  },
  key: ['id'],
  // A link that stayed when its meeting was deleted is held, as it is about nothing any more.
  required: ['responseStatus', 'calendarEventId', 'createdAt', 'updatedAt'],
  requires: [
    { parent: 'workspace_new.calendarEvent', key: [meeting('id')] },
    { parent: 'workspace_new.workspaceMember', key: [user('id')] },
  ],
});
