import { countWords } from '@changeover/core';
import type { PreflightFinding, TableSchema } from '@changeover/events';
import { escapeIdentifier } from 'pg';

import { readCatalogue } from './catalogue/read-catalogue.js';
import { needsValue } from './catalogue/table-form.js';
import { nameOf, rowsOf, type TargetTable } from './catalogue/target-table.js';
import { isWider } from './catalogue/wider-type.js';
import { Connection } from './connection.js';
import { addressingOf, tableId } from './net/net-row.js';
import { isOfEarlierVersion, isOurs } from './own-schema.js';
import { MOST_LEFT_ROWS, tooMany, whyNotLeft, type PreexistingPolicy } from './preexisting-rows.js';
import { asTargetError } from './sql-state.js';

export type PreflightOptions = {
  readonly url: string;
  readonly migration: string;
  readonly existingRows: PreexistingPolicy;
  readonly applicationName: string;
};

type Server = {
  version: number;
  database: string;
  role: string;
  standby: boolean;
  create: boolean;
  temporary: boolean;
  /** Our schema is there. */
  schema: boolean;
  usage: boolean;
  /** It has our tables, and we may look at them. */
  ours: boolean;
  /** In our schema. */
  createOurs: boolean;
  /** Tables of ours that we may not write. */
  denied: string[];
};
type Grants = { table: string; usage: boolean; privileges: string[]; triggers: string[] | null; row_security: boolean };

/** Looks at everything that `open` and the batches will need; changes nothing. */
export async function preflight(options: PreflightOptions, tables: readonly TableSchema[]): Promise<PreflightFinding[]> {
  try {
    await using connection = await Connection.open(options.url, options.applicationName);
    await connection.query('SET default_transaction_read_only = on');
    const server = await readServer(connection);
    const found = await readCatalogue((sql, values) => connection.query(sql, values), tables);
    const targets = new Map(found.map((table) => [tableId(table), table]));
    const grants = await readGrants(connection, tables);
    const loaded = server.ours ? await loadedTables(connection, options.migration) : new Set<string>();
    const findings = serverFindings(server);
    if (server.ours && !server.createOurs && (await isOfEarlierVersion(connection))) findings.push(upgradeFinding(server));
    for (const schema of tables) {
      const id = tableId(schema);
      if (isOurs(schema)) {
        const message = `${id} cannot be written: the schema ${schema.schema} of the target is our own`;
        findings.push({ severity: 'error', check: 'ours', message });
        continue;
      }
      const target = targets.get(id);
      if (target === undefined) {
        findings.push({ severity: 'error', check: 'table', message: `the target has no table ${id}` });
        continue;
      }
      const granted = grants.get(id);
      const lacking = granted === undefined ? [] : grantFindings(server.role, schema, granted);
      findings.push(...lacking, ...columnFindings(schema, target), ...keyFindings(schema, target));
      const mayLook = granted?.privileges.includes('SELECT') === true && granted.usage && !granted.row_security;
      if (mayLook && !loaded.has(id))
        findings.push(...rowFindings(schema, target, await countRows(connection, target), options.existingRows));
    }
    if (tables.length > 0 && findings.every(({ severity }) => severity !== 'error')) {
      findings.push({
        severity: 'ok',
        check: 'target',
        message: `the target is ready: ${String(tables.length)} tables, PostgreSQL ${String(Math.floor(server.version / 10_000))}`,
      });
    }
    return findings;
  } catch (error) {
    const known = asTargetError(error);
    return [{ severity: 'error', check: 'connection', message: `${known.code}: ${known.message}. ${known.nextStep}` }];
  }
}

async function readServer(connection: Connection): Promise<Server> {
  const [server] = await connection.query<Server>(
    `SELECT current_setting('server_version_num')::int AS version, current_database() AS database, current_user AS role, pg_is_in_recovery() AS standby,
       has_database_privilege(current_database(), 'CREATE') AS create, has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
       to_regnamespace('changeover') IS NOT NULL AS schema, coalesce(has_schema_privilege(to_regnamespace('changeover')::oid, 'USAGE'), false) AS usage,
       EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('changeover') AND relname = 'progress' AND has_table_privilege(oid, 'SELECT')) AS ours,
       ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('changeover') AND relkind = 'r'
         AND (SELECT bool_or(NOT has_table_privilege(pg_class.oid, p)) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p) ORDER BY 1) AS denied,
       coalesce(has_schema_privilege(to_regnamespace('changeover')::oid, 'CREATE'), false) AS "createOurs"`,
  );
  return { ...(server as Server), ours: server?.ours === true && server.usage };
}

