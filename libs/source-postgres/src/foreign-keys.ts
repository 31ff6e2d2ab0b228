import type { ForeignKey } from '@changeover/events';

import type { Query } from './sql-session.js';

/**
 * Of the tables $1, those that PostgreSQL vouches for: validated (what PostgreSQL 18 does not enforce is not), their triggers not switched off. The other
 * table is published under $2, or while there is no such publication one of $1; so of a key that concerns partitioned tables only the one of the roots counts.
 * Without those over generated columns, which are in no row that we get, and over periods, which do not compare for equality.
 */
const FOREIGN_KEYS = `
  SELECT con.conrelid AS oid, n.nspname || '.' || other.relname AS table,
         (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(con.conkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.attnum) AS columns,
         (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(con.confkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.attnum) AS "keyColumns"
    FROM pg_constraint con JOIN pg_class other ON other.oid = con.confrelid JOIN pg_namespace n ON n.oid = other.relnamespace
   WHERE con.contype = 'f' AND con.conrelid = ANY ($1::oid[]) AND con.convalidated
     AND NOT coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false)
     AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = con.oid AND t.tgenabled IN ('D', 'R'))
     AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attgenerated <> ''
                       AND (a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey) OR a.attrelid = con.confrelid AND a.attnum = ANY (con.confkey)))
     AND CASE WHEN EXISTS (SELECT FROM pg_publication p WHERE p.pubname = $2)
              THEN EXISTS (SELECT FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = $2 AND r.prrelid = con.confrelid)
              ELSE con.confrelid = ANY ($1::oid[]) END
   ORDER BY con.conrelid, con.conkey, con.conname`;

/** By oid, the foreign keys between captured tables; `publication` says which are. */
export async function foreignKeys(
  oids: readonly number[],
  publication: string,
  query: Query,
): Promise<ReadonlyMap<number, readonly ForeignKey[]>> {
  const byOid = new Map<number, ForeignKey[]>();
  for (const { oid, ...key } of await query<ForeignKey & { readonly oid: number }>(FOREIGN_KEYS, [oids, publication])) {
    const keys = byOid.get(oid);
    if (keys === undefined) byOid.set(oid, [key]);
    else keys.push(key);
  }
  return byOid;
}
