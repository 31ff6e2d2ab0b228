import type { Connection } from '../connection.js';

/** A view that reads tables which are exchanged. PostgreSQL knows them by number, so it would read the old ones on. */
type DependentView = {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly definition: string;
  readonly options: readonly string[];
  readonly owned: boolean;
};

/** A foreign key of a table that is not exchanged, to one that is. */
type DependentKey = {
  /** Of the table that it belongs to, quoted, with its schema. */
  readonly table: string;
  readonly name: string;
  readonly definition: string;
  readonly valid: boolean;
  readonly owned: boolean;
};

/** A sequence that belongs to a column of a live table and serves both: it stays where it is. */
export type SharedSequence = { readonly name: string; readonly schema: string; readonly table: string; readonly column: string };

/** Statistics about a table's columns that stand in its schema, and do not move with it. */
export type TableStatistics = { readonly name: string; readonly schema: string };

/** What outside of these tables depends on them. */
export type Dependents = {
  readonly views: readonly DependentView[];
  readonly keys: readonly DependentKey[];
  /** What cannot be led to other tables, in PostgreSQL's own words. */
  readonly others: readonly string[];
};

const TABLES = `tables AS (SELECT oid, reltype, (SELECT typarray FROM pg_type t WHERE t.oid = reltype) AS "array" FROM pg_class WHERE oid = ANY ($1::oid[]))`;

/** The tables, and all that moves with them. */
const MOVED = `moved AS (
  SELECT 'pg_class'::regclass::oid AS classid, oid AS objid FROM tables
  UNION SELECT 'pg_type'::regclass, t FROM tables CROSS JOIN unnest(ARRAY[reltype, "array"]) t
  UNION SELECT 'pg_class'::regclass, indexrelid FROM pg_index JOIN tables ON tables.oid = indrelid
  UNION SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k JOIN tables ON tables.oid = k.conrelid
  UNION SELECT 'pg_class'::regclass, d.objid FROM pg_depend d JOIN tables ON tables.oid = d.refobjid
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i')`;

/** Foreign keys of ordinary tables: one of a partitioned table cannot be made without looking at all of its rows. */
const KEYS = `keys AS (SELECT k.oid, k.conrelid, k.conname, k.convalidated FROM pg_constraint k JOIN tables ON tables.oid = k.confrelid JOIN pg_class c ON c.oid = k.conrelid
  WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relkind = 'r' AND NOT c.relispartition AND NOT EXISTS (SELECT FROM tables WHERE tables.oid = k.conrelid))`;

const VIEWS = `views AS (SELECT DISTINCT c.oid FROM pg_depend d JOIN moved ON (moved.classid, moved.objid) = (d.refclassid, d.refobjid)
  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN' JOIN pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
  WHERE d.refclassid <> 'pg_type'::regclass)`;

const FIND_KEYS = `WITH ${TABLES}, ${KEYS}
SELECT format('%I.%I', n.nspname, c.relname) AS "table", k.conname AS name, pg_get_constraintdef(k.oid) AS definition, k.convalidated AS valid,
  pg_has_role(c.relowner, 'USAGE') AS owned
FROM keys k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2`;

const FIND_VIEWS = `WITH ${TABLES}, ${MOVED}, ${VIEWS}
SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_get_viewdef(c.oid) AS definition, coalesce(to_json(c.reloptions), '[]') AS options,
  pg_has_role(c.relowner, 'USAGE') AS owned
FROM views JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1`;

/** Of triggers, policies and defaults those that belong to one of the tables move with it, unless they name another one. */
const FIND_OTHERS = `WITH ${TABLES}, ${MOVED}, ${KEYS}, ${VIEWS}
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS what
FROM pg_depend d JOIN moved ON (moved.classid, moved.objid) = (d.refclassid, d.refobjid)
WHERE NOT EXISTS (SELECT FROM moved WHERE (moved.classid, moved.objid) = (d.classid, d.objid)) AND NOT CASE d.classid
  WHEN 'pg_class'::regclass THEN EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND (c.relkind = 't' OR c.relkind = 'S' AND d.deptype = 'a'))
  WHEN 'pg_attrdef'::regclass THEN EXISTS (SELECT FROM pg_attrdef a JOIN tables ON tables.oid = a.adrelid WHERE a.oid = d.objid)
  WHEN 'pg_constraint'::regclass THEN EXISTS (SELECT FROM keys WHERE keys.oid = d.objid)
  WHEN 'pg_trigger'::regclass THEN EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objid AND (t.tgisinternal OR t.tgrelid IN (SELECT oid FROM tables) AND t.tgconstrrelid = 0))
  WHEN 'pg_policy'::regclass THEN EXISTS (SELECT FROM pg_policy p WHERE p.oid = d.objid AND p.polrelid = d.refobjid)
  WHEN 'pg_rewrite'::regclass THEN EXISTS (SELECT FROM pg_rewrite r JOIN views ON views.oid = r.ev_class WHERE r.oid = d.objid AND r.rulename = '_RETURN')
  WHEN 'pg_statistic_ext'::regclass THEN d.deptype = 'a'
  ELSE false END
ORDER BY 1`;

const FIND_SEQUENCES = `SELECT format('%I.%I', sn.nspname, s.relname) AS name, n.nspname AS schema, c.relname AS "table", a.attname AS "column"
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[]) AND d.deptype = 'a'
ORDER BY 1`;

/** The session's path has to be `pg_catalog`, so that definitions name everything with its schema. */
export async function readDependents(connection: Connection, oids: readonly string[]): Promise<Dependents> {
  const views = await connection.query<DependentView>(FIND_VIEWS, [oids]);
  const keys = await connection.query<DependentKey>(FIND_KEYS, [oids]);
  const others = await connection.query<{ what: string }>(FIND_OTHERS, [oids]);
  return { views, keys, others: others.map(({ what }) => what) };
}

export function readSharedSequences(connection: Connection, oids: readonly string[]): Promise<SharedSequence[]> {
  return connection.query<SharedSequence>(FIND_SEQUENCES, [oids]);
}

const FIND_STATISTICS = `SELECT s.stxname AS name, n.nspname AS schema FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
JOIN pg_class c ON c.oid = s.stxrelid AND c.relnamespace = n.oid WHERE c.oid = ANY ($1::oid[]) ORDER BY 2, 1`;

export function readStatistics(connection: Connection, oids: readonly string[]): Promise<TableStatistics[]> {
  return connection.query<TableStatistics>(FIND_STATISTICS, [oids]);
}
