import { quoted } from './captured-tables.js';
import type { SqlSession } from './sql-session.js';

/** `rows`: null where no VACUUM or ANALYZE has counted yet; `bytes`: as PostgreSQL stores them, large values too. */
type StoredSize = { readonly rows: number | null; readonly bytes: number };

/**
 * What the last VACUUM or ANALYZE counted, for as many pages as there are now, as the planner does it; of a partitioned table in all of its partitions. A
 * negative count: none came yet. `bytes` is null for a table that is not there (any more).
 */
const SIZES = `
  SELECT CASE WHEN bool_and(counted.rows IS NOT NULL) THEN round(sum(counted.rows)) END AS rows, sum(pg_table_size(p.oid))::float8 AS bytes
    FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, place)
    LEFT JOIN pg_class c ON c.oid = to_regclass(asked.name)
    LEFT JOIN pg_class p ON p.oid = c.oid AND c.relkind = 'r' OR c.relkind = 'p' AND p.relkind = 'r' AND p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))
    LEFT JOIN LATERAL (SELECT pg_relation_size(p.oid) / current_setting('block_size')::int AS pages) now ON true
    LEFT JOIN LATERAL (SELECT CASE WHEN now.pages = 0 THEN 0 WHEN p.reltuples >= 0 AND p.relpages > 0
                                   THEN p.reltuples::float8 / p.relpages * now.pages END AS rows) counted ON true
   GROUP BY asked.place ORDER BY asked.place`;

/** What each of the tables probably holds; null: it is gone. */
export async function tableSizes(
  sql: SqlSession,
  tables: readonly { readonly schema: string; readonly table: string }[],
): Promise<readonly (StoredSize | null)[]> {
  if (tables.length === 0) return [];
  const rows = await sql.query<{ rows: number | null; bytes: number | null }>(SIZES, [tables.map((table) => quoted(table))]);
  return rows.map(({ rows: count, bytes }) => (bytes === null ? null : { rows: count, bytes }));
}
