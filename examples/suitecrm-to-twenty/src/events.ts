import { enumeration } from '@changeover/cleaning';
import { all, concat, constant, first, uuid, when, type DrivingRow, type TableRule, type Value } from '@changeover/mapping';

import { about } from './about.js';
import { fullName, KEYS, live, map, moment, there, times, words, wordsOrNone, type Shared } from './crm.js';
import { personOf } from './leads.js';
import type { Source } from './types.js';

type Events = 'public.calls' | 'public.meetings';
/** Who is invited to an event: each kind of guest in a table of its own. */
type Invitations = `public.${'calls' | 'meetings'}_${'contacts' | 'leads' | 'users'}`;

const calls = map.from('public.calls');
const meetings = map.from('public.meetings');

/** Calendar events hang on people only; what else one is about stands in its description. */
function common<Row extends string>(row: Shared<Events, Row>, said: Readonly<Record<string, Value<string | null, Row>>>) {
  const lines = Object.entries(said).map(([label, value]) => when([[there(value), concat(': ', constant(label), value)]]));
  return {
    description: first(concat('\n', words(row('description')), ...lines), constant('')),
    isCanceled: first(enumeration(row('status'), { Planned: 'f', Held: 'f', 'Not Held': 't' }), constant('f')),
    startsAt: moment(row('date_start')),
    endsAt: moment(row('date_end')),
    ...times(row),
  } as const;
}

/** Twenty has no calls; they are events like meetings. */
const call = map.table('workspace_new.calendarEvent', {
  from: calls,
  name: 'call',
  where: live(calls),
  columns: {
    id: uuid(KEYS.calls, calls('id')),
    title: concat(': ', constant('Call'), words(calls('name'))),
    location: constant(''),
    ...common(calls, { About: about(calls, calls('parent_id')).name, Direction: words(calls('direction')) }),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
});

const meeting = map.table('workspace_new.calendarEvent', {
  from: meetings,
  name: 'meeting',
  where: live(meetings),
  columns: {
    id: uuid(KEYS.meetings, meetings('id')),
    title: wordsOrNone(meetings('name')),
    location: wordsOrNone(meetings('location')),
    ...common(meetings, { About: about(meetings, meetings('parent_id')).name }),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
});

type Kind = 'call' | 'meeting';
type Guest<Row> = {
  readonly kind: 'contact' | 'lead' | 'user';
  readonly id: Value<string | null, Row>;
  readonly name: Value<string | null, Row>;
};
type Invitation<Table extends string> = readonly [row: DrivingRow<Source, Table & keyof Source>, event: Value<string | null, Table>];

/** Those who take part in one kind of event. A link that stayed when its event or its guest was deleted is one to nothing. */
function participants(
  event: Kind,
  [users, eventOfUser]: Invitation<'public.calls_users' | 'public.meetings_users'>,
  [contacts, eventOfContact]: Invitation<'public.calls_contacts' | 'public.meetings_contacts'>,
  [leads, eventOfLead]: Invitation<'public.calls_leads' | 'public.meetings_leads'>,
): readonly TableRule[] {
  const user = users.join('user', 'public.users', { on: { id: users('user_id') } });
  const contact = contacts.join('contact', 'public.contacts', { on: { id: contacts('contact_id') }, where: live });
  const lead = leads.join('lead', 'public.leads', { on: { id: leads('lead_id') }, where: live });
  const person = personOf(leads, lead);
  return [
    participant(event, 'user', [users, eventOfUser], { kind: 'user', id: user('id'), name: first(fullName(user), user('user_name')) }),
    participant(event, 'contact', [contacts, eventOfContact], { kind: 'contact', id: contact('id'), name: fullName(contact) }),
    participant(event, 'lead', [leads, eventOfLead], { kind: 'lead', id: person.lead, name: fullName(lead) }),
    participant(event, 'converted-lead', [leads, eventOfLead], { kind: 'contact', id: person.contact, name: fullName(lead) }),
  ];
}

function participant(event: Kind, name: string, [row, id]: Invitation<Invitations>, guest: Guest<Invitations>): TableRule {
  return map.table('workspace_new.calendarEventParticipant', {
    from: row,
    name: `${event}-${name}`,
    where: all(live(row), there(id), there(guest.id)),
    columns: {
      id: uuid(KEYS.invitations, row('id')),
      displayName: first(guest.name, constant('')),
      responseStatus: first(
        enumeration(row('accept_status'), { none: 'NEEDS_ACTION', accept: 'ACCEPTED', decline: 'DECLINED', tentative: 'TENTATIVE' }),
        constant('NEEDS_ACTION'),
      ),
      calendarEventId: uuid(event === 'call' ? KEYS.calls : KEYS.meetings, id),
      personId: guest.kind === 'user' ? constant(null) : uuid(guest.kind === 'contact' ? KEYS.contacts : KEYS.leads, guest.id),
      workspaceMemberId: guest.kind === 'user' ? uuid(KEYS.users, guest.id) : constant(null),
      createdAt: moment(row('date_modified')),
      updatedAt: moment(row('date_modified')),
    },
    key: ['id'],
    required: ['createdAt', 'updatedAt'],
    requires: [
      { parent: 'workspace_new.calendarEvent', rule: event, key: [id] },
      guest.kind === 'user'
        ? { parent: 'workspace_new.workspaceMember', key: [guest.id] }
        : { parent: 'workspace_new.person', rule: guest.kind, key: [guest.id] },
    ],
  });
}

/** A row that invites somebody, and the event, if that is there. */
function invitation<Table extends Invitations>(
  event: Events,
  row: DrivingRow<Source, Table>,
  id: Value<string | null, Table>,
): Invitation<Table> {
  return [row, row.join('event', event, { on: { id }, where: live })('id')];
}

const callUsers = map.from('public.calls_users');
const callContacts = map.from('public.calls_contacts');
const callLeads = map.from('public.calls_leads');
const meetingUsers = map.from('public.meetings_users');
const meetingContacts = map.from('public.meetings_contacts');
const meetingLeads = map.from('public.meetings_leads');

export const events = [
  call,
  meeting,
  ...participants(
    'call',
    invitation('public.calls', callUsers, callUsers('call_id')),
    invitation('public.calls', callContacts, callContacts('call_id')),
    invitation('public.calls', callLeads, callLeads('call_id')),
  ),
  ...participants(
    'meeting',
    invitation('public.meetings', meetingUsers, meetingUsers('meeting_id')),
    invitation('public.meetings', meetingContacts, meetingContacts('meeting_id')),
    invitation('public.meetings', meetingLeads, meetingLeads('meeting_id')),
  ),
];
