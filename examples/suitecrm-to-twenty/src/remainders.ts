import { all, any, concat, constant, when, type DrivingRow, type TableRule, type Value } from '@changeover/mapping';

import type { About } from './about.js';
import { body } from './composites.js';
import { fullName, KEYS, live, map, partOf, there, times, words } from './crm.js';
import { targets } from './targets.js';
import type { Source } from './types.js';

type Records = 'public.accounts' | 'public.contacts' | 'public.leads' | 'public.opportunities';
type Words = Value<string | null, Records>;

/**
 * A note for what Twenty has no columns for: a line for each thing that is said, as it was written; `title` is what the record is called. The
 * first that the note is about names its rule.
 */
export function remainder(
  row: DrivingRow<Source, Records>,
  about: About<Records>,
  title: Words,
  said: Readonly<Record<string, Words>>,
): readonly TableRule[] {
  const [name = ''] = Object.keys(about);
  const lines = Object.entries(said).map(([label, value]) => [label, words(value)] as const);
  const [one, ...others] = lines.map(([label, value]) => when([[there(value), concat(': ', constant(label), value)]])) as [
    Words,
    ...Words[],
  ];
  const activity = {
    rule: name,
    where: all(live(row), any(there(one), ...others.map(there))),
    key: row('id'),
    id: partOf(KEYS.records, row('id'), name),
    times: times(row),
  };
  const note = map.table('workspace_new.note', {
    from: row,
    name,
    where: activity.where,
    columns: {
      id: activity.id,
      title: concat(': ', constant('From SuiteCRM'), title),
      ...body(concat('\n', one, ...others)),
      createdBySource: constant('IMPORT'),
      ...activity.times,
    },
    key: ['id'],
    required: ['createdAt', 'updatedAt'],
  });
  return [note, ...targets('note', `${name}-record`, row, { ...activity, about })];
}

/** What the user is called whom a record is assigned to. */
export function ownerOf<Name extends keyof Source>(
  row: DrivingRow<Source, Name>,
  id: Value<string | null, Name>,
): Value<string | null, Name> {
  return fullName(row.join('owner', 'public.users', { on: { id } }));
}
