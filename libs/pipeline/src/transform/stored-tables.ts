import type { ReadPosition, RecordRef, StateDraft, StateLook, TableSchema } from '@changeover/events';
import type { Converters, Mapping, TableRule } from '@changeover/mapping';

import { DerivedTables } from './derived-tables.js';
import { lookAtGeneration } from './generation-view.js';
import { MappedTables } from './mapped-tables.js';
import { SourceTables, type SourceTable } from './source-tables.js';
import { notWhole, wholePlace } from './stored-mirror.js';

export type StoredTablesOptions = {
  readonly migration: string;
  readonly mapping: Mapping;
  readonly converters: Converters;
  /** Gives a form that `changes` has told. */
  readonly fetch: (ref: RecordRef) => Promise<TableSchema>;
};

/** What transform works with, over what it has committed last. What is derived here is put into the draft, and nobody ever gets it. */
export type StoredTables = {
  /** The last record of `changes` that is in it. */
  readonly read: ReadPosition;
  /** Of what was derived under the mapping in force. */
  readonly look: StateLook;
  /** To be disposed of before the look. */
  readonly draft: StateDraft;
  readonly tables: SourceTables;
  /** In the order of their numbers: those of the mapping, then those of tables in circles. */
  readonly rules: readonly TableRule[];
  readonly derived: DerivedTables;
  /** Tables with a key whose rows pass by, with what they are at the target. Rows of a table in a circle are those of a rule. */
  readonly passed: ReadonlyMap<SourceTable, TableSchema>;
};

/** NOT_FOLLOWING: what is there is of no record, or not everything is derived yet. */
export async function openStoredTables(
  shown: StateLook,
  { migration, mapping, converters, fetch }: StoredTablesOptions,
): Promise<StoredTables> {
  const { read, phase, generation, tables: known, circles, left } = wholePlace(shown);
  const look = lookAtGeneration(shown, generation);
  if (phase.name === 'deriving') throw notWhole('everything is being derived for the first time');
  const draft = look.draft();
  const tables = await SourceTables.restore(draft, known, fetch);
  const mapped = new MappedTables(mapping, tables, circles);
  const passed = new Map(mapped.passedByKey().map(({ table, target }) => [table, target]));
  const rules = mapped.rules();
  const derived = new DerivedTables({
    ...{ migration, rules, converters, tables, state: draft },
    output: { add: () => undefined },
    isCopied: (name) => left.includes(name),
    correctable: mapped.correctable,
  });
  return { read, look, draft, tables, rules, derived, passed };
}
