import type { TargetTable } from './target-table.js';

const SQL = `
SELECT n.nspname AS schema, c.relname AS "table", c.relkind AS kind,
  coalesce((
    SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'cast', base.name, 'notNull', a.attnotnull, 'hasDefault', a.atthasdef,
      'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, 'identity', a.attidentity) ORDER BY a.attnum)
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN LATERAL (
      WITH RECURSIVE down AS (
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
        UNION ALL SELECT t.oid, t.typtype, t.typbasetype FROM down JOIN pg_type t ON t.oid = down.typbasetype WHERE down.typtype = 'd')
      SELECT CASE WHEN EXISTS (SELECT FROM pg_cast k WHERE k.castsource = 'text'::regtype AND k.casttarget = t.oid AND k.castmethod = 'f')
                   AND NOT EXISTS (SELECT FROM pg_cast k WHERE k.castsource = 'bpchar'::regtype AND k.casttarget = t.oid) THEN 'pg_catalog.bpchar::' ELSE '' END
             || format('%I.%I', tn.nspname, t.typname) AS name
      FROM down JOIN pg_type t USING (oid) JOIN pg_namespace tn ON tn.oid = t.typnamespace WHERE down.typtype <> 'd') base
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns,
  coalesce((
    SELECT json_agg(json_build_object('name', ic.relname, 'primary', i.indisprimary, 'keys', keys.list,
      'usedColumns', ARRAY(SELECT DISTINCT a.attname FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0),
      'predicate', pg_get_expr(i.indpred, i.indrelid),
      'deferrable', NOT i.indimmediate, 'nullsEqual', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)) ORDER BY ic.relname)
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('sql', pg_get_indexdef(i.indexrelid, k, false), 'column', a.attname) ORDER BY k) AS list
      FROM generate_series(1, i.indnkeyatts) k LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0) keys
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisready), '[]') AS uniques,
  coalesce((
    SELECT json_agg(json_build_object('name', f.conname, 'columns', names.own, 'toSchema', fn.nspname, 'toTable', fc.relname, 'toColumns', names.other,
      'onUpdate', f.confupdtype, 'onDelete', f.confdeltype, 'deferrable', f.condeferrable) ORDER BY f.conname)
    FROM pg_constraint f JOIN pg_class fc ON fc.oid = f.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
    CROSS JOIN LATERAL (
      SELECT json_agg(a.attname ORDER BY k) AS own, json_agg(b.attname ORDER BY k) AS other
      FROM generate_subscripts(f.conkey, 1) k
      JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[k] JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[k]) names
    WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0), '[]') AS "foreignKeys",
  coalesce((
    SELECT json_agg(json_build_object('schema', fn.nspname, 'table', fc.relname, 'columns', names.own,
      'cascades', f.confupdtype IN ('c', 'n', 'd') OR f.confdeltype IN ('c', 'n', 'd')))
    FROM pg_constraint f JOIN pg_class fc ON fc.oid = f.conrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
    CROSS JOIN LATERAL (
      SELECT json_agg(b.attname ORDER BY k) AS own
      FROM generate_subscripts(f.confkey, 1) k JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[k]) names
    WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0), '[]') AS "referencedBy"
FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
JOIN pg_namespace n ON n.nspname = wanted.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind IN ('r', 'p', 'v', 'f')`;

type Query = (sql: string, values: readonly unknown[]) => Promise<readonly unknown[]>;

/**
 * Reads the tables' catalogue entries; a table that does not exist is left out. Types and functions are printed with their schemas, as at the source,
 * whatever `search_path` the target has, because that may change between two looks. `as the path has them`: as forms used to be pinned.
 */
export async function readCatalogue(
  query: Query,
  tables: readonly { readonly schema: string; readonly table: string }[],
  names: 'with schemas' | 'as the path has them' = 'with schemas',
): Promise<readonly TargetTable[]> {
  if (tables.length === 0) return [];
  const read = (): ReturnType<Query> => query(SQL, [tables.map(({ schema }) => schema), tables.map(({ table }) => table)]);
  const rows = await (names === 'with schemas' ? underNoPath(query, read) : read());
  return rows as readonly TargetTable[];
}

/** The path is put back, as triggers of the target may need it. */
async function underNoPath<Result>(query: Query, read: () => Promise<Result>): Promise<Result> {
  const [before] = (await query(`SELECT current_setting('search_path') AS path`, [])) as readonly { readonly path: string }[];
  await query('SET search_path = pg_catalog', []);
  try {
    return await read();
  } finally {
    // In a transaction that has failed its roll-back does this.
    await query(`SELECT set_config('search_path', $1, false)`, [before?.path]).catch(() => undefined);
  }
}
