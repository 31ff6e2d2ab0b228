import { isNumberType, type ColumnProfile } from '../profile/column-profile.js';
import { isUuid } from '../profile/value-facts.js';

/** Whether values of a column can be those of a key's. Texts as they are written are compared, so both have to be written alike. */
export function couldMeet(column: ColumnProfile, key: ColumnProfile): boolean {
  if (isWhole(column) !== isWhole(key)) return false;
  // Of 60 of its values not one is a UUID: nor are most of the others.
  if (key.used === 'uuid' && column.used === 'text' && !column.values.frequent.some(({ value }) => isUuid(value))) return false;
  const longest = (profile: ColumnProfile): number => profile.maxLength ?? 0;
  const shortest = (profile: ColumnProfile): number => profile.minLength ?? 0;
  return shortest(column) <= longest(key) && longest(column) >= shortest(key);
}

/** Numbers that are all 0 or 1 are whole ones too. */
function isWhole({ used, base }: ColumnProfile): boolean {
  return used === 'integer' || (used === 'boolean' && isNumberType(base));
}
