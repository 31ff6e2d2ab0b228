import type { ReadPosition, RecordRef, StateDraft, StateLook, TableSchema } from '@changeover/events';
import { correctableTables, tableUse, type Converters, type Mapping, type TableRule } from '@changeover/mapping';

import { circleRule, type PassingTable } from './circles.js';
import { DerivedTables } from './derived-tables.js';
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
  look: StateLook,
  { migration, mapping, converters, fetch }: StoredTablesOptions,
): Promise<StoredTables> {
  const { read, phase, tables: known, circles, left } = wholePlace(look);
  if (phase.name !== 'following') throw notWhole('everything is being derived for the first time');
  const draft = look.draft();
  const tables = await SourceTables.restore(draft, known, fetch);
  const passing = new Map<string, PassingTable>();
  const passed = new Map<SourceTable, TableSchema>();
  for (const table of tables) {
    const { passed: target } = tableUse(mapping, table.form.schema);
    if (target === null || !table.form.keyed) continue;
    passing.set(table.name, { source: table.form.schema, target });
    if (!circles.includes(table.name)) passed.set(table, target);
  }
  const inCircles = new Set(circles);
  const rules = [...mapping.rules, ...circles.map((name) => circleRule(name, inCircles, passing))];
  const derived = new DerivedTables({
    ...{ migration, rules, converters, tables, state: draft },
    output: { add: () => undefined },
    isCopied: (name) => left.includes(name),
    correctable: correctableTables(mapping),
  });
  return { read, draft, tables, rules, derived, passed };
}
