import { scanLine, isUnchanged, type Line } from '@changeover/events';

import type { UniqueIndex } from '../catalogue/target-table.js';
import type { Connection } from '../connection.js';
import { addOrigins, keyEquals } from '../sql/row-statements.js';
import type { PlanColumn, TablePlan } from '../sql/table-plan.js';
import { Unnest } from '../sql/unnest.js';
import { freeingEdges, type ClaimingOp } from './dependencies.js';
import { components } from './graph.js';
import type { TargetOp } from './target-op.js';

/** A row that leaves a unique index for a moment, so that a circle of values has a beginning. */
export type SetAside = { readonly op: TargetOp; readonly assignment: string };

/**
 * Finds circles of unique values (a↔b) among the ops, and for each a row that can give up its value first: by null, by a value that the index's
 * condition exempts, or else by a value that nobody has. `freed` are the values that are free then. A circle in which no row can is left to the
 * target to refuse, and so is one whose way the target does not like.
 */
export function breakCircles(ops: readonly ClaimingOp[]): { readonly setAside: readonly SetAside[]; readonly freed: ReadonlySet<string> } {
  const setAside: SetAside[] = [];
  const freed = new Set<string>();
  for (let found = true; found;) {
    found = false;
    for (const component of components(freeingEdges(ops, freed))) {
      if (component.length < 2) continue;
      const circle = component.map((at) => ops[at] as ClaimingOp);
      const taken = new Set(circle.flatMap(({ claims }) => claims.takes.map(({ value }) => value)));
      const way = firstWay(circle, taken, freed, wayOut) ?? firstWay(circle, taken, freed, placeholder);
      if (way === null) continue;
      setAside.push({ op: way.op, assignment: way.assignment });
      freed.add(way.value);
      found = true;
    }
  }
  return { setAside, freed };
}

function firstWay(
  circle: readonly ClaimingOp[],
  taken: ReadonlySet<string>,
  freed: ReadonlySet<string>,
  wayOf: (op: TargetOp, unique: UniqueIndex) => string | null,
): (SetAside & { readonly value: string }) | null {
  for (const { op, claims } of circle) {
    for (const { unique, value } of claims.frees) {
      if (freed.has(value) || !taken.has(value) || op.row.kind !== 'update') continue;
      const assignment = isReferenced(op, unique) ? null : wayOf(op, unique);
      if (assignment !== null) return { op, assignment, value };
    }
  }
  return null;
}

/** Foreign keys may point at it: then the value in between would travel to the children, or be refused. */
function isReferenced({ plan }: TargetOp, unique: UniqueIndex): boolean {
  return plan.target.referencedBy.some(({ columns }) => columns.every((column) => unique.keys.some((key) => key.column === column)));
}

/** `column = value` that takes a row out of the index; the op must tell that column, so that it is put right again. */
function wayOut(op: TargetOp, unique: UniqueIndex): string | null {
  const byNull = (names: readonly string[]): string | null => {
    const columns = names.map((name) => op.plan.written.find(({ target }) => target.name === name && !target.notNull));
    const column = columns.find((candidate) => candidate !== undefined && isFree(op, candidate));
    return column === undefined || unique.nullsEqual ? null : `${column.quoted} = NULL`;
  };
  const plain = byNull(unique.keys.flatMap((key) => key.column ?? []));
  const exempt = unique.predicate === null ? null : exemption(op, unique.predicate);
  // What an expression uses comes last: null mostly makes it null, but not always.
  return plain ?? exempt ?? byNull(unique.usedColumns);
}

/** As pg_get_expr prints simple conditions; the column is quoted if it has to be. */
const CONDITIONS: readonly (readonly [pattern: RegExp, types: readonly string[] | null, value: string])[] = [
  [/^\(NOT (\S+)\)$/, ['boolean'], 'true'],
  [/^(\S+)$/, ['boolean'], 'false'],
  [/^\((\S+) (?:=|IS) (?:false|FALSE)\)$/, ['boolean'], 'true'],
  [/^\((\S+) (?:=|IS) (?:true|TRUE)\)$/, ['boolean'], 'false'],
  [/^\((\S+) IS NULL\)$/, ['date', 'timestamp without time zone', 'timestamp with time zone'], `'epoch'`],
  [/^\((\S+) IS NULL\)$/, ['boolean'], 'true'],
  [/^\((\S+) IS NOT NULL\)$/, null, 'NULL'],
];

