import type { HeldFilter, HeldRowList, ListedRow } from '@changeover/events';

import type { HeldListing } from './held-view.js';
import { allRows } from './words.js';

/** Reasons are as many as the mapping has rules and the target constraints. */
const MOST_GROUPS = 100;
/** Rows that one look at the target reads. */
const PAGE_ROWS = 1_000;

/** The tables of all rows that are held, wait or are refused. */
export async function readTables(list: HeldRowList): Promise<readonly string[]> {
  const groups = await list.groups({}, MOST_GROUPS);
  return [...new Set(groups.map(({ table }) => table))].sort();
}

/** Counts all that match, and reads the first `limit` of them, page by page. */
export async function readListing(list: HeldRowList, filter: HeldFilter, limit: number): Promise<HeldListing> {
  const totals = await list.totals(filter);
  const groups = await list.groups(filter, MOST_GROUPS);
  const rows: ListedRow[] = [];
  let after: string | null = null;
  do {
    const page = await list.page(filter, { limit: Math.min(PAGE_ROWS, limit - rows.length), after });
    rows.push(...page.rows);
    after = page.next;
  } while (after !== null && rows.length < limit);
  // Load goes on between the looks.
  return { totals, groups, rows, more: Math.max(0, allRows(totals) - rows.length) };
}
