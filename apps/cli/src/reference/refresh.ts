import type { Clock, IdSource } from '@changeover/core';
import { openControl } from '@changeover/control-postgres';
import { loadMapping, type AllSettings } from '@changeover/shell';

import { readReferences, type TargetReferences } from './read-references.js';
import { differenceOf, recordedTables, requestsOf, type ReferenceDifference, type ReferenceTable } from './recorded-tables.js';

export type Refreshed = {
  readonly differences: readonly (ReferenceDifference & Pick<TargetReferences, 'absent'>)[];
  /** Ids of the requests that were made. */
  readonly requests: readonly string[];
};

/**
 * Reads what the mapping of the settings looks up at the target, in one snapshot, and asks that what differs from what was asked for before be recorded. `dryRun`: asks for nothing.
 */
export async function refreshReferences(
  settings: AllSettings,
  { clock, ids, signal, dryRun }: { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal; readonly dryRun: boolean },
): Promise<Refreshed> {
  const { migration, control: at, limits } = settings;
  const mapping = await loadMapping(settings.mapping);
  await using control = await openControl({ url: at.url, clock });
  const recorded = await recordedTables(control.requests, migration);
  const tables = await readReferences(settings, { migration, limits, clock }, { mapping, recorded });
  const differences = tables.map(({ table, absent }) => ({ ...differenceOf(table, recorded.get(table.name)), absent }));
  const requests: string[] = [];
  for (const difference of dryRun ? [] : differences.filter(({ isNew }) => isNew)) {
    for (const payload of requestsOf(difference)) {
      signal.throwIfAborted();
      const id = ids.uuid();
      await control.requests.submit({ migration, id, kind: 'reference', payload });
      requests.push(id);
    }
  }
  return { differences, requests };
}

/** What was asked to be recorded so far. */
export async function listReferences({ migration, control: at }: AllSettings, clock: Clock): Promise<readonly ReferenceTable[]> {
  await using control = await openControl({ url: at.url, clock });
  return [...(await recordedTables(control.requests, migration)).values()];
}
