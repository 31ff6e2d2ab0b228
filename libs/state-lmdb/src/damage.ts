import { ChangeoverError } from '@changeover/core';

/** PAGE_NOTFOUND, CORRUPTED, PANIC, VERSION_MISMATCH, INVALID, CURSOR_FULL, PAGE_FULL, INCOMPATIBLE, BAD_TXN (one of these, of which lmdb-js did not tell), PROBLEM. */
const DAMAGE: ReadonlySet<unknown> = new Set([-30797, -30796, -30795, -30794, -30793, -30787, -30786, -30784, -30782, -30779]);

/** Whether LMDB has met something that it has not written. */
export function isDamage(error: unknown): boolean {
  return DAMAGE.has((error as { readonly code?: unknown } | null)?.code);
}

/** What is thrown for what LMDB has thrown while it read. */
export function asReadError(error: unknown): unknown {
  return isDamage(error) ? new ChangeoverError('STATE_DAMAGED', 'the file of the state cannot be read', { cause: error }) : error;
}
