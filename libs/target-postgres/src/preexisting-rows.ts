import { ChangeoverError, countWords } from '@changeover/core';

import { isUniqueOf } from './apply/claims.js';
import type { Connection } from './connection.js';
import type { NetRow } from './net/net-row.js';
import { RowFields } from './sql/row-fields.js';
import { alias } from './sql/row-statements.js';
import type { TablePlan } from './sql/table-plan.js';
import { Unnest } from './sql/unnest.js';
import { verdictOf } from './sql-state.js';

/**
 * What becomes of rows that stand in a table before its first load.
 *
 * - `refuse`: TARGET_NOT_EMPTY, nothing is written.
 * - `leave`: nothing of ours changes or deletes them. Where a row of ours would have the key of one of them, load stops (TARGET_NOT_EMPTY): two rows that are not the same must
 *   not become one, nor what refers to the one come to refer to the other. They are known by the keys that they had: who gives one of them another key makes it a row like
 *   any other. A foreign key of ours that names one of them, as a constant of the mapping may, refers to it.
 */
export type PreexistingPolicy = 'refuse' | 'leave';

/** Rows that are left are known by their keys, and every row that is written is held against those: more are refused. */
export const MOST_LEFT_ROWS = 100_000;

const WITHOUT_KEY = 'without a key, nobody can tell them from ours';

/** The key of a row before (`o`) and behind (`c`) a change. */
type Side = 'o' | 'c';
const SIDES: readonly Side[] = ['o', 'c'];

/** The rows that stood in the target's tables before the first load of this migration, by their keys: `changeover.preexisting`. */
export class PreexistingRows {
  readonly #connection: Connection;
  readonly #migration: string;
  readonly #policy: PreexistingPolicy;
  /** Tables that have some; of one whose transaction was rolled back it costs a look. */
  readonly #tables: Set<string>;

  private constructor(connection: Connection, migration: string, policy: PreexistingPolicy, tables: Set<string>) {
    this.#connection = connection;
    this.#migration = migration;
    this.#policy = policy;
    this.#tables = tables;
  }

  static async read(connection: Connection, migration: string, policy: PreexistingPolicy): Promise<PreexistingRows> {
    const found = await connection.query<{ id: string }>(
      `SELECT DISTINCT table_schema || '.' || table_name AS id FROM changeover.preexisting WHERE migration = $1`,
      [migration],
    );
    return new PreexistingRows(connection, migration, policy, new Set(found.map(({ id }) => id)));
  }

  /** Whether rows are, or may come to be, left in tables: then nothing that refers to ours may be taken along by the target's cascades, whatever its table. */
  get guardsReferences(): boolean {
    return this.#policy === 'leave' || this.#tables.size > 0;
  }

  /** Whether rows may be left in the table. */
  isLeftIn({ id }: TablePlan): boolean {
    return this.#tables.has(id);
  }

  /** TARGET_NOT_EMPTY if rows may be left in the table: it cannot be emptied as a whole. */
  requireNoneIn(plan: TablePlan): void {
    if (this.isLeftIn(plan))
      throw notEmpty(plan.id, `the source emptied the table of ${plan.id} of the target, in which rows were to be left`);
  }

