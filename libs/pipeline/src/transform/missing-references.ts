import { ChangeoverError } from '@changeover/core';
import { referencesRead, referredTable, type Mapping } from '@changeover/mapping';

import type { SourceTables } from './source-tables.js';

/** The tables of the target (`schema.table`) that rules look up, and of which not all rows are recorded yet. */
export function missingReferences(mapping: Pick<Mapping, 'rules'>, tables: SourceTables): readonly string[] {
  return [...referencesRead(mapping).keys()].filter((name) => (tables.find(name)?.firstRows ?? null) === null).map(referredTable);
}

export function referenceMissing(tables: readonly string[]): ChangeoverError {
  const names = tables.join(', ');
  return new ChangeoverError('REFERENCE_MISSING', `the mapping looks up rows of ${names} at the target, which are not recorded yet`, {
    facts: { tables: names },
  });
}