async function readGrants(connection: Connection, tables: readonly TableSchema[]): Promise<ReadonlyMap<string, Grants>> {
  const rows = await connection.query<Grants>(
    `SELECT n.nspname || '.' || c.relname AS "table", has_schema_privilege(n.oid, 'USAGE') AS usage, row_security_active(c.oid) AS row_security,
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p WHERE has_table_privilege(c.oid, p)) AS privileges,
       (SELECT array_agg(t.tgname::text ORDER BY t.tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D') AS triggers
     FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
     JOIN pg_namespace n ON n.nspname = wanted.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name`,
    [tables.map(({ schema }) => schema), tables.map(({ table }) => table)],
  );
  return new Map(rows.map((row) => [row.table, row]));
}

async function loadedTables(connection: Connection, migration: string): Promise<ReadonlySet<string>> {
  const [row] = await connection.query<{ ids: string[] }>(
    'SELECT ARRAY(SELECT jsonb_object_keys(tables)) AS ids FROM changeover.progress WHERE migration = $1',
    [migration],
  );
  return new Set(row?.ids ?? []);
}

/** At most as many as can be left, and one more. */
async function countRows(connection: Connection, target: TargetTable): Promise<number> {
  const [row] = await connection.query<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM (SELECT FROM ${rowsOf(target)} LIMIT ${String(MOST_LEFT_ROWS + 1)}) AS counted`,
  );
  return row?.rows ?? 0;
}

/** Rows that are there before the first load. */
function rowFindings(schema: TableSchema, target: TargetTable, rows: number, existingRows: PreexistingPolicy): PreflightFinding[] {
  if (rows === 0) return [];
  const count = rows > MOST_LEFT_ROWS ? `more than ${countWords(MOST_LEFT_ROWS)} rows` : rows === 1 ? '1 row' : `${countWords(rows)} rows`;
  const holds = `${tableId(schema)} of the target holds ${count}`;
  const mustBeEmpty = `${holds}; before the first load it must be empty`;
  const empty = (message: string): PreflightFinding[] => [{ severity: 'error', check: 'empty', message }];
  if (existingRows === 'refuse') return empty(`${mustBeEmpty}, unless target.existingRows leaves them as they are`);
  const why = whyNotLeft({ addressing: addressingOf(schema), schema, target }) ?? (rows > MOST_LEFT_ROWS ? tooMany() : null);
  if (why !== null) return empty(`${mustBeEmpty}: ${why}`);
  const message = `${holds}, which stay as they are; load stops if a row of the source has the key of one of them`;
  return [{ severity: 'ok', check: 'existing_rows', message }];
}

function serverFindings({ version, database, role, standby, create, temporary, schema, usage, ours, denied }: Server): PreflightFinding[] {
  const findings: PreflightFinding[] = [];
  const grant = (privilege: string): string => `GRANT ${privilege} ON DATABASE ${escapeIdentifier(database)} TO ${escapeIdentifier(role)};`;
  if (version < 140_000)
    findings.push({
      severity: 'error',
      check: 'version',
      message: `the target is PostgreSQL ${String(Math.floor(version / 10_000))}; 14 or later is needed`,
    });
  if (standby) findings.push({ severity: 'error', check: 'standby', message: 'the target is a standby, which takes no writes' });
  if (schema && (!usage || denied.length > 0)) findings.push(deniedFinding(role, usage, denied));
  if (!create && (!schema || (usage && !ours && denied.length === 0))) {
    findings.push({
      severity: 'error',
      check: 'create',
      message: `${role} may not create the schema changeover in the target`,
      fix: [grant('CREATE')],
    });
  }
  if (!temporary) {
    findings.push({
      severity: 'error',
      check: 'temporary',
      message: `${role} may not create temporary tables, which large transactions need`,
      fix: [grant('TEMPORARY')],
    });
  }
  return findings;
}

/** Another role made our schema, for another migration perhaps. */
function deniedFinding(role: string, usage: boolean, denied: readonly string[]): PreflightFinding {
  const to = `TO ${escapeIdentifier(role)};`;
  return {
    severity: 'error',
    check: 'ours',
    message: `${role} may not ${usage ? `write ${denied.join(', ')} in` : 'use'} the schema changeover of the target, which another role has made`,
    fix: [`GRANT USAGE ON SCHEMA changeover ${to}`, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA changeover ${to}`],
  };
}

function upgradeFinding({ role }: Server): PreflightFinding {
  return {
    severity: 'error',
    check: 'create',
    message: `${role} may not create tables in the schema changeover of the target, as this version needs to`,
    fix: [`GRANT CREATE ON SCHEMA changeover TO ${escapeIdentifier(role)};`],
  };
}

