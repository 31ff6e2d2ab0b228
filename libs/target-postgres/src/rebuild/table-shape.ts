import type { TableName } from '@changeover/events';

import type { Connection } from '../connection.js';

type Grant = { readonly grantee: string | null; readonly privilege: string; readonly grantable: boolean };

/** All that a table is, beside its rows. Where a definition names the table itself, or in a foreign key the other one, it has `@` in its place. */
export type TableShape = TableName & {
  readonly oid: string;
  /** Its name as PostgreSQL prints it in expressions. */
  readonly printed: string;
  /** Letter of pg_class. */
  readonly kind: string;
  readonly inherits: boolean;
  readonly typed: boolean;
  readonly persistence: 'p' | 'u' | 't';
  readonly accessMethod: string;
  readonly tablespace: string | null;
  readonly options: readonly string[];
  readonly owner: string;
  /** Whether our role may act as its owner. */
  readonly owned: boolean;
  /** Whether our role may make tables in its schema. */
  readonly creatable: boolean;
  readonly comment: string | null;
  readonly rowSecurity: boolean;
  readonly forcedSecurity: boolean;
  readonly replicaIdentity: 'd' | 'n' | 'f' | 'i';
  readonly replicaIndex: string | null;
  readonly columns: readonly ColumnShape[];
  readonly checks: readonly { readonly name: string; readonly def: string }[];
  readonly indexes: readonly IndexShape[];
  readonly foreignKeys: readonly (TableTo & { readonly name: string; readonly def: string })[];
  /** `enabled`: letter of pg_trigger. */
  readonly triggers: readonly { readonly name: string; readonly def: string; readonly enabled: string }[];
  readonly policies: readonly Policy[];
  readonly rules: readonly string[];
  readonly grants: readonly (Grant & { readonly column: string | null })[];
};

type TableTo = { readonly toSchema: string; readonly toTable: string };

type ColumnShape = {
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  readonly notNull: boolean;
  /** The expression of a default or of a generated column. */
  readonly value: string | null;
  readonly generated: string;
  readonly identity: string;
  readonly storage: string;
  readonly compression: string;
  readonly statistics: number | null;
  readonly options: readonly string[];
  readonly comment: string | null;
  /** The sequence of an identity column. */
  readonly sequence: { readonly name: string; readonly grants: readonly Grant[] } | null;
};

/** `def`: from its method on, as only that says what it is. */
type IndexShape = {
  readonly name: string;
  readonly unique: boolean;
  readonly def: string;
  /** pg_constraint's letter; null: it is an index and nothing else. */
  readonly constraint: string | null;
  readonly deferrable: boolean;
  readonly deferred: boolean;
};

type Policy = {
  readonly name: string;
  readonly permissive: string;
  readonly command: string;
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly check: string | null;
};

const GRANTS = (acl: string, owner: string, extra = ''): string => `SELECT json_agg(json_build_object(
    'grantee', pg_get_userbyid(nullif(g.grantee, 0)), 'privilege', g.privilege_type, 'grantable', g.is_grantable${extra}) ORDER BY g.grantee, g.privilege_type)
  FROM aclexplode(${acl}) g WHERE g.grantee <> ${owner}`;

