import { ChangeoverError } from '@changeover/core';
import type { TableSchema } from '@changeover/events';
import { escapeLiteral } from 'pg';

import { readCatalogue } from '../catalogue/read-catalogue.js';
import type { TargetColumn } from '../catalogue/target-table.js';
import type { Connection } from '../connection.js';
import { tableId } from '../net/net-row.js';
import { isOurs } from '../own-schema.js';
import { planTable, type TablePlan } from '../sql/table-plan.js';
import { spellingOf, type Spelling } from './spelling.js';

/** A column of the rows, as its values are compared. */
export type ComparedColumn = {
  /** As the catalogue prints it, with its modifier. */
  readonly type: string;
  /** What becomes of a value that is a text: a value of the type, as by the type's input with the modifier. */
  readonly reading: 'by the type of a record' | 'by a cast';
  /** The SQL of a value, as it is compared. */
  readonly compared: (value: string) => string;
  readonly spelling: Spelling;
};

/** How rows of one form are compared with those of a table. */
export type ComparedTable = {
  readonly plan: TablePlan;
  /** In the order of the rows; null: of no part in it, and null in every row. */
  readonly columns: readonly (ComparedColumn | null)[];
  /** A query of the rows that are ours. It has no parameters, because COPY takes none. */
  readonly rows: string;
  /** The same of those that have one of the keys in the transaction's setting {@link KEYS}. */
  readonly rowsOfKeys: string;
  /** Counts these keys; the types of the table's key have to take each of them. */
  readonly keysTaken: string;
};

/** A JSON list of lists of texts, a key each. */
export const KEYS = 'changeover.keys';

const WAS_THERE = `SELECT EXISTS (SELECT FROM changeover.preexisting WHERE migration = $1 AND table_schema = $2 AND table_name = $3) AS rows`;

/** Looks at the table as the connection's transaction shows it. TARGET_CHANGED if it is not there, or lacks a column that the rows have. */
export async function comparedTable(connection: Connection, migration: string, schema: TableSchema): Promise<ComparedTable> {
  const [target] = await readCatalogue((sql, values) => connection.query(sql, values), [schema]);
  const id = tableId(schema);
  if (target === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${id}`, { facts: { table: id } });
  const plan = planTable(schema, target);
  const [left] = await connection.query<{ rows: boolean }>(WAS_THERE, [migration, schema.schema, schema.table]);
  // What the target makes itself is nobody's to write; but rows are known by their key, whoever makes it.
  const columns = plan.columns.map((column) => (column.target.generated !== null && !column.key ? null : comparedColumn(column.target)));
  const selected = { plan, columns, migration, left: left?.rows === true };
  const keys = plan.keys.map(({ target: { cast } }, at) => `(k.value ->> ${String(at)})::${cast}`);
  const given = `FROM json_array_elements(current_setting('${KEYS}')::json) AS k`;
  const isOneOfThem = `(${plan.keys.map(({ quoted }) => `t.${quoted}`).join(', ')}) IN (SELECT ${keys.join(', ')} ${given})`;
  return {
    plan,
    columns,
    rows: rowsOf(selected),
    rowsOfKeys: rowsOf(selected, [isOneOfThem]),
    keysTaken: `SELECT ${keys.map((key) => `count(${key})`).join(', ')} ${given}`,
  };
}

type Selected = Pick<ComparedTable, 'plan' | 'columns'> & { readonly migration: string; readonly left: boolean };

function rowsOf({ plan, columns, migration, left }: Selected, more: readonly string[] = []): string {
  const values = plan.columns.map(({ quoted }, at) => columns[at]?.compared(`t.${quoted}`) ?? 'NULL');
  const conditions = [...more];
  if (isOurs(plan.schema)) conditions.push(`t.migration = ${escapeLiteral(migration)}`);
  if (left) {
    const { schema, table } = plan.schema;
    const ours = [
      `p.migration = ${escapeLiteral(migration)}`,
      `p.table_schema = ${escapeLiteral(schema)}`,
      `p.table_name = ${escapeLiteral(table)}`,
    ];
    // As the keys were written down.
    const key = `p.key = jsonb_build_array(${plan.keys.map(({ quoted }) => `t.${quoted}`).join(', ')})`;
    conditions.push(`NOT EXISTS (SELECT FROM changeover.preexisting AS p WHERE ${[...ours, key].join(' AND ')})`);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${values.join(', ')} FROM ${plan.from} AS t${where}`;
}

/**
 * JSON has no equality of its own and keeps its text. Compared as `jsonb` its spelling means nothing; but that does not take every text that `json` takes: `\u0000`,
 * halves of pairs, numbers without end. Where there may be such, the text is compared.
 */
const HARD_JSON = String.raw`\\u|[eE][+-]?[0-9]{3}|[0-9]{255}`;

/** Types that are compared otherwise than by the text that their output gives, by their name in `pg_catalog`. */
const COMPARED: Readonly<Record<string, ComparedColumn['compared']>> = {
  numeric: (value) => `trim_scale(${value})`,
  json: (value) => `CASE WHEN ${value}::text ~ ${escapeLiteral(HARD_JSON)} THEN ${value}::text ELSE ${value}::jsonb::text END`,
};

/** A record's field of these would take a text as a JSON string. */
const JSON_TYPES: ReadonlySet<string> = new Set(['json', 'jsonb']);

/** How values of the column are read and compared. */
export function comparedColumn({ type, cast }: Pick<TargetColumn, 'type' | 'cast'>): ComparedColumn {
  // Of a domain the type below it.
  const base = /^pg_catalog\."?(\w+)"?$/.exec(cast)?.[1] ?? '';
  return {
    type,
    reading: JSON_TYPES.has(base) ? 'by a cast' : 'by the type of a record',
    compared: (Object.hasOwn(COMPARED, base) ? COMPARED[base] : undefined) ?? ((value) => value),
    spelling: spellingOf(type),
  };
}
