import type { Clock } from '@changeover/core';
import type { HeldFilter, ListedRow } from '@changeover/events';
import { createHeldRowList, type AllSettings } from '@changeover/shell';

/** Rows that one look at the target reads, and between which others get a turn. */
const PAGE_ROWS = 1_000;

/** All rows of the list that match, page by page, each with its key: memory does not grow with them. `onRows`: told how many there were so far. */
export async function* listedRows(
  { migration, target, limits }: Pick<AllSettings, 'migration' | 'target' | 'limits'>,
  filter: HeldFilter,
  { clock, signal, onRows }: { readonly clock: Clock; readonly signal: AbortSignal; readonly onRows?: (rows: number) => void },
): AsyncGenerator<ListedRow> {
  const list = createHeldRowList(target, { migration, limits, clock });
  let read = 0;
  for (let after: string | null = null; ;) {
    const page = await list.page(filter, { limit: PAGE_ROWS, after });
    signal.throwIfAborted();
    yield* page.rows;
    onRows?.((read += page.rows.length));
    if (page.next === null) return;
    after = page.next;
  }
}
