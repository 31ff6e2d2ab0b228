import { unreachable } from '@changeover/core';
import type { PreflightFinding } from '@changeover/events';
import pg from 'pg';

import { asReplicaIdentity, type ReplicaIdentity } from './relation.js';
import type { SourceConfig } from './settings.js';
import type { SqlSession } from './sql-session.js';

/** A table that the settings select, with what decides whether it can be captured. */
export type CapturedTable = {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly partitioned: boolean;
  readonly replicaIdentity: ReplicaIdentity;
  /** Old rows can be found: a usable key, or the whole row. */
  readonly hasIdentity: boolean;
  readonly hasPrimaryKey: boolean;
  /** Partitions whose own replica identity sends no old row, by which PostgreSQL would refuse updates of them. */
  readonly leavesWithoutIdentity: readonly string[];
  /** A unique index over columns that are never null, which could be the replica identity. */
  readonly possibleIdentity: string | null;
  readonly generatedColumns: readonly string[];
  readonly owned: boolean;
  readonly readable: boolean;
  /** Row-level security applies to our role: it may hide rows, so PostgreSQL refuses to read the table to us. */
  readonly rowSecurity: boolean;
};

export type Selection = {
  readonly tables: readonly CapturedTable[];
  /** What was selected and cannot be captured at all: `finding.severity` is `error`. */
  readonly refused: readonly PreflightFinding[];
};

const IDENTITY_INDEX = `i.indisvalid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate WHEN 'i' THEN i.indisreplident ELSE false END`;

const SELECTED = `
  SELECT c.oid, n.nspname AS schema, c.relname AS table, c.relkind AS kind, c.relpersistence AS persistence, c.relispartition AS "isPartition",
         c.relreplident AS "replicaIdentity", n.nspname = ANY ($1) AS "bySchema",
         c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND ${IDENTITY_INDEX}) AS "hasIdentity",
         EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS "hasPrimaryKey",
         ARRAY (SELECT p.relid::regclass::text FROM pg_partition_tree(CASE c.relkind WHEN 'p' THEN c.oid END) p JOIN pg_class l ON l.oid = p.relid
                 WHERE p.isleaf AND l.relkind = 'r' AND l.relreplident <> 'f'
                   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = l.oid AND i.indisvalid
                         AND CASE l.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate WHEN 'i' THEN i.indisreplident ELSE false END)
                 ORDER BY 1) AS "leavesWithoutIdentity",
         (SELECT min(x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
             AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attnotnull
                               AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))) AS "possibleIdentity",
         ARRAY (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped ORDER BY a.attnum) AS "generatedColumns",
         (SELECT count(*)::int FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attgenerated = '' AND NOT a.attisdropped) AS columns,
         pg_has_role(c.relowner, 'USAGE') AS owned,
         has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
         row_security_active(c.oid) AS "rowSecurity"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE (n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
          OR (n.nspname, c.relname) IN (SELECT * FROM unnest($2::text[], $3::text[])))
     AND n.nspname || '.' || c.relname <> ALL ($4)
   ORDER BY n.nspname, c.relname`;

type SelectedRow = Omit<CapturedTable, 'replicaIdentity' | 'partitioned'> & {
  readonly kind: string;
  readonly persistence: string;
  readonly isPartition: boolean;
  readonly replicaIdentity: string;
  readonly columns: number;
};

/** The tables that the settings select now. Of a schema: all but partitions (their root has their rows) and what extensions own. */
export async function selectTables(sql: SqlSession, config: SourceConfig): Promise<Selection> {
  const rows = await sql.query<SelectedRow>(SELECTED, [
    config.schemas,
    config.tables.map(({ schema }) => schema),
    config.tables.map(({ table }) => table),
    config.exclude,
  ]);
  const refused: PreflightFinding[] = [];
  for (const { schema, table } of config.tables) {
    const found = rows.some((row) => row.schema === schema && row.table === table);
    if (!found && !config.exclude.includes(`${schema}.${table}`)) {
      refused.push({ severity: 'error', check: 'table', message: `the settings name the table ${schema}.${table}, which does not exist` });
    }
  }
  const tables: CapturedTable[] = [];
  for (const { kind, persistence, isPartition, replicaIdentity, columns, ...row } of rows) {
    const reason = reasonAgainst({ kind, persistence, isPartition, columns, schema: row.schema });
    if (reason === null) tables.push({ ...row, partitioned: kind === 'p', replicaIdentity: asReplicaIdentity(replicaIdentity) });
    else
      refused.push({
        severity: 'error',
        check: 'table',
        message: `${row.schema}.${row.table} ${reason.text}`,
        ...(reason.fix === undefined ? {} : { fix: [reason.fix(row)] }),
      });
  }
  return { tables, refused };
}