  /**
   * A table that is about to be filled for the first time, in the transaction that does it: writes down the keys of the rows that it holds. TARGET_NOT_EMPTY if it holds rows
   * that are not to be left, or cannot be.
   */
  async meet(plan: TablePlan): Promise<void> {
    const { id, from, schema, keys } = plan;
    const [found] = await this.#connection.query<{ rows: boolean }>(`SELECT EXISTS (SELECT FROM ${from}) AS rows`);
    if (found?.rows !== true) return;
    const why = this.#policy === 'leave' ? whyNotLeft(plan) : 'target.existingRows refuses them';
    if (why !== null) throw notEmpty(id, `${id} of the target held rows before its first load; ${why}`);
    const columns = keys.map(({ quoted }) => `t.${quoted}`);
    // Null is nobody's key.
    const known = columns.map((column) => `${column} IS NOT NULL`).join(' AND ');
    const left = await this.#connection.execute({
      text: `INSERT INTO changeover.preexisting (migration, table_schema, table_name, key)
        SELECT $1, $2, $3, jsonb_build_array(${columns.join(', ')}) FROM ${from} AS t WHERE ${known} LIMIT ${String(MOST_LEFT_ROWS + 1)}`,
      values: [this.#migration, schema.schema, schema.table],
    });
    if (left > MOST_LEFT_ROWS) throw notEmpty(id, `${id} of the target held rows before its first load; ${tooMany()}`);
    this.#tables.add(id);
  }

  /**
   * TARGET_NOT_EMPTY if the key of one of these rows, before or behind the change, is that of a row that was there. One that has gone since is forgotten: its key may be ours then.
   * `searching`: a key that is no value of its column's type is left for the target to refuse.
   */
  async requireApart(plan: TablePlan, rows: readonly NetRow[], searching: boolean): Promise<void> {
    if (rows.length === 0) return;
    if (plan.addressing !== 'key') throw notEmpty(plan.id, `rows were left in ${plan.id} of the target, ${WITHOUT_KEY}`);
    if (searching) await this.#search(plan, rows, SIDES);
    else await this.#compare(plan, rows, SIDES);
  }

  async #search(plan: TablePlan, rows: readonly NetRow[], sides: readonly Side[]): Promise<void> {
    await this.#connection.query('SAVEPOINT apart');
    try {
      await this.#compare(plan, rows, sides);
      await this.#connection.query('RELEASE SAVEPOINT apart');
    } catch (error) {
      if (verdictOf(error) !== 'row') throw error;
      await this.#connection.query('ROLLBACK TO SAVEPOINT apart; RELEASE SAVEPOINT apart');
      const half = rows.length >> 1;
      if (half > 0) for (const some of [rows.slice(0, half), rows.slice(half)]) await this.#search(plan, some, sides);
      else if (sides.length > 1) for (const side of sides) await this.#search(plan, rows, [side]);
    }
  }

  async #compare(plan: TablePlan, rows: readonly NetRow[], sides: readonly Side[]): Promise<void> {
    const { id, schema, keys, from, columns } = plan;
    const unnest = new Unnest(4);
    for (const side of sides) {
      const fields = new RowFields(
        rows.map(({ origin, line }) => (side === 'o' ? origin : line)),
        columns.length,
      );
      for (const column of keys) unnest.text(alias(side, column), fields.textArray(column.index));
    }
    // With the modifier of its type: what the target will make of it.
    const keysOf = (side: Side): string => {
      const told = keys.map((column) => `r.${alias(side, column)} IS NOT NULL`).join(' AND ');
      const values = keys.map((column, at) => `r.${alias(side, column)}::${column.target.type} AS k${String(at)}`);
      return `SELECT ${values.join(', ')} FROM r WHERE ${told}`;
    };
    const same = keys.map(({ quoted }, at) => `t.${quoted} = k.k${String(at)}`).join(' AND ');
    const ours = 'p.migration = $1 AND p.table_schema = $2 AND p.table_name = $3';
    // Sub-selects, so that keys are looked up in the index even where nothing is known yet of how many there are.
    const text = `WITH r AS (SELECT * FROM ${unnest.from}), k AS (${sides.map(keysOf).join(' UNION ')}),
      gone AS (DELETE FROM changeover.preexisting AS p WHERE ${ours} AND p.key = ANY (ARRAY(
        SELECT jsonb_build_array(${keys.map((_, at) => `k.k${String(at)}`).join(', ')}) FROM k WHERE NOT EXISTS (SELECT FROM ${from} AS t WHERE ${same}))))
      SELECT count(*)::int AS met FROM k JOIN ${from} AS t ON ${same}
        WHERE (SELECT true FROM changeover.preexisting AS p WHERE ${ours} AND p.key = jsonb_build_array(${keys.map(({ quoted }) => `t.${quoted}`).join(', ')}))`;
    const [found] = await this.#connection.query<{ met: number }>(text, [this.#migration, schema.schema, schema.table, ...unnest.values]);
    const met = found?.met ?? 0;
    if (met === 0) return;
    // The columns, never what they hold: this goes into the log.
    const key = keys.map(({ target }) => target.name).join(', ');
    const ofThem =
      met === 1
        ? `a row of the source has the key (${key}) of one that`
        : `${countWords(met)} rows of the source have the keys (${key}) of some that`;
    throw notEmpty(id, `${ofThem} stood in ${id} of the target before the first load, and was to be left`);
  }
}

/** Why rows cannot be left in a table because nobody could tell them from ours; null: they can. */
export function whyNotLeft({ addressing, schema, target }: Pick<TablePlan, 'addressing' | 'schema' | 'target'>): string | null {
  if (addressing !== 'key') return WITHOUT_KEY;
  const keys = schema.columns.filter(({ key }) => key).map(({ name }) => name);
  if (target.uniques.some((unique) => isUniqueOf(unique, keys))) return null;
  return `without a unique index on the key (${keys.join(', ')}), nobody can tell them from ours`;
}

export function tooMany(): string {
  return `more than ${countWords(MOST_LEFT_ROWS)} cannot be left`;
}

function notEmpty(table: string, message: string): ChangeoverError {
  return new ChangeoverError('TARGET_NOT_EMPTY', message, { facts: { table } });
}
