import type { TargetTable, UniqueIndex } from '../catalogue/target-table.js';
import type { Connection } from '../connection.js';
import { tableId } from '../net/net-row.js';
import { addOrigins, alias, keyEquals, typed } from '../sql/row-statements.js';
import { boolArray, RowFields } from '../sql/row-fields.js';
import type { TablePlan } from '../sql/table-plan.js';
import { Unnest } from '../sql/unnest.js';
import type { TargetOp } from './target-op.js';

/** A value of a unique index: the index and the value as one string. */
type UniqueValue = string;

/** What one op does to the unique values and foreign keys around it. */
export type Claims = {
  /** Unique values that it gives up, and those that it needs free; by index, equal ones left out. */
  readonly frees: readonly { readonly unique: UniqueIndex; readonly value: UniqueValue }[];
  readonly takes: readonly { readonly unique: UniqueIndex; readonly value: UniqueValue }[];
  /** Values of parents that it refers to afterwards, and those that it no longer refers to. */
  readonly requires: readonly (Reference & { readonly isNew: boolean })[];
  readonly releases: readonly Reference[];
};

/** A value of a parent's unique index, and the foreign key ({@link foreignKeyId}) by which a row refers to it. */
type Reference = { readonly foreignKey: string; readonly value: UniqueValue };

/** An expression over the columns of a row, and what its values are values of. */
type Watched = { readonly sql: string; readonly prefix: string } & (
  { readonly unique: UniqueIndex; readonly foreignKey: null } | { readonly unique: null; readonly foreignKey: string }
);

/**
 * Reads what the ops of one table free, take, release and require, from the rows as they stand and as they would become. PostgreSQL computes both
 * sides, so expression indexes, conditions and generated columns count as it sees them. Values are compared as text; where a type or collation finds more
 * values equal than that, an order may be missed, and bisection sorts it out.
 */
export async function readClaims(
  connection: Connection,
  ops: readonly TargetOp[],
  tables: ReadonlyMap<string, TargetTable>,
): Promise<Claims[]> {
  const { plan } = ops[0] as TargetOp;
  const watched = watchedExpressions(plan, tables);
  if (watched.length === 0) return ops.map(() => ({ frees: [], takes: [], requires: [], releases: [] }));
  const { sql, values } = claimsQuery(plan, ops, watched);
  const rows = await connection.query<{ before: (string | null)[]; after: (string | null)[] }>(sql, values);
  return rows.map(({ before, after }) => toClaims(watched, before, after));
}

function toClaims(watched: readonly Watched[], before: readonly (string | null)[], after: readonly (string | null)[]): Claims {
  const frees: { unique: UniqueIndex; value: UniqueValue }[] = [];
  const takes: { unique: UniqueIndex; value: UniqueValue }[] = [];
  const requires: (Reference & { isNew: boolean })[] = [];
  const releases: Reference[] = [];
  watched.forEach(({ prefix, unique, foreignKey }, index) => {
    const old = before[index] ?? null;
    const now = after[index] ?? null;
    if (unique === null) {
      if (now !== null) requires.push({ foreignKey, value: prefix + now, isNew: old !== now });
      if (old !== null && old !== now) releases.push({ foreignKey, value: prefix + old });
    } else if (old !== now) {
      if (old !== null) frees.push({ unique, value: prefix + old });
      if (now !== null) takes.push({ unique, value: prefix + now });
    }
  });
  return { frees, takes, requires, releases };
}

