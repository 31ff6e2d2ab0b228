import { TableCatalogue, type DescribedColumn, type DescribedTable, type DescribedUnique } from '@changeover/events';

import { readCatalogue } from './catalogue/read-catalogue.js';
import type { TargetTable, UniqueIndex } from './catalogue/target-table.js';
import { Connection } from './connection.js';
import { asTargetError } from './sql-state.js';

/** Neither PostgreSQL's own tables nor ours, which may be in the same database; no partitions, and nothing that came with an extension. */
const TABLES = `
  SELECT n.nspname AS schema, c.relname AS "table"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
     AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'changeover', 'changeover_control') AND n.nspname NOT LIKE '%.%'
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
   ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/** Of a domain the type below it, for a domain may stand on another. */
const DETAILS = `
  SELECT n.nspname AS schema, c.relname AS "table", obj_description(c.oid, 'pg_class') AS comment,
         coalesce((
           SELECT json_agg(json_build_object('name', a.attname, 'base', t.base, 'notNull', t."notNull", 'labels', t.labels,
             'default', pg_get_expr(d.adbin, d.adrelid), 'comment', col_description(c.oid, a.attnum)))
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            CROSS JOIN LATERAL (
              WITH RECURSIVE below AS (
                SELECT t.oid, t.typtype, t.typbasetype, t.typnotnull FROM pg_type t WHERE t.oid = a.atttypid
                UNION ALL
                SELECT t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull FROM below b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
              SELECT format_type(oid, NULL) AS base, typnotnull AS "notNull",
                     CASE typtype WHEN 'e' THEN ARRAY (SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = below.oid ORDER BY e.enumsortorder) END AS labels
                FROM below WHERE typtype <> 'd') t
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
    FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
    JOIN pg_namespace n ON n.nspname = wanted.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name`;

type Details = Pick<DescribedTable, 'schema' | 'table' | 'comment'> & {
  readonly columns: readonly Pick<DescribedColumn, 'name' | 'base' | 'labels' | 'notNull' | 'default' | 'comment'>[];
};

/** All tables of the target that could be written. */
export class PostgresTargetCatalogue extends TableCatalogue {
  readonly #url: string;
  readonly #applicationName: string;

  constructor({ url, migration }: { readonly url: string; readonly migration: string }) {
    super();
    this.#url = url;
    this.#applicationName = `?changeover-${migration}-load`;
  }

  async tables(): Promise<readonly DescribedTable[]> {
    try {
      await using connection = await Connection.open(this.#url, this.#applicationName);
      // Then types are printed with their schemas.
      await connection.query('SET default_transaction_read_only = on; SET search_path = pg_catalog');
      const names = await connection.query<{ schema: string; table: string }>(TABLES);
      const found = await readCatalogue((sql, values) => connection.query(sql, values), names);
      const details = await connection.query<Details>(DETAILS, [names.map(({ schema }) => schema), names.map(({ table }) => table)]);
      const detailsOf = new Map(details.map((one) => [`${one.schema}.${one.table}`, one]));
      const tables = new Map(found.map((table) => [`${table.schema}.${table.table}`, table]));
      return names.flatMap(({ schema, table }) => {
        const one = tables.get(`${schema}.${table}`);
        return one === undefined ? [] : [described(one, detailsOf.get(`${schema}.${table}`))];
      });
    } catch (error) {
      throw asTargetError(error);
    }
  }
}

function described({ schema, table, columns, uniques, foreignKeys }: TargetTable, details: Details | undefined): DescribedTable {
  const primary = uniques.find((unique) => unique.primary);
  const inKey = new Set(primary?.keys.map(({ column }) => column));
  const detailsOf = new Map(details?.columns.map((column) => [column.name, column]));
  return {
    schema,
    table,
    columns: columns.map(({ name, type, notNull, hasDefault, generated, identity }) => {
      const below = detailsOf.get(name);
      return {
        name,
        type,
        base: below?.base ?? type,
        labels: below?.labels ?? null,
        notNull: notNull || below?.notNull === true,
        fills: generated === null && (hasDefault || identity !== ''),
        identity: identity === 'a' ? 'always' : identity === 'd' ? 'by default' : null,
        generated: generated !== null,
        default: below?.default ?? null,
        comment: below?.comment ?? null,
      };
    }),
    key: columns.filter(({ name }) => inKey.has(name)).map(({ name }) => name),
    uniques: uniques.filter((unique) => !unique.primary).map(describedUnique),
    foreignKeys: foreignKeys.map(({ columns: own, toSchema, toTable, toColumns }) => ({ columns: own, toSchema, toTable, toColumns })),
    comment: details?.comment ?? null,
  };
}

function describedUnique({ name, keys, predicate }: UniqueIndex): DescribedUnique {
  const columns = keys.flatMap(({ column }) => column ?? []);
  return {
    name,
    columns: columns.length === keys.length ? columns : null,
    expressions: keys.map(({ sql }) => sql),
    predicate,
  };
}
