import type { ErrorCode } from '@changeover/core';
import type { HeldTotals, Verified, Whereabouts } from '@changeover/events';

import { totalsWords } from '../held/words.js';

/** What the target does not have as the source has it, in a line; `error` is why that is not known. */
export function heldLine(totals: HeldTotals | null, error: ErrorCode | null): string {
  if (totals === null) return `rows held, waiting and refused: not known${error === null ? ' yet' : ` (${error})`}`;
  const words = totalsWords(totals);
  return words === null ? 'no row is held, waits or is refused' : `${words}: changeover held list`;
}

const KINDS = { full: 'all rows', touched: 'the rows touched since the one before', sample: 'a sample of the rows' } as const;

/** What the last verification came to, in a line; empty where there was none. */
export function verifiedLine(verified: Verified | null): readonly string[] {
  if (verified === null) return [];
  const { kind, outcome, ended_ms } = verified;
  return [`last verification, ${new Date(ended_ms).toISOString()}: ${KINDS[kind]} ${outcome === 'equal' ? 'equal' : 'not all equal'}`];
}

/** Where the target is parked, in a line; empty where load follows the stream. */
export function parkedLine(where: Whereabouts | null): readonly string[] {
  if (where?.parked == null) return [];
  return [`the target was taken back to checkpoint ${where.parked.at}, and load stays there: changeover forward`];
}
