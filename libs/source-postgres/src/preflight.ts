import { asChangeoverError, type Clock } from '@changeover/core';
import type { PreflightFinding } from '@changeover/events';
import pg from 'pg';

import { identityFinding, quoted, selectTables, type CapturedTable } from './captured-tables.js';
import {
  createPublication,
  publicationGone,
  publishedTables,
  publishes,
  publishEverything,
  setTables,
  type Published,
} from './kept-at-source.js';
import { ReplicationConnection } from './replication-connection.js';
import type { SourceConfig } from './settings.js';
import { rowFindings } from './row-findings.js';
import type { SqlSession } from './sql-session.js';

const OLDEST_VERSION = 140_000;
const NEWEST_VERSION = 190_000;
const SMALL_WAL_LIMIT_MB = 10_240;
const SHORT_SENDER_TIMEOUT_MS = 3000;
const DAY_S = 86_400;

type ServerFacts = {
  readonly version: number;
  readonly versionText: string;
  readonly standby: boolean;
  readonly walLevel: string;
  readonly maxSlots: number;
  readonly usedSlots: number;
  readonly ownSlot: boolean;
  readonly maxSenders: number;
  readonly usedSenders: number;
  readonly senderTimeoutMs: number;
  readonly slotWalLimitMb: number;
  readonly slotIdleLimitS: number;
  readonly encoding: string;
  readonly role: string;
  readonly database: string;
  readonly mayCreate: boolean;
  readonly mayMark: boolean;
};

/** pg_settings gives numbers in the setting's own unit, where SHOW would print `1min`. */
const SERVER_FACTS = `
  SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS "versionText",
         pg_is_in_recovery() AS standby, current_setting('wal_level') AS "walLevel",
         current_setting('max_replication_slots')::int AS "maxSlots",
         (SELECT count(*)::int FROM pg_replication_slots) AS "usedSlots",
         EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS "ownSlot",
         current_setting('max_wal_senders')::int AS "maxSenders",
         (SELECT count(*)::int FROM pg_stat_replication) AS "usedSenders",
         (SELECT setting::int FROM pg_settings WHERE name = 'wal_sender_timeout') AS "senderTimeoutMs",
         (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS "slotWalLimitMb",
         coalesce((SELECT setting::int FROM pg_settings WHERE name = 'idle_replication_slot_timeout'), 0) AS "slotIdleLimitS",
         current_setting('server_encoding') AS encoding, current_user::text AS role, current_database()::text AS database,
         has_database_privilege(current_database(), 'CREATE') AS "mayCreate",
         (SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
           WHERE p.proname = 'pg_logical_emit_message' AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proargtypes[2] = 'text'::regtype) AS "mayMark"`;

/** Everything that capture needs of the source, each with what was seen. Changes nothing; opens a walsender and closes it. */
export async function preflight(sql: SqlSession, config: SourceConfig, clock: Clock): Promise<PreflightFinding[]> {
  const [facts] = await sql.query<ServerFacts>(SERVER_FACTS, [config.slot]);
  if (facts === undefined) return [];
  const { tables, refused } = await selectTables(sql, config);
  const published = await publishedTables(sql, config.slot);
  return [
    ...serverFindings(facts),
    encodingFinding(facts, tables),
    await replicationFinding(config, facts, clock),
    // Only what may be published: PostgreSQL would refuse updates of the others, to everybody.
    ...publicationFindings(
      config,
      facts,
      tables.filter((table) => identityFinding(table, config.tablesWithoutKey)?.severity !== 'error'),
      published,
    ),
    ...(tables.length === 0 ? [{ severity: 'error', check: 'table', message: 'the settings select no table of the source' } as const] : []),
    ...refused,
    ...tables.flatMap((table) => tableFindings(config, facts, table)),
    ...(await rowFindings(sql, tables, facts.ownSlot ? published : null)),
  ];
}