function grantFindings(role: string, schema: TableSchema, { usage, privileges, triggers, row_security }: Grants): PreflightFinding[] {
  const id = tableId(schema);
  const to = `TO ${escapeIdentifier(role)};`;
  const name = nameOf(schema);
  const findings: PreflightFinding[] = [];
  if (!usage) {
    const fix = [`GRANT USAGE ON SCHEMA ${escapeIdentifier(schema.schema)} ${to}`];
    findings.push({ severity: 'error', check: 'usage', message: `${role} may not use the schema ${schema.schema} of the target`, fix });
  }
  const missing = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].filter((privilege) => !privileges.includes(privilege));
  if (missing.length > 0) {
    const fix = [`GRANT ${missing.join(', ')} ON ${name} ${to}`];
    findings.push({ severity: 'error', check: 'privileges', message: `${role} lacks ${missing.join(', ')} on ${id} of the target`, fix });
  }
  if (row_security) {
    findings.push({
      severity: 'error',
      check: 'row_security',
      message: `row-level security of ${id} applies to ${role}, which would not find all of its rows; let it bypass that, or own the table without FORCE`,
      fix: [`ALTER ROLE ${escapeIdentifier(role)} BYPASSRLS;`],
    });
  }
  if (triggers !== null) {
    findings.push({
      severity: 'warning',
      check: 'triggers',
      message: `${id} of the target has triggers that will fire for each row: ${triggers.join(', ')}`,
    });
  }
  return findings;
}

function columnFindings(schema: TableSchema, target: TargetTable): PreflightFinding[] {
  const id = tableId(schema);
  const name = nameOf(schema);
  const byName = new Map(target.columns.map((column) => [column.name, column]));
  const findings: PreflightFinding[] = [];
  for (const column of schema.columns) {
    const found = byName.get(column.name);
    if (found === undefined)
      findings.push({
        severity: 'error',
        check: 'column',
        message: `${id} of the target lacks the column ${column.name}${column.type === '' ? '' : ` (${column.type})`}`,
      });
    else if (column.key && found.type !== column.type && column.type !== '') {
      findings.push({
        severity: 'warning',
        check: 'key_type',
        message: `the key column ${id}.${column.name} is ${column.type} in the writes and ${found.type} in the target`,
      });
    }
    if (found?.generated != null) {
      findings.push({
        severity: 'warning',
        check: 'generated',
        message: `${id}.${column.name} of the target is generated: the written value is ignored`,
      });
    }
    if (found?.identity === 'a') {
      findings.push({
        severity: column.key ? 'warning' : 'error',
        check: 'identity',
        message: `${id}.${column.name} of the target is GENERATED ALWAYS: ${column.key ? 'a row whose key changes' : 'every update'} will be refused`,
        fix: [`ALTER TABLE ${name} ALTER COLUMN ${escapeIdentifier(column.name)} SET GENERATED BY DEFAULT;`],
      });
    }
  }
  const differing = schema.columns.flatMap(({ name: column, type, key }) => {
    const found = byName.get(column);
    if (found === undefined || found.generated !== null || key || type === '' || found.type === type || isWider(type, found.type))
      return [];
    return [{ column, from: type, to: found.type }];
  });
  for (const [risk, columns] of [
    [
      'values that do not fit may be rounded, cut or read as something else without being refused',
      differing.filter(({ to }) => to !== 'uuid'),
    ],
    ['rows with values that do not fit are refused', differing.filter(({ to }) => to === 'uuid')],
  ] as const) {
    if (columns.length === 0) continue;
    const each = columns.map(({ column, from, to }) => `${column}: ${from} → ${to}`).join('; ');
    findings.push({
      severity: 'warning',
      check: 'type',
      message: `columns of ${id} have another type in the target than in the writes; ${risk}: ${each}`,
    });
  }
  const told = new Set(schema.columns.map((column) => column.name));
  for (const column of target.columns) {
    if (needsValue(column) && !told.has(column.name)) {
      findings.push({
        severity: 'error',
        check: 'required',
        message: `${id}.${column.name} of the target is NOT NULL without a default, and nothing writes it`,
      });
    }
  }
  return findings;
}

/** Rows are found by key: without a unique index a row may be found twice, and each look-up reads the whole table. */
function keyFindings(schema: TableSchema, target: TargetTable): PreflightFinding[] {
  const id = tableId(schema);
  if (addressingOf(schema) !== 'key') {
    const byAll = schema.identity === 'full' ? ', or found by all their columns' : '';
    const cascades = target.referencedBy.some((reference) => reference.cascades)
      ? '. Foreign keys of the target cascade from it: each deletion of a row will be refused'
      : '';
    return [{ severity: 'warning', check: 'key', message: `${id} has no key: its rows can only be added${byAll}${byAll && cascades}` }];
  }
  const keys = schema.columns.filter((column) => column.key).map((column) => column.name);
  const unique = target.uniques.some(
    (index) =>
      index.predicate === null &&
      index.keys.length === keys.length &&
      index.keys.every(({ column }) => column !== null && keys.includes(column)),
  );
  if (unique) return [];
  const name = nameOf(schema);
  return [
    {
      severity: 'error',
      check: 'key',
      message: `${id} of the target has no unique index on its key (${keys.join(', ')})`,
      fix: [`CREATE UNIQUE INDEX ON ${name} (${keys.map((key) => escapeIdentifier(key)).join(', ')});`],
    },
  ];
}
