import { all, constant, uuid, type DrivingRow, type TableRule, type Text, type Value, type Where } from '@changeover/mapping';

import type { About } from './about.js';
import { KEYS, map, partOf, there, type Times } from './crm.js';
import type { Source } from './types.js';

type Records = 'public.accounts' | 'public.contacts' | 'public.leads' | 'public.notes' | 'public.opportunities' | 'public.tasks';
type None<Row> = Value<null, Row>;

/** A note or a task, and what it is about. */
type Activity<Row> = {
  /** The rule that makes it; of a task there is one. */
  readonly rule?: string;
  readonly where: Where<Row>;
  /** Of the row that it is made of, and what it is called in Twenty. */
  readonly key: Value<string, Row>;
  readonly id: Value<Text<'uuid'>, Row>;
  readonly times: Times<Row>;
  readonly about: About<Row>;
};

/**
 * The links between an activity and what it is about. Twenty reads one record of each link, so there is one for each record; `name` tells the rules from
 * those for other activities.
 */
export function targets(
  kind: 'note' | 'task',
  name: string,
  from: DrivingRow<Source, Records>,
  { rule, where, key, id, times, about }: Activity<Records>,
): readonly TableRule[] {
  const none: None<Records> = constant(null);
  const link = (part: keyof About<Records>, other: Value<string | null, Records>): TableRule => {
    const common = {
      from,
      name: `${name}-${part}`,
      where: all(where, there(other)),
      key: ['id'],
      required: ['createdAt', 'updatedAt'],
    } as const;
    const columns = {
      id: partOf(KEYS.targets, key, `${name} ${part}`),
      companyId: part === 'account' ? uuid(KEYS.accounts, other) : none,
      opportunityId: part === 'opportunity' ? uuid(KEYS.opportunities, other) : none,
      personId: part === 'contact' ? uuid(KEYS.contacts, other) : part === 'lead' ? uuid(KEYS.leads, other) : none,
      ...times,
    };
    const record = parent(part, other);
    return kind === 'note'
      ? map.table('workspace_new.noteTarget', {
          ...common,
          columns: { ...columns, noteId: id },
          requires: [{ parent: 'workspace_new.note', ...(rule !== undefined && { rule }), key: [key] }, record],
        })
      : map.table('workspace_new.taskTarget', {
          ...common,
          columns: { ...columns, taskId: id },
          requires: [{ parent: 'workspace_new.task', key: [key] }, record],
        });
  };
  return Object.entries(about).map(([part, other]) => link(part as keyof About<Records>, other));
}

/** The row of Twenty that must be there before one that refers to it. */
function parent<Row>(
  part: keyof About<Row>,
  id: Value<string | null, Row>,
): {
  readonly parent: 'workspace_new.company' | 'workspace_new.opportunity' | 'workspace_new.person';
  readonly rule?: string;
  readonly key: readonly [Value<string | null, Row>];
} {
  if (part === 'account') return { parent: 'workspace_new.company', key: [id] };
  if (part === 'opportunity') return { parent: 'workspace_new.opportunity', rule: 'opportunity', key: [id] };
  return { parent: 'workspace_new.person', rule: part, key: [id] };
}
