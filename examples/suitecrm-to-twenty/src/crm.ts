import { htmlEntities, timestamp, trim } from '@changeover/cleaning';
import { constant, first, is, mapping, type Text, type Value, type Where } from '@changeover/mapping';

import type { Source, Target } from './types.js';

export const map = mapping<Source, Target>();

/** Of the UUIDs that are made of keys which are none, such as `1` and `seed_sarah_id`. A migration stays with those that it began with. */
export const KEYS = {
  users: '0c36bfde-5720-4e00-b607-d9d8a2c51ff2',
  accounts: 'c629ed59-cbb5-40ff-bf66-a0cef7f25eb3',
  contacts: '987c5b5c-558e-4763-ad9b-8c44ea7acfcf',
  opportunities: '27e057f4-b7e8-4950-bbfe-608faba3ef4f',
  notes: '6d490e27-c012-4ab6-bf12-72024ed8e210',
  tasks: '7af47696-aef3-4916-acbe-2a349e425a5a',
  meetings: '5fd890c2-b156-4ed4-aed8-18844bbbba15',
  meetingUsers: '537647f0-c5a6-4212-96ea-a73b36aca42f',
  calls: 'e78c9228-3985-45a3-bf51-efe4e0769d76',
} as const;

/** Nothing is deleted in SuiteCRM: rows are marked, links too, and a link stays when one of its ends is deleted. */
export function live<Row extends string>(row: (column: 'deleted') => Value<`${number}` | null, Row>): Where<Row> {
  return is(row('deleted'), '0');
}

/** As people wrote it: older versions stored it encoded for HTML. Null where nothing is left. */
export function words<Row>(value: Value<string | null, Row>): Value<string | null, Row> {
  return trim(htmlEntities(value, { until: 'stable', invalid: 'empty' }));
}

/** The same for columns of Twenty that hold an empty text where nothing is said. */
export function wordsOrNone<Row>(value: Value<string | null, Row>): Value<string, Row> {
  return first(words(value), constant(''));
}

/** SuiteCRM writes all times in UTC. */
export function moment<Row>(value: Value<string | null, Row>): Value<Text<'timestamp with time zone'> | null, Row> {
  return timestamp(value, { formats: ['YYYY-MM-DD HH:mm:ss'], zone: 'UTC', zeroDate: 'null', invalid: 'empty' });
}

/** When a row was made and last changed, which Twenty has to know of each. */
export function times<Row>(row: (column: 'date_entered' | 'date_modified') => Value<string | null, Row>): {
  readonly createdAt: Value<Text<'timestamp with time zone'> | null, Row>;
  readonly updatedAt: Value<Text<'timestamp with time zone'> | null, Row>;
} {
  const [made, changed] = [moment(row('date_entered')), moment(row('date_modified'))];
  return { createdAt: first(made, changed), updatedAt: first(changed, made) };
}
