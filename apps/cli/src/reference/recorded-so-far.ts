import { openControl, probeControl } from '@changeover/control-postgres';

import { recordedTables, type ReferenceTable } from './recorded-tables.js';

/** What was asked to be recorded so far, by what joins call the tables; nothing, where the migration was never started. Makes nothing there. */
export async function recordedSoFar(controlUrl: string, migration: string): Promise<ReadonlyMap<string, ReferenceTable>> {
  const { hasSchema, mayUse } = await probeControl(controlUrl);
  if (!hasSchema || !mayUse) return new Map();
  await using control = await openControl({ url: controlUrl });
  return await recordedTables(control.requests, migration);
}
