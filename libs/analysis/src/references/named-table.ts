import { likeness, wordsOf } from '../names/words.js';

/** Who did something, or whose something is, is a user. */
const BY_USERS = new Set(['owner', 'author', 'editor', 'by', 'assigned', 'manager']);
/** What stands above a row of the same table. */
const ABOVE = new Set(['parent', 'master', 'predecessor', 'superior']);
const NO_MATTER = new Set(['id', 'uuid', 'key', 'fk', 'ref', 'c']);
/** Names that have less in common are two. */
const ALIKE = 0.75;

/** The one of `tables` that a column (or a word in one) of `own` names: `account_id`, `assigned_user_id`, `parent_id`, `Accounts`. Undefined: none, or two alike. */
export function namedTable(name: string, own: string, tables: readonly string[]): string | undefined {
  const words = wordsOf(name).filter((word) => !NO_MATTER.has(word));
  const last = words.at(-1);
  if (last === undefined) return undefined;
  const rated = tables
    .map((table) => ({ table, rating: rate(words, wordsOf(bare(table)), table === own) }))
    .filter(({ rating }) => rating >= ALIKE)
    .sort((one, other) => other.rating - one.rating);
  const [first, second] = rated;
  return first === undefined || second?.rating === first.rating ? undefined : first.table;
}

function rate(words: readonly string[], table: readonly string[], isOwn: boolean): number {
  const last = words.at(-1) ?? '';
  if (isOwn && ABOVE.has(last)) return 1;
  if (table.at(-1) === 'user' && words.some((word) => BY_USERS.has(word))) return table.length === 1 ? 1 : 0.9;
  // `primary_contact` names contacts: all that the table's name says, at the end of the column's.
  if (table.length > 0 && table.every((word, index) => words[words.length - table.length + index] === word))
    return 0.8 + 0.2 * likeness(words, table);
  return likeness(words, table);
}

/** Without its schema. */
export function bare(table: string): string {
  return table.slice(table.indexOf('.') + 1);
}
