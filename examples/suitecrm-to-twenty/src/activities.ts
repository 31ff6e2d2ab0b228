import { enumeration } from '@changeover/cleaning';
import { constant, is, uuid, when, type DrivingRow, type TableRule } from '@changeover/mapping';

import { about } from './about.js';
import { body } from './composites.js';
import { KEYS, live, map, moment, times, words, wordsOrNone, type Shared } from './crm.js';
import { targets } from './targets.js';
import type { Source } from './types.js';

type Activities = 'public.notes' | 'public.tasks';

const notes = map.from('public.notes');
const tasks = map.from('public.tasks');
const assignee = tasks.join('assignee', 'public.users', { on: { id: tasks('assigned_user_id') } });

/** What notes and tasks have in common. */
function common<Row extends string>(row: Shared<Activities, Row>) {
  return {
    title: wordsOrNone(row('name')),
    ...body(words(row('description'))),
    createdBySource: constant('IMPORT'),
    ...times(row),
  } as const;
}

const note = map.table('workspace_new.note', {
  from: notes,
  name: 'note',
  where: live(notes),
  columns: { id: uuid(KEYS.notes, notes('id')), ...common(notes) },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
});

const task = map.table('workspace_new.task', {
  from: tasks,
  where: live(tasks),
  columns: {
    id: uuid(KEYS.tasks, tasks('id')),
    dueAt: moment(tasks('date_due')),
    status: enumeration(tasks('status'), {
      'Not Started': 'TODO',
      Deferred: 'TODO',
      'In Progress': 'IN_PROGRESS',
      'Pending Input': 'IN_PROGRESS',
      Completed: 'DONE',
    }),
    assigneeId: uuid(KEYS.users, assignee('id')),
    ...common(tasks),
  },
  key: ['id'],
  required: ['createdAt', 'updatedAt'],
  requires: [{ parent: 'workspace_new.workspaceMember', key: [assignee('id')] }],
});

/** A note or a task is about its parent, and about a contact, which may be the same. */
function links(kind: 'note' | 'task', row: DrivingRow<Source, Activities>): readonly TableRule[] {
  const parent = about(row, row('parent_id'));
  const named = row.join('named', 'public.contacts', { on: { id: row('contact_id') }, where: live });
  const same = row.join('same', row.source, { on: { id: row('id'), contact_id: parent.contact } });
  const activity = {
    ...(kind === 'note' && { rule: 'note' }),
    where: live(row),
    key: row('id'),
    id: uuid(kind === 'note' ? KEYS.notes : KEYS.tasks, row('id')),
    times: times(row),
  };
  const { account, opportunity, contact, lead } = parent;
  return [
    ...targets(kind, kind, row, { ...activity, about: { account, opportunity, contact, lead } }),
    ...targets(kind, `${kind}-named`, row, { ...activity, about: { contact: when([[is(same('id'), null), named('id')]]) } }),
  ];
}

export const activities = [note, task, ...links('note', notes), ...links('task', tasks)];
