import { ChangeoverError } from '@changeover/core';
import { tableName, type TableSchema } from '@changeover/events';
import { correctableTables, tableUse, type Mapping, type TableRule, type TableUse } from '@changeover/mapping';

import { circleRule, tablesInCircles, type PassingTable } from './circles.js';
import { missingReferences, referenceMissing } from './missing-references.js';
import type { SourceTable, SourceTables, ToldForm } from './source-tables.js';

/** What becomes of the captured tables under one mapping. */
export class MappedTables {
  readonly mapping: Mapping;
  /** Tables of which operators can correct rows. */
  readonly correctable: ReadonlySet<string>;
  readonly #tables: SourceTables;
  /** What becomes of a table, by the form that says it. */
  readonly #uses = new Map<ToldForm, TableUse>();
  #circles: readonly string[];

  /** `circles`: those of the tables that pass by whose rows are derived, as their foreign keys form circles. */
  constructor(mapping: Mapping, tables: SourceTables, circles: readonly string[]) {
    this.mapping = mapping;
    this.correctable = correctableTables(mapping);
    this.#tables = tables;
    this.#circles = circles;
  }

  /** Of tables as they are told now. REFERENCE_MISSING where the mapping looks up rows of the target that are not recorded. */
  static of(mapping: Mapping, tables: SourceTables): MappedTables {
    const missing = missingReferences(mapping, tables);
    if (missing.length > 0) throw referenceMissing(missing);
    const mapped = new MappedTables(mapping, tables, []);
    mapped.findCircles();
    return mapped;
  }

  get circles(): readonly string[] {
    return this.#circles;
  }

  /** A table has come: more of them may be in circles. */
  findCircles(): void {
    this.#circles = [...this.#circles, ...tablesInCircles(this.#keyedPassing()).filter((name) => !this.#circles.includes(name))];
  }

  use(form: ToldForm): TableUse {
    let use = this.#uses.get(form);
    if (use === undefined) this.#uses.set(form, (use = tableUse(this.mapping, form.schema)));
    return use;
  }

  /** Tables whose rows pass by, as they are now. */
  *passed(): Generator<{ readonly table: SourceTable; readonly target: TableSchema }> {
    for (const table of this.#tables) {
      const { passed } = this.use(table.form);
      if (passed !== null) yield { table, target: passed };
    }
  }

  /** The same of those whose rows go to the target as they are, by a key. */
  passedByKey(): readonly { readonly table: SourceTable; readonly target: TableSchema }[] {
    return [...this.passed()].filter(({ table }) => table.form.keyed && !this.#circles.includes(table.name));
  }

  /** Of the mapping, and of circles. */
  rules(): readonly TableRule[] {
    const passing = this.#keyedPassing();
    const circles = new Set(this.#circles);
    return [...this.mapping.rules, ...this.#circles.map((name) => circleRule(name, circles, passing))];
  }

  /** Of the tables whose rows pass by, those whose rows have a key: only they can be in circles. */
  #keyedPassing(): ReadonlyMap<string, PassingTable> {
    const keyed = [...this.passed()].filter(({ table }) => table.form.keyed);
    return new Map(keyed.map(({ table, target }) => [table.name, { source: table.form.schema, target }]));
  }
}

/**
 * Rows without a key are remembered nowhere, so another mapping has to do with them what the one before did. MAPPING_INVALID with the first table of which
 * it does not.
 */
export function requireSameUnkeyed(before: MappedTables, after: MappedTables, tables: SourceTables): void {
  const goesTo = (mapped: MappedTables, { form }: SourceTable): string | undefined => mapped.use(form).passed?.hash;
  const other = [...tables].find((table) => !table.form.keyed && goesTo(before, table) !== goesTo(after, table));
  if (other === undefined) return;
  const { passed } = before.use(other.form);
  const now = passed === null ? 'leaves it out' : `takes it to ${tableName(passed)}`;
  throw new ChangeoverError(
    'MAPPING_INVALID',
    `the rows of ${other.name} have no key and are not remembered, so another mapping cannot treat them otherwise: the active one ${now}`,
    { facts: { table: other.name } },
  );
}