function watchedExpressions(plan: TablePlan, tables: ReadonlyMap<string, TargetTable>): Watched[] {
  const uniques = plan.target.uniques.map((unique): Watched => {
    const isComplete = unique.nullsEqual ? [] : unique.keys.map((key) => `(${key.sql}) IS NOT NULL`);
    const applies = [...(unique.predicate === null ? [] : [`(${unique.predicate})`]), ...isComplete];
    const value = `ROW(${unique.keys.map((key) => key.sql).join(', ')})::text`;
    return {
      sql: applies.length === 0 ? value : `CASE WHEN ${applies.join(' AND ')} THEN ${value} END`,
      prefix: prefixOf(plan.id, unique),
      unique,
      foreignKey: null,
    };
  });
  const foreignKeys = plan.target.foreignKeys.flatMap((key): Watched[] => {
    const parentId = tableId({ schema: key.toSchema, table: key.toTable });
    const parent = tables.get(parentId)?.uniques.find((unique) => isUniqueOf(unique, key.toColumns));
    if (parent === undefined) return [];
    // In the order of the parent's index, so that both sides spell the same value the same way.
    const columns = parent.keys.map(({ column }) => quote(plan, key.columns[key.toColumns.indexOf(column as string)] as string));
    const complete = columns.map((column) => `${column} IS NOT NULL`).join(' AND ');
    const sql = `CASE WHEN ${complete} THEN ROW(${columns.join(', ')})::text END`;
    return [{ sql, prefix: prefixOf(parentId, parent), unique: null, foreignKey: foreignKeyId(plan.id, key.name) }];
  });
  return [...uniques, ...foreignKeys];
}

export function foreignKeyId(table: string, name: string): string {
  return `${table}\u0000${name}`;
}

/** Whether it is the unique index of just these columns, in any order: what a foreign key refers to. */
export function isUniqueOf(unique: UniqueIndex, columns: readonly string[]): boolean {
  return (
    unique.predicate === null &&
    unique.keys.length === columns.length &&
    unique.keys.every(({ column }) => column !== null && columns.includes(column))
  );
}

function prefixOf(table: string, unique: UniqueIndex): string {
  return `${table}\u0000${unique.name}\u0000`;
}

function quote(plan: TablePlan, column: string): string {
  return plan.columns.find(({ target }) => target.name === column)?.quoted ?? `"${column.replaceAll('"', '""')}"`;
}

function claimsQuery(
  plan: TablePlan,
  ops: readonly TargetOp[],
  watched: readonly Watched[],
): { readonly sql: string; readonly values: readonly Buffer[] } {
  const rows = ops.map((op) => op.row);
  const unnest = new Unnest();
  const keyed = plan.addressing === 'key';
  if (keyed) addOrigins(plan, rows, unnest);
  unnest.boolean('gone', boolArray(rows.map((row) => row.line === null)));
  const newValues = newRow(plan, ops, unnest);
  const generated = plan.target.columns
    .filter((column) => column.generated !== null)
    .map((column) => `(${column.generated as string}) AS ${quote(plan, column.name)}`);
  const expressions = `ARRAY[${watched.map(({ sql }) => sql).join(', ')}]::text[] AS list`;
  const found = keyed ? `t.${(plan.keys[0] as { quoted: string }).quoted} IS NOT NULL` : 'false';
  return {
    sql: `SELECT CASE WHEN ${found} THEN old.list ELSE '{}' END AS before, CASE WHEN r.gone THEN '{}' ELSE new.list END AS after
      FROM ${unnest.from}
      LEFT JOIN ${plan.from} AS t ON ${keyed ? keyEquals(plan) : 'false'}
      CROSS JOIN LATERAL (SELECT ${expressions} FROM (SELECT t.*) AS x) AS old
      CROSS JOIN LATERAL (SELECT ${expressions} FROM (SELECT ${['y.*', ...generated].join(', ')} FROM (SELECT ${newValues}) AS y) AS x) AS new
      ORDER BY r.ord`,
    values: unnest.values,
  };
}

/** The columns of the row as it would become, generated ones left out. */
function newRow(plan: TablePlan, ops: readonly TargetOp[], unnest: Unnest): string {
  const fields = new RowFields(
    ops.map((op) => op.row.line),
    plan.columns.length,
  );
  const written = new Map(plan.written.map((column) => [column.target.name, column]));
  const values = plan.target.columns.flatMap((target) => {
    if (target.generated !== null) return [];
    const column = written.get(target.name);
    const name = quote(plan, target.name);
    if (column === undefined) return [`t.${name} AS ${name}`];
    unnest.text(alias('c', column), fields.textArray(column.index));
    const flags = fields.unchangedFlags(column.index);
    if (flags === null) return [`${typed('c', column)} AS ${name}`];
    unnest.boolean(alias('u', column), flags);
    return [`CASE WHEN r.${alias('u', column)} THEN t.${column.quoted} ELSE ${typed('c', column)} END AS ${name}`];
  });
  return values.join(', ');
}
