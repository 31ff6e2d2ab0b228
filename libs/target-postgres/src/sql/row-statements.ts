import { invariant } from '@changeover/core';

import type { NetRow } from '../net/net-row.js';
import { RowFields } from './row-fields.js';
import type { PlanColumn, TablePlan } from './table-plan.js';
import { Unnest } from './unnest.js';

/** Rows of one table with one kind of change: one statement, or one part of one. Its order of rows is kept. */
export type Run = { readonly plan: TablePlan; readonly kind: NetRow['kind']; readonly rows: readonly NetRow[] };

export type Statement = { readonly text: string; readonly values: readonly unknown[] };

export type StatementOptions = {
  readonly firstParameter?: number;
  /** A condition put into the statement's WHERE; it may use the columns of the row `t` that is updated or deleted. */
  readonly guard?: string;
  /** Gives one row `ord` per row changed: the number of the row from 1, or just 1 for an insert. */
  readonly returning?: boolean;
};

/**
 * The statement that applies a run, with binary arrays as its parameters, so that its text depends on the table, the kind and which columns
 * may be left out, never on the number of rows.
 */
export function statementFor(run: Run, options: StatementOptions = {}): Statement {
  const unnest = new Unnest(options.firstParameter);
  const text = build(run, unnest, options.guard ?? null);
  const returning =
    options.returning === true ? ` RETURNING ${run.kind === 'insert' || run.plan.addressing !== 'key' ? '1' : 'r.ord'} AS ord` : '';
  return { text: text + returning, values: unnest.values };
}

/** Names a column of the unnested rows: `c` the new value, `u` whether it is unchanged, `o` the key before. */
export function alias(letter: 'c' | 'u' | 'o', column: PlanColumn): string {
  return `${letter}${String(column.index)}`;
}

export function typed(letter: 'c' | 'o', column: PlanColumn): string {
  return `r.${alias(letter, column)}::${column.target.cast}`;
}

function build(run: Run, unnest: Unnest, guard: string | null): string {
  switch (run.kind) {
    case 'insert':
      return insert(run, unnest, guard);
    case 'update':
      return update(run, unnest, guard);
    case 'delete':
      return run.plan.addressing === 'key' ? deleteByKey(run, unnest, guard) : deleteWholeRows(run, unnest, guard);
  }
}

export function insertTarget(plan: TablePlan): string {
  return `${plan.into} (${plan.written.map((column) => column.quoted).join(', ')})`;
}

function insert({ plan, rows }: Run, unnest: Unnest, guard: string | null): string {
  const fields = new RowFields(
    rows.map((row) => row.line),
    plan.columns.length,
  );
  for (const column of plan.written) {
    invariant(fields.unchangedFlags(column.index) === null, `an insert into ${plan.id} leaves a column out`);
    unnest.text(alias('c', column), fields.textArray(column.index));
  }
  const overriding = plan.written.some((column) => column.target.identity === 'a') ? ' OVERRIDING SYSTEM VALUE' : '';
  const values = plan.written.map((column) => typed('c', column)).join(', ');
  return `INSERT INTO ${insertTarget(plan)}${overriding} SELECT ${values} FROM ${unnest.from}${guard === null ? '' : ` WHERE ${guard}`}`;
}

function update({ plan, rows }: Run, unnest: Unnest, guard: string | null): string {
  const fields = new RowFields(
    rows.map((row) => row.line),
    plan.columns.length,
  );
  const moves = rows.some((row) => row.originKey !== row.key);
  addOrigins(plan, rows, unnest);
  const assignments = plan.written
    .filter((column) => moves || !column.key)
    .filter((column) => !fields.isUnchangedThroughout(column.index))
    .map((column) => {
      unnest.text(alias('c', column), fields.textArray(column.index));
      const flags = fields.unchangedFlags(column.index);
      if (flags === null) return `${column.quoted} = ${typed('c', column)}`;
      unnest.boolean(alias('u', column), flags);
      return `${column.quoted} = CASE WHEN r.${alias('u', column)} THEN t.${column.quoted} ELSE ${typed('c', column)} END`;
    });
  // Nothing but a key: the statement still has to say whether the row is there.
  if (assignments.length === 0) assignments.push(...plan.keys.map((column) => `${column.quoted} = t.${column.quoted}`));
  return `UPDATE ${plan.from} AS t SET ${assignments.join(', ')} FROM ${unnest.from} WHERE ${keyEquals(plan)}${guard === null ? '' : ` AND ${guard}`}`;
}

function deleteByKey({ plan, rows }: Run, unnest: Unnest, guard: string | null): string {
  addOrigins(plan, rows, unnest);
  return `DELETE FROM ${plan.from} AS t USING ${unnest.from} WHERE ${keyEquals(plan)}${guard === null ? '' : ` AND ${guard}`}`;
}

/** Compares rows as one text, which tells null from empty and can be hashed: one scan of the table, whatever the number of rows. */
function deleteWholeRows({ plan, rows }: Run, unnest: Unnest, guard: string | null): string {
  const fields = new RowFields(
    rows.map((row) => row.origin),
    plan.columns.length,
  );
  for (const column of plan.columns) unnest.text(alias('o', column), fields.textArray(column.index));
  const wanted = plan.columns.map((column) => `${typed('o', column)}::text`).join(', ');
  const found = plan.columns.map((column) => `t.${column.quoted}::text`).join(', ');
  return (
    `DELETE FROM ${plan.from} AS t USING (` +
    `SELECT f.ctid AS place, f.tableoid AS part, w.copies, row_number() OVER (PARTITION BY w.whole ORDER BY f.tableoid, f.ctid) AS nth ` +
    `FROM (SELECT t.ctid, t.tableoid, ROW(${found})::text AS whole FROM ${plan.from} AS t) AS f ` +
    `JOIN (SELECT ROW(${wanted})::text AS whole, count(*) AS copies FROM ${unnest.from} GROUP BY 1) AS w ON w.whole = f.whole` +
    `) AS m WHERE t.ctid = m.place AND t.tableoid = m.part AND m.nth <= m.copies${guard === null ? '' : ` AND ${guard}`}`
  );
}

/** Adds the keys by which the target knows the rows. */
export function addOrigins(plan: TablePlan, rows: readonly Pick<NetRow, 'origin'>[], unnest: Unnest): void {
  const fields = new RowFields(
    rows.map((row) => row.origin),
    plan.columns.length,
  );
  for (const column of plan.keys) unnest.text(alias('o', column), fields.textArray(column.index));
}

/** Finds the row `t` by the key that it had before. */
export function keyEquals(plan: TablePlan): string {
  return plan.keys.map((column) => `t.${column.quoted} = ${typed('o', column)}`).join(' AND ');
}
