import { ChangeoverError } from '@changeover/core';
import { referencesRead, referredTable, type Mapping } from '@changeover/mapping';

import type { SourceTable, SourceTables } from './source-tables.js';

/** The tables of the target (`schema.table`) that rules look up, and of which not all rows are recorded yet with all columns that rules read. */
export function missingReferences(mapping: Pick<Mapping, 'rules'>, tables: SourceTables): readonly string[] {
  return [...referencesRead(mapping)].filter(([name, read]) => !isRecorded(tables.find(name), read)).map(([name]) => referredTable(name));
}

/** The form told last is what is derived from; of a wider one all rows have to be told again first. */
function isRecorded(table: SourceTable | undefined, read: ReadonlySet<string>): boolean {
  return [table?.recordedForm, table?.form].every((form) => {
    const columns = new Set(form?.schema.columns.map(({ name }) => name));
    return form != null && [...read].every((name) => columns.has(name));
  });
}

export function referenceMissing(tables: readonly string[]): ChangeoverError {
  const names = tables.join(', ');
  return new ChangeoverError(
    'REFERENCE_MISSING',
    `the mapping looks up rows of ${names} at the target, which are not recorded yet, or not with all columns that it reads`,
    {
      facts: { tables: names },
    },
  );
}
