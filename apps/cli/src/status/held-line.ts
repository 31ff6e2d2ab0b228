import type { ErrorCode } from '@changeover/core';
import type { HeldTotals } from '@changeover/events';

import { totalsWords } from '../held/words.js';

/** What the target does not have as the source has it, in a line; `error` is why that is not known. */
export function heldLine(totals: HeldTotals | null, error: ErrorCode | null): string {
  if (totals === null) return `rows held, waiting and refused: not known${error === null ? ' yet' : ` (${error})`}`;
  const words = totalsWords(totals);
  return words === null ? 'no row is held, waits or is refused' : `${words}: changeover held list`;
}
