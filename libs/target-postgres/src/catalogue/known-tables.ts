import { ChangeoverError } from '@changeover/core';
import type { TableSchema } from '@changeover/events';

import type { Connection } from '../connection.js';
import { tableId } from '../net/net-row.js';
import { planTable, type TablePlan } from '../sql/table-plan.js';
import { readCatalogue } from './read-catalogue.js';
import { formDifference, formOf, type PinnedForms, type TableForm } from './table-form.js';
import type { TargetTable } from './target-table.js';

/** The target's tables that this migration writes: their forms as pinned, and plans for the forms of rows that were met. */
export class KnownTables {
  readonly #connection: Connection;
  #pinned: PinnedForms;
  readonly #tables = new Map<string, TargetTable>();
  /** By table, then by the hash of the rows' schema. */
  readonly #plans = new Map<string, Map<string, TablePlan>>();

  constructor(connection: Connection, pinned: PinnedForms) {
    this.#connection = connection;
    this.#pinned = pinned;
  }

  get tables(): ReadonlyMap<string, TargetTable> {
    return this.#tables;
  }

  /** Compares the pinned tables with the catalogue: TARGET_CHANGED with what differs. */
  async check(): Promise<void> {
    const names = Object.keys(this.#pinned);
    const tables = await this.#read(names.map(splitId));
    const differences = names.flatMap((id) => {
      const table = tables.get(id);
      const pinned = this.#pinned[id] as TableForm;
      const now = table === undefined ? null : formOf(table);
      return now?.hash === pinned.hash ? [] : formDifference(pinned, now).map((line) => `${id}: ${line}`);
    });
    if (differences.length > 0) {
      const message = `tables of the target are not as they were when the load began:\n${differences.join('\n')}`;
      throw new ChangeoverError('TARGET_CHANGED', message, { facts: { differences: differences.length } });
    }
    for (const [id, table] of tables) this.#tables.set(id, table);
  }

  /**
   * Reads tables met for the first time, inside the transaction that is about to fill them; gives their forms, to be pinned by that transaction.
   * TARGET_CHANGED if one does not exist, TARGET_NOT_EMPTY if one holds rows already. Call {@link keep} once it has committed.
   */
  async meet(schemas: readonly TableSchema[]): Promise<PinnedForms> {
    const fresh = new Map(
      schemas.flatMap((schema) => (this.#pinned[tableId(schema)] === undefined ? [[tableId(schema), schema] as const] : [])),
    );
    if (fresh.size === 0) return {};
    const tables = await this.#read([...fresh.values()]);
    const forms: Record<string, TableForm> = {};
    for (const [id, schema] of fresh) {
      const table = tables.get(id);
      if (table === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${id}`, { facts: { table: id } });
      const { name } = planTable(schema, table);
      const [found] = await this.#connection.query<{ rows: boolean }>(`SELECT EXISTS (SELECT FROM ${name}) AS rows`);
      if (found?.rows === true)
        throw new ChangeoverError('TARGET_NOT_EMPTY', `${id} of the target held rows before its first load`, { facts: { table: id } });
      this.#tables.set(id, table);
      forms[id] = formOf(table);
    }
    return forms;
  }

  keep(forms: PinnedForms): void {
    this.#pinned = { ...this.#pinned, ...forms };
  }

  plan(schema: TableSchema): TablePlan {
    const id = tableId(schema);
    let plans = this.#plans.get(id);
    if (plans === undefined) this.#plans.set(id, (plans = new Map<string, TablePlan>()));
    let plan = plans.get(schema.hash);
    if (plan === undefined) {
      const table = this.#tables.get(id);
      if (table === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${id}`, { facts: { table: id } });
      plans.set(schema.hash, (plan = planTable(schema, table)));
    }
    return plan;
  }

  async #read(names: readonly { readonly schema: string; readonly table: string }[]): Promise<Map<string, TargetTable>> {
    const tables = await readCatalogue((sql, values) => this.#connection.query(sql, values), names);
    return new Map(tables.map((table) => [tableId(table), table]));
  }
}

/** A schema's name may hold a dot as well; PostgreSQL's own tools can't tell either, and nobody names one so. */
function splitId(id: string): { schema: string; table: string } {
  const dot = id.indexOf('.');
  return { schema: id.slice(0, dot), table: id.slice(dot + 1) };
}
