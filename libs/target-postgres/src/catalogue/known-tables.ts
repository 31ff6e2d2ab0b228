import { ChangeoverError } from '@changeover/core';
import { OWN_TABLES, type TableSchema } from '@changeover/events';

import type { Connection } from '../connection.js';
import { tableId } from '../net/net-row.js';
import { isOurs } from '../own-schema.js';
import type { PreexistingRows } from '../preexisting-rows.js';
import { missingColumns, planTable, type TablePlan } from '../sql/table-plan.js';
import { Catalogue } from './catalogue.js';
import { readCatalogue } from './read-catalogue.js';
import { formDifference, formOf, takesAllOf, type PinnedForms, type TableForm } from './table-form.js';
import type { TargetTable } from './target-table.js';

/** The target's tables that this migration writes: their forms as pinned, and plans for the forms of rows that were met. */
export class KnownTables {
  readonly preexisting: PreexistingRows;
  readonly #connection: Connection;
  #pinned: PinnedForms;
  /** Forms of pinned tables that take more than the pinned ones did; the next transaction that writes rows pins them. */
  #wider: PinnedForms = {};
  #catalogue = new Catalogue(new Map());
  /** By table, then by the hash of the rows' schema. */
  readonly #plans = new Map<string, Map<string, TablePlan>>();

  constructor(connection: Connection, pinned: PinnedForms, preexisting: PreexistingRows) {
    this.preexisting = preexisting;
    this.#connection = connection;
    this.#pinned = pinned;
  }

  get catalogue(): Catalogue {
    return this.#catalogue;
  }

  /**
   * Compares the pinned tables with the catalogue: TARGET_CHANGED with what differs, unless they only take more than they did ({@link takesAllOf}).
   * Gives whether they do, and did not when we last looked.
   */
  async check(): Promise<boolean> {
    const names = Object.keys(this.#pinned);
    const tables = await this.#read([...names.map(splitId), ...OWN_TABLES]);
    const isAsPinned = (id: string, table: TargetTable | undefined): boolean =>
      table !== undefined && formOf(table).hash === this.#pinned[id]?.hash;
    const others = names.filter((id) => !isAsPinned(id, tables.get(id)));
    // Pinned when names were still printed as the path has them, perhaps.
    const asOnce = await this.#read(others.map(splitId), 'as the path has them');
    const wider: Record<string, TableForm> = {};
    const differences = others.flatMap((id) => {
      const pinned = this.#pinned[id] as TableForm;
      const table = tables.get(id);
      const once = asOnce.get(id);
      if (table === undefined || once === undefined) return formDifference(pinned, null).map((line) => `${id}: ${line}`);
      if (takesAllOf(pinned, table) || takesAllOf(pinned, once)) {
        wider[id] = formOf(table);
        return [];
      }
      const [fewest] = [table, once].map((seen) => formDifference(pinned, formOf(seen))).sort((a, b) => a.length - b.length);
      return (fewest as string[]).map((line) => `${id}: ${line}`);
    });
    if (differences.length > 0) {
      const message = `tables of the target are not as they were when the load began:\n${differences.join('\n')}`;
      throw new ChangeoverError('TARGET_CHANGED', message, { facts: { differences: differences.length } });
    }
    const fresh = Object.keys(wider).filter((id) => wider[id]?.hash !== this.#wider[id]?.hash);
    // Plans name the columns' types.
    for (const id of fresh) this.#plans.delete(id);
    this.#look(tables);
    this.#wider = wider;
    return fresh.length > 0;
  }

  /** Whether one of these tables, as we know it, has not all the columns of its rows: it may have got them since. */
  lacksColumns(schemas: readonly TableSchema[]): boolean {
    return schemas.some((schema) => {
      const table = this.#pinned[tableId(schema)] === undefined ? undefined : this.#catalogue.tables.get(tableId(schema));
      return table !== undefined && missingColumns(schema, table).length > 0;
    });
  }

  /**
   * Reads tables met for the first time, inside the transaction that is about to fill them; gives all forms that are to be pinned by that transaction.
   * {@link OWN_TABLES} are not pinned: they are ours, have our version, and hold the rows of other migrations as well.
   * TARGET_CHANGED if one does not exist, TARGET_NOT_EMPTY if one holds rows that cannot stay ({@link PreexistingRows}). Call {@link keep} once it has committed.
   */
  async meet(schemas: readonly TableSchema[]): Promise<PinnedForms> {
    const theirs = schemas.filter((schema) => !isOwnTable(schema));
    const fresh = new Map(
      theirs.flatMap((schema) => (this.#pinned[tableId(schema)] === undefined ? [[tableId(schema), schema] as const] : [])),
    );
    if (fresh.size === 0) return this.#wider;
    const tables = await this.#read([...fresh.values()]);
    const forms: Record<string, TableForm> = { ...this.#wider };
    for (const [id, schema] of fresh) {
      const table = tables.get(id);
      if (table === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${id}`, { facts: { table: id } });
      await this.preexisting.meet(planTable(schema, table));
      // A plan may be left of an attempt that was rolled back.
      this.#plans.delete(id);
      forms[id] = formOf(table);
    }
    this.#look(tables);
    return forms;
  }

  keep(forms: PinnedForms): void {
    this.#pinned = { ...this.#pinned, ...forms };
    this.#wider = Object.fromEntries(Object.entries(this.#wider).filter(([id, form]) => this.#pinned[id] !== form));
  }

  plan(schema: TableSchema): TablePlan {
    const id = tableId(schema);
    let plans = this.#plans.get(id);
    if (plans === undefined) this.#plans.set(id, (plans = new Map<string, TablePlan>()));
    let plan = plans.get(schema.hash);
    if (plan === undefined) {
      const table = this.#catalogue.tables.get(id);
      if (table === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${id}`, { facts: { table: id } });
      plans.set(schema.hash, (plan = planTable(schema, table)));
    }
    return plan;
  }

  #look(tables: ReadonlyMap<string, TargetTable>): void {
    this.#catalogue = new Catalogue(new Map([...this.#catalogue.tables, ...tables]));
  }

  async #read(
    wanted: readonly { readonly schema: string; readonly table: string }[],
    names?: 'as the path has them',
  ): Promise<Map<string, TargetTable>> {
    const read = async (some: typeof wanted): Promise<readonly TargetTable[]> =>
      readCatalogue((sql, values) => this.#connection.query(sql, values), some, names);
    const tables = new Map((await read(wanted)).map((table) => [tableId(table), table]));
    if (!this.preexisting.guardsReferences) return tables;
    // Tables of which no row of ours may ever come, too: what stands there must not go with ours.
    for (let next = [...tables.values()]; next.length > 0;) {
      const children = next.flatMap(({ referencedBy }) => referencedBy).filter((child) => !tables.has(tableId(child)));
      next = children.length === 0 ? [] : [...(await read(children))];
      for (const table of next) tables.set(tableId(table), table);
    }
    return tables;
  }
}

/** MAPPING_INVALID if it is another table of our own schema. */
function isOwnTable(schema: TableSchema): boolean {
  if (!isOurs(schema)) return false;
  if (OWN_TABLES.some(({ table }) => table === schema.table)) return true;
  throw new ChangeoverError(
    'MAPPING_INVALID',
    `the mapping writes ${tableId(schema)}, but the schema ${schema.schema} of the target is our own`,
  );
}

/** A schema's name may hold a dot as well; PostgreSQL's own tools can't tell either, and nobody names one so. */
function splitId(id: string): { schema: string; table: string } {
  const dot = id.indexOf('.');
  return { schema: id.slice(0, dot), table: id.slice(dot + 1) };
}
