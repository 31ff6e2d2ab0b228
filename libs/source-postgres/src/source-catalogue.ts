import { TableCatalogue, type DescribedForeignKey, type DescribedTable } from '@changeover/events';

import { selectTables } from './captured-tables.js';
import { Catalogue } from './catalogue.js';
import { sourceConfig, type PostgresSourceSettings, type SourceConfig } from './settings.js';
import { SqlSession } from './sql-session.js';

/** Of a domain the type below it, for a domain may stand on another. */
const TYPES = `
  WITH RECURSIVE below AS (
    SELECT t.oid AS of, t.oid, t.typtype, t.typbasetype, t.typnotnull FROM pg_type t WHERE t.oid = ANY ($1::oid[])
    UNION ALL
    SELECT b.of, t.oid, t.typtype, t.typbasetype, b.typnotnull OR t.typnotnull FROM below b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
  SELECT of, format_type(oid, NULL) AS base, typnotnull AS "notNull",
         CASE typtype WHEN 'e' THEN ARRAY (SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = below.oid ORDER BY e.enumsortorder) END AS labels
    FROM below WHERE typtype <> 'd'`;

const FOREIGN_KEYS = `
  SELECT n.nspname || '.' || c.relname AS of, tn.nspname AS "toSchema", tc.relname AS "toTable",
         ARRAY (SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY k (id, place) JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.id ORDER BY place) AS columns,
         ARRAY (SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY k (id, place) JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.id ORDER BY place) AS "toColumns"
    FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class tc ON tc.oid = f.confrelid JOIN pg_namespace tn ON tn.oid = tc.relnamespace
   WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid = ANY ($1::oid[])
   ORDER BY f.conname`;

type Type = { readonly of: number; readonly base: string; readonly notNull: boolean; readonly labels: readonly string[] | null };

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
    const typeOids = [...new Set(forms.flatMap(({ columns }) => columns.map(({ typeOid }) => typeOid)))];
    const types = new Map((await sql.query<Type>(TYPES, [typeOids])).map((type) => [type.of, type]));
    const foreignKeys = await sql.query<DescribedForeignKey & { readonly of: string }>(FOREIGN_KEYS, [oids]);
    return forms.map(({ schema, table, columns }) => ({
      schema,
      table,
      columns: columns.map(({ name, type, typeOid, notNull, fill }) => {
        const below = types.get(typeOid);
        const fills = fill !== 'none';
        return {
          name,
          type,
          base: below?.base ?? type,
          labels: below?.labels ?? null,
          notNull: notNull || below?.notNull === true,
          fills,
          generated: false,
        };
      }),
      key: columns.filter(({ key }) => key).map(({ name }) => name),
      foreignKeys: foreignKeys.filter(({ of }) => of === `${schema}.${table}`).map(({ of: _of, ...key }) => key),
    }));
  }
}