type TableName = { readonly schema: string; readonly table: string };

export function quoted({ schema, table }: TableName): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
}

/** Rows can be told apart by their key, so that they can be copied piece by piece, and it is known which of them a change concerns. */
export function hasKey({ replicaIdentity, hasIdentity, hasPrimaryKey }: CapturedTable): boolean {
  return hasPrimaryKey || (replicaIdentity === 'i' && hasIdentity);
}

/** What is wrong with how old rows of the table are found, under the policy of the settings. */
export function identityFinding(table: CapturedTable, policy: SourceConfig['tablesWithoutKey']): PreflightFinding | null {
  const name = `${table.schema}.${table.table}`;
  const check = 'replica_identity';
  const full = `ALTER TABLE ${quoted(table)} REPLICA IDENTITY FULL;`;
  if (table.leavesWithoutIdentity.length > 0 && policy !== 'insert-only') {
    return {
      severity: 'error',
      check,
      message: `partitions of ${name} have no replica identity; once captured, PostgreSQL would refuse updates and deletes of them: ${table.leavesWithoutIdentity.join(', ')}`,
      fix: table.leavesWithoutIdentity.map((leaf) => `ALTER TABLE ${leaf} REPLICA IDENTITY FULL;`),
    };
  }
  const keyless = table.replicaIdentity === 'f' && !table.hasPrimaryKey;
  if (table.hasIdentity && !(keyless && policy === 'refuse')) return null;
  switch (policy) {
    case 'refuse':
      return {
        severity: 'error',
        check,
        message: keyless
          ? `${name} has no primary key and tells the whole old row instead; capture it so with the setting tablesWithoutKey: full`
          : `${name} has no key by which changed rows are found; once captured, PostgreSQL would refuse its updates and deletes. Or leave the table out, or set tablesWithoutKey`,
        fix: keyless ? [`ALTER TABLE ${quoted(table)} ADD PRIMARY KEY (…);`] : keyLines(table),
      };
    case 'full':
      return { severity: 'error', check, message: `${name} has no key, and its old rows are not logged whole`, fix: [full] };
    case 'insert-only':
      return {
        severity: 'warning',
        check,
        message: `${name} has no key: once captured, PostgreSQL refuses its updates and deletes, to everybody`,
        fix: [full],
      };
    default:
      return unreachable(policy);
  }
}

/** What would give the table a key. */
export function keyLines(table: CapturedTable): string[] {
  if (table.replicaIdentity !== 'd' && table.hasPrimaryKey) return [`ALTER TABLE ${quoted(table)} REPLICA IDENTITY DEFAULT;`];
  if (table.possibleIdentity !== null)
    return [`ALTER TABLE ${quoted(table)} REPLICA IDENTITY USING INDEX ${pg.escapeIdentifier(table.possibleIdentity)};`];
  return [`ALTER TABLE ${quoted(table)} ADD PRIMARY KEY (…);`];
}

function reasonAgainst({
  kind,
  persistence,
  isPartition,
  columns,
  schema,
}: Pick<SelectedRow, 'kind' | 'persistence' | 'isPartition' | 'columns' | 'schema'>): {
  text: string;
  fix?: (table: TableName) => string;
} | null {
  if (kind !== 'r' && kind !== 'p') return { text: 'is not a table (a view, a foreign table or a sequence)' };
  if (isPartition) return { text: 'is a partition: name the table that it is a partition of' };
  if (persistence === 'u')
    return {
      text: 'is unlogged, so its changes cannot be captured; or leave it out',
      fix: (table) => `ALTER TABLE ${quoted(table)} SET LOGGED;`,
    };
  if (columns === 0) return { text: 'has no columns, so its rows cannot be told apart; leave it out' };
  // Tables are known as schema.table, up to the first dot.
  if (schema.includes('.')) return { text: 'is in a schema with a dot in its name; leave it out' };
  if (schema.startsWith('target:'))
    return { text: 'is in a schema whose name begins with target:, as what mappings call tables of the new database; leave it out' };
  if (persistence === 't') return { text: 'is temporary, so its changes cannot be captured' };
  return null;
}
