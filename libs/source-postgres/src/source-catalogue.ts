import { TableCatalogue, type DescribedColumn, type DescribedForeignKey, type DescribedTable } from '@changeover/events';

import { selectTables } from './captured-tables.js';
import { Catalogue } from './catalogue.js';
import { sourceConfig, type PostgresSourceSettings, type SourceConfig } from './settings.js';
import { SqlSession } from './sql-session.js';

/** Of a domain the type below it, for a domain may stand on another. */
const TABLES = `
  SELECT n.nspname AS schema, c.relname AS "table", obj_description(c.oid, 'pg_class') AS comment,
         coalesce((
           SELECT json_agg(json_build_object('name', a.attname, 'base', t.base, 'notNull', t."notNull", 'labels', t.labels, 'identity', a.attidentity,
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
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns,
         coalesce((
           SELECT json_agg(json_build_object('name', x.relname, 'predicate', pg_get_expr(i.indpred, i.indrelid),
             'columns', CASE WHEN i.indexprs IS NULL THEN (
               SELECT json_agg(a.attname ORDER BY k) FROM generate_series(1, i.indnkeyatts) k
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]) END,
             'expressions', (SELECT json_agg(pg_get_indexdef(i.indexrelid, k, false) ORDER BY k) FROM generate_series(1, i.indnkeyatts) k)) ORDER BY x.relname)
             FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indisready AND NOT i.indisprimary), '[]') AS uniques
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[])`;

const FOREIGN_KEYS = `
  SELECT n.nspname || '.' || c.relname AS of, tn.nspname AS "toSchema", tc.relname AS "toTable",
         ARRAY (SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k (id, place) JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.id ORDER BY place) AS columns,
         ARRAY (SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k (id, place) JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.id ORDER BY place) AS "toColumns"
    FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class tc ON tc.oid = f.confrelid JOIN pg_namespace tn ON tn.oid = tc.relnamespace
   WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid = ANY ($1::oid[])
   ORDER BY f.conname`;

type Table = Pick<DescribedTable, 'schema' | 'table' | 'uniques' | 'comment'> & {
  readonly columns: readonly (Pick<DescribedColumn, 'name' | 'base' | 'labels' | 'notNull' | 'default' | 'comment'> & {
    readonly identity: '' | 'a' | 'd';
  })[];
};

/** The tables that the settings select at the source, with the columns that can be captured. */
export class PostgresSourceCatalogue extends TableCatalogue {
  readonly #config: SourceConfig;

  constructor(settings: PostgresSourceSettings) {
    super();
    this.#config = sourceConfig(settings);
  }

  async tables(): Promise<readonly DescribedTable[]> {
    await using sql = new SqlSession(this.#config);
    const oids = (await selectTables(sql, this.#config)).tables.map(({ oid }) => oid);
    const forms = await new Catalogue(sql, this.#config.slot).forms(oids);
    const tables = new Map((await sql.query<Table>(TABLES, [oids])).map((table) => [`${table.schema}.${table.table}`, table]));
    const foreignKeys = await sql.query<DescribedForeignKey & { readonly of: string }>(FOREIGN_KEYS, [oids]);
    return forms.map(({ schema, table, columns }) => {
      const found = tables.get(`${schema}.${table}`);
      const details = new Map(found?.columns.map((column) => [column.name, column]));
      return {
        schema,
        table,
        columns: columns.map(({ name, type, notNull, fill }) => {
          const below = details.get(name);
          return {
            name,
            type,
            base: below?.base ?? type,
            labels: below?.labels ?? null,
            notNull: notNull || below?.notNull === true,
            fills: fill !== 'none',
            identity: below?.identity === 'a' ? 'always' : below?.identity === 'd' ? 'by default' : null,
            generated: false,
            default: below?.default ?? null,
            comment: below?.comment ?? null,
          };
        }),
        key: columns.filter(({ key }) => key).map(({ name }) => name),
        uniques: found?.uniques ?? [],
        foreignKeys: foreignKeys.filter(({ of }) => of === `${schema}.${table}`).map(({ of: _of, ...key }) => key),
        comment: found?.comment ?? null,
      };
    });
  }
}
