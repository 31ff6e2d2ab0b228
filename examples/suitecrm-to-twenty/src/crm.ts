import { htmlEntities, timestamp, trim } from '@changeover/cleaning';
import { concat, constant, first, is, mapping, not, uuid, type Text, type Uuid, type Value, type Where } from '@changeover/mapping';

import type { Source, Target } from './types.js';

export const map = mapping<Source, Target>();

/** Of SuiteCRM's base currency (`-99`), which only its `config.php` names. Yours may be another one. */
export const BASE_CURRENCY = 'USD';
/** The country of phone numbers that are written without one, by people who have no country in their address. Yours may be another one. */
export const HOME_COUNTRY = 'US';

/** Of the UUIDs that are made of keys which are none, such as `1` and `seed_sarah_id`. A migration stays with those that it began with. */
export const KEYS = {
  users: '0c36bfde-5720-4e00-b607-d9d8a2c51ff2',
  accounts: 'c629ed59-cbb5-40ff-bf66-a0cef7f25eb3',
  contacts: '987c5b5c-558e-4763-ad9b-8c44ea7acfcf',
  leads: '714189ef-660e-4267-990d-d59f98e64917',
  opportunities: '27e057f4-b7e8-4950-bbfe-608faba3ef4f',
  notes: '6d490e27-c012-4ab6-bf12-72024ed8e210',
  tasks: '7af47696-aef3-4916-acbe-2a349e425a5a',
  meetings: '5fd890c2-b156-4ed4-aed8-18844bbbba15',
  calls: 'e78c9228-3985-45a3-bf51-efe4e0769d76',
  targets: 'c1024339-88b6-4eba-856a-f923e5bca21d',
  records: 'c5ca0507-9d8b-4eb2-8b09-01745f0a9d9c',
  invitations: '537647f0-c5a6-4212-96ea-a73b36aca42f',
} as const;

/** The UUID of another row that is made of the same row of the source: `part` says which. */
export function partOf<Row>(namespace: Uuid, id: Value<string, Row>, part: string): Value<Text<'uuid'>, Row> {
  return uuid(namespace, concat(':', constant(part), id));
}

/** Nothing is deleted in SuiteCRM: rows are marked, links too, and a link stays when one of its ends is deleted. */
export function live<Row extends string>(row: (column: 'deleted') => Value<`${number}` | null, Row>): Where<Row> {
  return is(row('deleted'), '0');
}

export function there<Row extends string>(value: Value<string | null, Row>): Where<Row> {
  return not(is(value, null));
}

/** As people wrote it: older versions stored it encoded for HTML. Null where nothing is left. */
export function words<Row>(value: Value<string | null, Row>): Value<string | null, Row> {
  return trim(htmlEntities(value, { until: 'stable', invalid: 'empty' }));
}

/** The same for columns of Twenty that hold an empty text where nothing is said. */
export function wordsOrNone<Row>(value: Value<string | null, Row>): Value<string, Row> {
  return first(words(value), constant(''));
}

export function fullName<Row>(row: (column: 'first_name' | 'last_name') => Value<string | null, Row>): Value<string | null, Row> {
  return concat(' ', words(row('first_name')), words(row('last_name')));
}

/** SuiteCRM writes all times in UTC. */
export function moment<Row>(value: Value<string | null, Row>): Value<Text<'timestamp with time zone'> | null, Row> {
  return timestamp(value, { formats: ['YYYY-MM-DD HH:mm:ss'], zone: 'UTC', zeroDate: 'null', invalid: 'empty' });
}

/** When a row was made and last changed, which Twenty has to know of each. */
export function times<Row>(row: (column: 'date_entered' | 'date_modified') => Value<string | null, Row>): Times<Row> {
  const [made, changed] = [moment(row('date_entered')), moment(row('date_modified'))];
  return { createdAt: first(made, changed), updatedAt: first(changed, made) };
}

/** Reads the columns that all of these tables have. */
export type Shared<Tables extends keyof Source, Row> = (column: keyof Source[Tables]['row']) => Value<string | null, Row>;

export type Times<Row> = {
  readonly createdAt: Value<Text<'timestamp with time zone'> | null, Row>;
  readonly updatedAt: Value<Text<'timestamp with time zone'> | null, Row>;
};