function serverFindings(facts: ServerFacts): PreflightFinding[] {
  return [
    facts.version >= OLDEST_VERSION && facts.version < NEWEST_VERSION
      ? ok('server_version', `PostgreSQL ${facts.versionText}`)
      : {
          severity: facts.version < OLDEST_VERSION ? 'error' : 'warning',
          check: 'server_version',
          message: `PostgreSQL ${facts.versionText}; 14 to 18 are supported`,
        },
    facts.standby
      ? {
          severity: 'error',
          check: 'primary',
          message: 'the server is a standby, whose snapshots do not list running transactions; name the primary',
        }
      : ok('primary', 'the server is a primary'),
    facts.walLevel === 'logical'
      ? ok('wal_level', 'wal_level is logical')
      : {
          severity: 'error',
          check: 'wal_level',
          message: `wal_level is ${facts.walLevel}`,
          fix: ["ALTER SYSTEM SET wal_level = 'logical';"],
          restart: true,
        },
    room(facts.ownSlot ? 1 : facts.maxSlots - facts.usedSlots, {
      check: 'max_replication_slots',
      what: 'replication slot',
      limit: facts.maxSlots,
    }),
    room(facts.maxSenders - facts.usedSenders, { check: 'max_wal_senders', what: 'WAL sender', limit: facts.maxSenders }),
    facts.senderTimeoutMs > 0 && facts.senderTimeoutMs < SHORT_SENDER_TIMEOUT_MS
      ? {
          severity: 'warning',
          check: 'wal_sender_timeout',
          message: `wal_sender_timeout is ${String(facts.senderTimeoutMs)} ms: a short pause of the network ends the stream`,
          fix: ["ALTER SYSTEM SET wal_sender_timeout = '60s';", 'SELECT pg_reload_conf();'],
        }
      : ok('wal_sender_timeout', `wal_sender_timeout is ${String(facts.senderTimeoutMs)} ms`),
    facts.slotWalLimitMb >= 0 && facts.slotWalLimitMb < SMALL_WAL_LIMIT_MB
      ? {
          severity: 'warning',
          check: 'max_slot_wal_keep_size',
          message: `the source drops our slot, and with it the migration, when we are ${String(facts.slotWalLimitMb)} MB of WAL behind`,
          fix: ["ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';", 'SELECT pg_reload_conf();'],
        }
      : ok(
          'max_slot_wal_keep_size',
          facts.slotWalLimitMb < 0
            ? 'the source keeps WAL for us without limit'
            : `the source keeps ${String(facts.slotWalLimitMb)} MB of WAL for us`,
        ),
    facts.slotIdleLimitS > 0 && facts.slotIdleLimitS < DAY_S
      ? {
          severity: 'warning',
          check: 'idle_replication_slot_timeout',
          message: `the source drops our slot, and with it the migration, when we are away for ${String(facts.slotIdleLimitS)} s`,
          fix: ["ALTER SYSTEM SET idle_replication_slot_timeout = '0';", 'SELECT pg_reload_conf();'],
        }
      : ok('idle_replication_slot_timeout', 'the source keeps our slot while we are away'),
    facts.mayMark
      ? ok('pg_logical_emit_message', 'marks may be written')
      : {
          severity: 'error',
          check: 'pg_logical_emit_message',
          message: `${facts.role} may not call pg_logical_emit_message`,
          fix: [
            `GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text${facts.version >= 170_000 ? ', boolean' : ''}) TO ${pg.escapeIdentifier(facts.role)};`,
          ],
        },
  ];
}

/** The bytes of UTF-8, as hexadecimal digits. */
const UTF8 =
  '^([0-7].|(c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|(e[1-9a-cef])([89ab].){2}|ed[89].[89ab].|f0[9ab].([89ab].){2}|f[1-3]([89ab].){3}|f48.([89ab].){2})*$';

/** Everything is sent as UTF-8, into which PostgreSQL turns every encoding but one that says nothing of its bytes. */
function encodingFinding({ encoding }: ServerFacts, tables: readonly CapturedTable[]): PreflightFinding {
  if (encoding !== 'SQL_ASCII') return ok('server_encoding', `the database is ${encoding}`);
  const readable = tables.filter((table) => table.readable && !table.rowSecurity);
  return {
    severity: 'warning',
    check: 'server_encoding',
    message:
      'the database is SQL_ASCII, so its text may be in any encoding; a value that is not UTF-8 stops the stream for good (SOURCE_DATA). These lines find the rows that hold one',
    fix: readable.map(
      (table) =>
        `SELECT tableoid::regclass, ctid FROM ${quoted(table)} t WHERE encode(convert_to(t::text, 'SQL_ASCII'), 'hex') !~ ${pg.escapeLiteral(UTF8)};`,
    ),
  };
}