const SHAPE = `
SELECT c.oid::text, format('%I.%I', n.nspname, c.relname) AS printed, n.nspname AS schema, c.relname AS "table", c.relkind AS kind, c.relpersistence AS persistence, c.reloftype <> 0 AS typed,
  c.relispartition OR EXISTS (SELECT FROM pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent)) AS inherits,
  coalesce((SELECT amname::text FROM pg_am WHERE oid = c.relam), '') AS "accessMethod", (SELECT spcname::text FROM pg_tablespace WHERE oid = c.reltablespace) AS tablespace,
  coalesce(to_json(c.reloptions || ARRAY(SELECT 'toast.' || o FROM pg_class t CROSS JOIN unnest(t.reloptions) o WHERE t.oid = c.reltoastrelid)), '[]') AS options,
  pg_get_userbyid(c.relowner)::text AS owner, pg_has_role(c.relowner, 'USAGE') AS owned, has_schema_privilege(n.oid, 'CREATE') AS creatable,
  obj_description(c.oid, 'pg_class') AS comment, c.relrowsecurity AS "rowSecurity", c.relforcerowsecurity AS "forcedSecurity", c.relreplident AS "replicaIdentity",
  (SELECT ic.relname::text FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) AS "replicaIndex",
  coalesce((SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
      'collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END, 'value', pg_get_expr(d.adbin, d.adrelid),
      'generated', a.attgenerated, 'identity', a.attidentity, 'storage', a.attstorage, 'compression', a.attcompression,
      'statistics', nullif(a.attstattarget::int, -1), 'options', coalesce(to_json(a.attoptions), '[]'), 'comment', col_description(c.oid, a.attnum),
      'sequence', (SELECT json_build_object('name', s.relname, 'grants', coalesce((${GRANTS('s.relacl', 's.relowner')}), '[]'))
        FROM pg_depend own JOIN pg_class s ON s.oid = own.objid AND s.relkind = 'S'
        WHERE own.classid = 'pg_class'::regclass AND own.refclassid = 'pg_class'::regclass AND own.refobjid = c.oid AND own.refobjsubid = a.attnum AND own.deptype = 'i')) ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns,
  coalesce((SELECT json_agg(json_build_object('name', k.conname, 'def', pg_get_constraintdef(k.oid)) ORDER BY k.conname)
    FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'), '[]') AS checks,
  coalesce((SELECT json_agg(json_build_object('name', ic.relname, 'unique', i.indisunique, 'constraint', k.contype, 'deferrable', coalesce(k.condeferrable, false),
      'deferred', coalesce(k.condeferred, false), 'def', substr(pg_get_indexdef(i.indexrelid),
        length(format('CREATE %sINDEX %I ON %I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, ic.relname, n.nspname, c.relname)) + 1)) ORDER BY ic.relname)
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indrelid = c.oid AND i.indisvalid), '[]') AS indexes,
  coalesce((SELECT json_agg(json_build_object('name', k.conname, 'toSchema', fn.nspname, 'toTable', fc.relname,
      'def', replace(pg_get_constraintdef(k.oid), format('REFERENCES %I.%I(', fn.nspname, fc.relname), 'REFERENCES @(')) ORDER BY k.conname)
    FROM pg_constraint k JOIN pg_class fc ON fc.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
    WHERE k.conrelid = c.oid AND k.contype = 'f'), '[]') AS "foreignKeys",
  coalesce((SELECT json_agg(json_build_object('name', g.tgname, 'enabled', g.tgenabled,
      'def', replace(pg_get_triggerdef(g.oid, false), format(' ON %I.%I ', n.nspname, c.relname), ' ON @ ')) ORDER BY g.tgname)
    FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal), '[]') AS triggers,
  coalesce((SELECT json_agg(json_build_object('name', p.policyname, 'permissive', p.permissive, 'command', p.cmd, 'roles', p.roles, 'using', p.qual, 'check', p.with_check)
      ORDER BY p.policyname) FROM pg_policies p WHERE p.schemaname = n.nspname AND p.tablename = c.relname), '[]') AS policies,
  coalesce((SELECT json_agg(r.rulename ORDER BY r.rulename) FROM pg_rewrite r WHERE r.ev_class = c.oid), '[]') AS rules,
  coalesce((SELECT json_agg(g) FROM (
    SELECT pg_get_userbyid(nullif(g.grantee, 0)) AS grantee, g.privilege_type AS privilege, g.is_grantable AS grantable, a.attname AS "column"
    FROM (SELECT c.relacl AS acl, NULL::name AS attname UNION ALL SELECT attacl, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
    CROSS JOIN aclexplode(a.acl) g WHERE g.grantee <> c.relowner ORDER BY 4 NULLS FIRST, g.grantee, 2) g), '[]') AS grants
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, place)
JOIN pg_namespace n ON n.nspname = wanted.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
ORDER BY wanted.place`;

/** Those of the tables that are there. The session's path has to be `pg_catalog`, so that everything is printed with its schema. */
export function readShapes(connection: Connection, tables: readonly TableName[]): Promise<TableShape[]> {
  return connection.query<TableShape>(SHAPE, [tables.map(({ schema }) => schema), tables.map(({ table }) => table)]);
}

/** Its shape in lines, the same for two tables that differ in nothing but their schema. `isOne`: whether it is one of those that are exchanged. */
export function shapeLines(shape: TableShape, isOne: (table: TableName) => boolean): readonly string[] {
  const { persistence, accessMethod, tablespace, options, owner, comment, rowSecurity, forcedSecurity, replicaIdentity, replicaIndex } =
    shape;
  const named = (what: string, parts: readonly { readonly name: string }[]): string[] =>
    parts.map(({ name, ...rest }) => `${what} ${name} ${JSON.stringify(rest)}`);
  const own = {
    persistence,
    accessMethod,
    tablespace,
    options,
    owner,
    comment,
    rowSecurity,
    forcedSecurity,
    replicaIdentity,
    replicaIndex,
  };
  const leading = shape.foreignKeys.map(({ toSchema, toTable, ...key }) => {
    return { ...key, to: isOne({ schema: toSchema, table: toTable }) ? toTable : `${toSchema}.${toTable}` };
  });
  return [
    `table ${JSON.stringify(own)}`,
    ...named('column', shape.columns),
    ...named('check', shape.checks),
    ...named('index', shape.indexes),
    ...named('foreign key', leading),
    ...named('trigger', shape.triggers),
    ...named('policy', shape.policies),
    ...shape.rules.map((rule) => `rule ${rule}`),
    ...shape.grants.map(({ grantee, ...rest }) => `grant to ${grantee ?? 'PUBLIC'} ${JSON.stringify(rest)}`),
  ];
}

/** What differs, one line each: `- ` only the first has it, `+ ` only the other. */
export function shapeDifference(first: readonly string[], other: readonly string[]): string[] {
  return [
    ...first.filter((line) => !other.includes(line)).map((line) => `- ${line}`),
    ...other.filter((line) => !first.includes(line)).map((line) => `+ ${line}`),
  ];
}
