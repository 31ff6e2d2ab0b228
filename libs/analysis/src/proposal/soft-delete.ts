import type { ColumnCondition } from '../column-profiler.port.js';
import { isNumberType, type ColumnProfile } from '../profile/column-profile.js';
import type { TableProfile } from '../table-profile.js';

const DELETED = /^(?:is_?)?(?:deleted|removed|trashed)(?:_?flag)?$/iu;
const DELETED_AT = /^(?:deleted|removed|trashed)_?(?:at|on|date)$/iu;
const NO = ['0', 'f', 'false', 'n', 'no', ''];

/** What a row has that was not thrown away; null: the table has no flag for it. */
export function notDeleted({ columns }: TableProfile): ColumnCondition | null {
  const flag = columns.find(({ name, used }) => DELETED.test(name) && used === 'boolean');
  if (flag !== undefined) return { column: flag.name, values: [...noOf(flag), ...(flag.nulls > 0 ? [null] : [])] };
  const moment = columns.find(
    ({ name, used, notNull }) => DELETED_AT.test(name) && !notNull && (used === 'timestamp' || used === 'date' || used === 'nothing'),
  );
  return moment === undefined ? null : { column: moment.name, values: [null] };
}

function noOf({ base, values }: ColumnProfile): readonly string[] {
  if (base === 'boolean') return ['f'];
  if (isNumberType(base)) return ['0'];
  const spelled = values.frequent.map(({ value }) => value).filter((value) => NO.includes(value.trim().toLowerCase()));
  return spelled.length > 0 ? spelled : ['0'];
}