function exemption(op: TargetOp, predicate: string): string | null {
  for (const [pattern, types, value] of CONDITIONS) {
    const name = pattern.exec(predicate)?.[1];
    const column = op.plan.written.find(
      ({ quoted, target }) => (quoted === name || target.name === name) && isFree(op, { quoted, target } as PlanColumn),
    );
    if (column === undefined || (types !== null && !types.includes(column.target.type)) || (value === 'NULL' && column.target.notNull))
      continue;
    return `${column.quoted} = ${value}`;
  }
  return null;
}

/** By type, the largest value. */
const INTEGERS: Readonly<Record<string, string>> = {
  'pg_catalog.int2': '32767',
  'pg_catalog.int4': '2147483647',
  'pg_catalog.int8': '9223372036854775807',
};

/**
 * `column = value` that gives a row a value which nobody has, for as long as the op has not told it another. Should somebody have it after all, or a
 * check not allow it, the target refuses, and nothing is lost but the attempt.
 */
function placeholder(op: TargetOp, unique: UniqueIndex): string | null {
  const { plan } = op;
  const referenced = plan.target.referencedBy.flatMap(({ columns }) => columns);
  for (const column of plan.written) {
    const { name } = column.target;
    if (!unique.usedColumns.includes(name) && !unique.keys.some((key) => key.column === name)) continue;
    const value = referenced.includes(name) || !isFree(op, column) ? null : unusedValue(plan, column);
    if (value !== null) return `${column.quoted} = ${value}`;
  }
  return null;
}

function unusedValue(plan: TablePlan, { quoted, target: { cast, type } }: PlanColumn): string | null {
  if (cast === 'pg_catalog.uuid') return 'gen_random_uuid()';
  const largest = INTEGERS[cast];
  // Far from what is there, because the next ones are what the batch may bring.
  if (largest !== undefined)
    return `(SELECT m.n + (${largest} - m.n) / 2 + r.ord FROM (SELECT greatest(max(p.${quoted}), 0) AS n FROM ${plan.from} AS p) AS m)`;
  if (!/^pg_catalog\.(?:text|"?varchar"?|bpchar)$|\.citext$/.test(cast)) return null;
  const random = `replace(gen_random_uuid()::text, '-', '')`;
  const length = /^character(?: varying)?\((\d+)\)$/.exec(type)?.[1];
  return length === undefined ? random : `left(${random}, ${length})`;
}

/** Neither part of the key nor left unchanged by the op. */
function isFree(op: TargetOp, { target }: PlanColumn): boolean {
  const column = op.plan.columns.find((candidate) => candidate.target === target) as PlanColumn;
  const line = op.row.line as Line;
  const starts = new Int32Array(op.plan.columns.length + 1);
  scanLine(line.bytes, line.start, starts);
  return !column.key && !isUnchanged(line.bytes, starts[column.index] as number, (starts[column.index + 1] as number) - 1);
}

export async function runSetAside(connection: Connection, setAside: readonly SetAside[]): Promise<void> {
  const groups = new Map<string, { readonly plan: TablePlan; readonly assignment: string; readonly ops: TargetOp[] }>();
  for (const { op, assignment } of setAside) {
    const id = `${op.plan.id}\u0000${assignment}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { plan: op.plan, assignment, ops: [op] });
    else group.ops.push(op);
  }
  for (const { plan, assignment, ops } of groups.values()) {
    const unnest = new Unnest();
    addOrigins(
      plan,
      ops.map((op) => op.row),
      unnest,
    );
    await connection.query(`UPDATE ${plan.from} AS t SET ${assignment} FROM ${unnest.from} WHERE ${keyEquals(plan)}`, unnest.values);
  }
}
