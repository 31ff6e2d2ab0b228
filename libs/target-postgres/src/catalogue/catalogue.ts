import type { ForeignKey, TargetTable } from './target-table.js';

/**
 * A foreign key by which the target would delete or change rows of a table that we load, on its own, when the row they refer to goes or changes its
 * key. Whatever the source's own cascades do comes to us as changes of the rows, so a cascade of the target has nothing to do but harm: what it would take
 * along are rows that the source still has. It is never let: a row that others stand on waits, as it would if the foreign key had no action.
 * Tables that nothing of ours writes are the target's own, and its cascades there are left to it.
 */
export type Cascade = { readonly child: TargetTable; readonly foreignKey: ForeignKey };

/** pg_constraint's letters for cascade, set null and set default. */
const ACTS: ReadonlySet<string> = new Set(['c', 'n', 'd']);

/** The tables that we load, as one look showed them: another look makes another catalogue, so what follows from the tables is worked out once. */
export class Catalogue {
  readonly tables: ReadonlyMap<string, TargetTable>;
  /** By what happens to a row of which table. */
  readonly #cascades = new Map<string, Cascade[]>();

  constructor(tables: ReadonlyMap<string, TargetTable>) {
    this.tables = tables;
    for (const child of tables.values())
      for (const foreignKey of child.foreignKeys) {
        if (ACTS.has(foreignKey.onDelete)) this.#add('delete', { child, foreignKey });
        if (ACTS.has(foreignKey.onUpdate)) this.#add('update', { child, foreignKey });
      }
  }

  /** What starts when a row of `parent` is deleted, or when the columns that are referred to are updated. */
  cascadesFrom({ schema, table }: TargetTable, kind: 'update' | 'delete'): readonly Cascade[] {
    return this.#cascades.get(`${kind} ${schema}.${table}`) ?? [];
  }

  #add(kind: 'update' | 'delete', cascade: Cascade): void {
    const id = `${kind} ${cascade.foreignKey.toSchema}.${cascade.foreignKey.toTable}`;
    const known = this.#cascades.get(id);
    if (known === undefined) this.#cascades.set(id, [cascade]);
    else known.push(cascade);
  }
}
