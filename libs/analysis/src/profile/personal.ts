import { wordsOf } from '../names/words.js';
import { isTextType, type ColumnProfile } from './column-profile.js';

/** What personal data a column holds. */
type PersonalKind =
  | 'person name'
  | 'login'
  | 'e-mail'
  | 'phone'
  | 'postal address'
  | 'birth date'
  | 'bank account'
  | 'identity number'
  | 'network address'
  | 'free text';

export type Personal = { readonly kind: PersonalKind; readonly by: 'values' | 'name' | 'values and name' };

const BY_MATTER = { email: 'e-mail', phone: 'phone', iban: 'bank account', ip: 'network address' } as const;

/** Words of a name and what they say; the first that fits counts. */
const BY_WORDS: readonly (readonly [PersonalKind, ReadonlySet<string>])[] = [
  ['e-mail', new Set(['email'])],
  ['phone', new Set(['phone', 'mobile', 'fax'])],
  ['person name', new Set(['firstname', 'lastname', 'fullname', 'salutation', 'nickname', 'maiden'])],
  ['login', new Set(['login'])],
  ['birth date', new Set(['birth'])],
  ['bank account', new Set(['iban', 'bic', 'swift'])],
  ['identity number', new Set(['ssn', 'passport', 'taxid', 'vat', 'sin', 'nino'])],
  ['postal address', new Set(['street', 'address', 'city', 'zip', 'country', 'county', 'postal'])],
  ['network address', new Set(['ip'])],
  ['free text', new Set(['description', 'note', 'subject', 'message', 'memo'])],
];
const PERSON_WORDS = ['firstname', 'lastname'];
/** From so many characters on somebody may have written anything. */
const LONG_TEXT = 80;
const MANY_VALUES = 10;

/**
 * The personal data in the columns of one table, by column: what their values are, or what they are called where nothing speaks against it. A country is
 * personal where there is more of somebody's in its table.
 */
export function personalData(table: string, columns: readonly ColumnProfile[]): ReadonlyMap<string, Personal> {
  const found = new Map<string, Personal>();
  const persons = columns.some(({ name }) => wordsOf(name).some((word) => PERSON_WORDS.includes(word)));
  for (const column of columns) {
    const personal = personalOf(column);
    if (personal === null) continue;
    if (personal.kind === 'postal address' && isCountryAlone(column) && !persons) continue;
    found.set(column.name, personal);
  }
  return found;
}

function personalOf(column: ColumnProfile): Personal | null {
  const { used, matter } = column;
  const words = wordsOf(column.name);
  const named = BY_WORDS.find(([, said]) => words.some((word) => said.has(word)))?.[0];
  const byMatter = matter !== null && matter in BY_MATTER ? BY_MATTER[matter as keyof typeof BY_MATTER] : undefined;
  if (byMatter !== undefined) return { kind: byMatter, by: named === byMatter ? 'values and name' : 'values' };
  if (named === undefined) return isLongText(column) ? { kind: 'free text', by: 'values' } : null;
  // The name of a key, or of a flag, is about something that lies elsewhere.
  if (column.filled === 0 || used === 'boolean' || used === 'uuid') return null;
  if (named === 'birth date') return used === 'date' || used === 'timestamp' || used === 'text' ? { kind: named, by: 'name' } : null;
  if (!isTextType(column.base) || column.labels !== null || used === 'integer') return null;
  if (named === 'free text') return column.distinct >= MANY_VALUES || isWritten(column) ? { kind: named, by: 'name' } : null;
  return { kind: named, by: 'name' };
}

function isCountryAlone({ name }: ColumnProfile): boolean {
  const words = wordsOf(name);
  return words.includes('country') && !words.includes('street');
}

function isLongText({ used, maxLength, distinct, labels, base }: ColumnProfile): boolean {
  return used === 'text' && labels === null && isTextType(base) && (maxLength ?? 0) >= LONG_TEXT && distinct >= MANY_VALUES;
}

/** Words with spaces between them, not codes. */
function isWritten({ used, values }: ColumnProfile): boolean {
  return used === 'text' && values.frequent.some(({ value }) => /\p{L}\s\p{L}/u.test(value));
}
