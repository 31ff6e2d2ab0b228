import { countWords, type ErrorCode } from '@changeover/core';
import type { HeldTotals, Verified, Whereabouts } from '@changeover/events';

import type { MappingView } from '../activate/asked-for.js';
import { totalsWords } from '../held/words.js';

/** What the target does not have as the source has it, in a line; `error` is why that is not known. */
export function heldLine(totals: HeldTotals | null, error: ErrorCode | null): string {
  if (totals === null) return `rows held, waiting and refused: not known${error === null ? ' yet' : ` (${error})`}`;
  const words = totalsWords(totals);
  return words === null ? 'no row is held, waits or is refused' : `${words}: changeover held list`;
}

const KINDS = {
  full: 'all rows',
  tables: 'all rows of some tables',
  touched: 'the rows touched since the one before',
  sample: 'a sample of the rows',
} as const;

/** What the last verification came to, in a line; empty where there was none. */
export function verifiedLine(verified: Verified | null): readonly string[] {
  if (verified === null) return [];
  const { kind, outcome, ended_ms } = verified;
  return [`last verification, ${new Date(ended_ms).toISOString()}: ${KINDS[kind]} ${outcome === 'equal' ? 'equal' : 'not all equal'}`];
}

/** Which mapping is in force, which one was asked for and is not, and the last one that was refused since, in a line each; empty where transform has told none. */
export function mappingLines(mapping: MappingView | null): readonly string[] {
  if (mapping === null) return [];
  const { hash, record, pending } = mapping;
  const last = mapping.refused.at(-1);
  return [
    `mapping ${short(hash)} in force since record ${countWords(record)} of changes`,
    ...(last === undefined || last.record < record
      ? []
      : [`mapping ${short(last.hash)} refused at record ${countWords(last.record)} of changes: ${last.code}: ${last.reason}`]),
    ...(pending === null ? [] : [`mapping ${short(pending)} asked for, and not in force yet: changeover activate follows it`]),
  ];
}

function short(hash: string): string {
  return hash.slice(0, 12);
}

/** Where the target is parked, in a line; empty where load follows the stream. */
export function parkedLine(where: Whereabouts | null): readonly string[] {
  if (where?.parked == null) return [];
  return [`the target was taken back to checkpoint ${where.parked.at}, and load stays there: changeover forward`];
}