/** Whether a walsender opens says more than the role's attributes: hosted servers grant it by a role of their own. */
async function replicationFinding(config: SourceConfig, facts: ServerFacts, clock: Clock): Promise<PreflightFinding> {
  try {
    const connection = await ReplicationConnection.open({ url: config.url, applicationName: config.applicationName }, clock);
    await connection.close();
    return ok('replication', `${facts.role} may replicate`);
  } catch (error) {
    const { code, message } = asChangeoverError(error);
    if (code !== 'SOURCE_DENIED') return { severity: 'error', check: 'replication', message };
    return {
      severity: 'error',
      check: 'replication',
      message: `${facts.role} may not replicate`,
      fix: [`ALTER ROLE ${pg.escapeIdentifier(facts.role)} REPLICATION;`],
    };
  }
}

function publicationFindings(
  config: SourceConfig,
  facts: ServerFacts,
  tables: readonly CapturedTable[],
  published: Published | null,
): PreflightFinding[] {
  const check = 'publication';
  // It is made before the slot: nobody but who took it away can have left one without the other.
  if (published === null && facts.ownSlot) {
    const { code, message, nextStep } = publicationGone(config.slot);
    return [{ severity: 'error', check: code, message: `${message}. ${nextStep}` }];
  }
  if (tables.length === 0) return [];
  if (published?.everyAction === true && publishes(published, tables)) return [ok(check, `the publication ${config.slot} is there`)];
  const foreign = tables.filter((table) => !table.owned);
  if (foreign.length === 0 && facts.mayCreate) return [ok(check, `${facts.role} may make the publication`)];
  const lacks = [
    ...(facts.mayCreate ? [] : [`CREATE on the database ${facts.database}`]),
    ...(foreign.length === 0 ? [] : [`ownership of ${foreign.map(({ schema, table }) => `${schema}.${table}`).join(', ')}`]),
  ];
  const lines =
    published === null
      ? [createPublication(config.slot, tables)]
      : [
          ...(published.everyAction ? [] : [publishEverything(config.slot)]),
          ...(publishes(published, tables) ? [] : [setTables(config.slot, tables)]),
        ];
  return [
    {
      severity: 'error',
      check,
      message: `${facts.role} cannot make the publication: it lacks ${lacks.join(' and ')}. Somebody who has it can run this instead`,
      fix: lines.map((line) => `${line};`),
    },
  ];
}

function tableFindings(config: SourceConfig, facts: ServerFacts, table: CapturedTable): PreflightFinding[] {
  const name = `${table.schema}.${table.table}`;
  const findings: PreflightFinding[] = [];
  if (!table.readable) {
    findings.push({
      severity: 'error',
      check: 'select',
      message: `${facts.role} may not read ${name}`,
      fix: [
        `GRANT USAGE ON SCHEMA ${pg.escapeIdentifier(table.schema)} TO ${pg.escapeIdentifier(facts.role)};`,
        `GRANT SELECT ON ${quoted(table)} TO ${pg.escapeIdentifier(facts.role)};`,
      ],
    });
  }
  if (table.rowSecurity) {
    findings.push({
      severity: 'error',
      check: 'row_security',
      message: `row-level security of ${name} may hide rows from ${facts.role}`,
      fix: [`ALTER ROLE ${pg.escapeIdentifier(facts.role)} BYPASSRLS;`],
    });
  }
  const identity = identityFinding(table, config.tablesWithoutKey);
  findings.push(
    identity ?? ok('replica_identity', `changed rows of ${name} are told ${table.replicaIdentity === 'f' ? 'whole' : 'by key'}`),
  );
  if (table.generatedColumns.length > 0) {
    findings.push({
      severity: 'warning',
      check: 'generated',
      message: `generated columns of ${name} are not captured: ${table.generatedColumns.join(', ')}`,
    });
  }
  if (table.partitioned) {
    findings.push({
      severity: 'warning',
      check: 'partitions',
      message: `PostgreSQL does not tell of rows that come or go with a single partition of ${name}. ATTACH, DETACH and DROP are noticed, and the table is copied again; TRUNCATE of one, and rows moved into one by the transaction that makes and attaches it, are not. Delete such rows by DELETE while the migration runs`,
    });
  }
  return findings;
}

function room(
  free: number,
  { check, what, limit }: { readonly check: string; readonly what: string; readonly limit: number },
): PreflightFinding {
  if (free > 0) return ok(check, `a ${what} is free`);
  return {
    severity: 'error',
    check,
    message: `every ${what} is in use (${check} is ${String(limit)})`,
    fix: [`ALTER SYSTEM SET ${check} = ${String(limit + 5)};`],
    restart: true,
  };
}

function ok(check: string, message: string): PreflightFinding {
  return { severity: 'ok', check, message };
}
