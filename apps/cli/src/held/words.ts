import { countWords } from '@changeover/core';
import type { HeldState, HeldTotals } from '@changeover/events';

/** In the order in which they are told. */
export const HELD_STATES: readonly HeldState[] = ['held', 'waiting', 'refused', 'noted'];

/** `2 held and 1 refused rows`; null where there are none. */
export function totalsWords(totals: HeldTotals): string | null {
  const parts = HELD_STATES.flatMap((state) => {
    const rows = totals[state] ?? 0;
    return rows === 0 ? [] : [`${countWords(rows)} ${state}`];
  });
  const last = parts.pop();
  if (last === undefined) return null;
  const rows = allRows(totals);
  return `${parts.length === 0 ? last : `${parts.join(', ')} and ${last}`} ${rows === 1 ? 'row' : 'rows'}`;
}

/** Of all states. */
export function allRows(totals: HeldTotals): number {
  return HELD_STATES.reduce((sum, state) => sum + (totals[state] ?? 0), 0);
}

/** Control characters, line and paragraph separators, and what changes the direction of writing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const ALL_UNSEEN = new RegExp(UNSEEN, 'gu');

/** A text of the data as a word of a shell, so that a key of the list can be pasted behind `held show`. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text)) return text;
  if (!UNSEEN.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const bytes = (character: string): string =>
    Array.from(Buffer.from(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return `$'${text.replace(/[\\']/g, '\\$&').replace(ALL_UNSEEN, bytes)}'`;
}

/** The same for people: what would move their cursor, or looks like nothing, is an escape. */
export function visible(text: string): string {
  return text.replace(ALL_UNSEEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** `schema.table`; a name by itself is in `public`. */
export function qualified(table: string): string {
  return table.includes('.') ? table : `public.${table}`;
}
