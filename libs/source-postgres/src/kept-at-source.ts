import { ChangeoverError, type Position } from '@changeover/core';
import pg from 'pg';

import { hasKey, identityFinding, quoted, selectTables, type CapturedTable } from './captured-tables.js';
import { positionOf } from './lsn.js';
import { destroySession, openSession } from './session.js';
import type { SourceConfig } from './settings.js';
import { createSlot, filledTables, type CreatedSlot } from './slot-creation.js';
import { sourceError } from './source-error.js';
import type { SqlSession } from './sql-session.js';

export type SlotState = {
  readonly confirmed: Position;
  readonly activePid: number | null;
  /** `pg_replication_slots.wal_status`: reserved, extended, unreserved (about to be lost) or lost (it cannot go on). */
  readonly walStatus: string | null;
  /** Bytes of WAL kept for the slot. */
  readonly keptBytes: number;
};

/** The identity of the publication and of its entries, with the tables' names: nobody can take one away, or change it, and put it back. */
export type PublicationWatch = {
  readonly oid: number;
  /** The transaction that last defined the publication: which operations it tells of, and under whose name. */
  readonly definedBy: string;
  /** By table (`schema.table`). It is kept with each `progress` record, so it is short. */
  readonly entries: Readonly<Record<string, { readonly entry: number; readonly table: number }>>;
};

const PUBLISH = `publish = 'insert, update, delete, truncate', publish_via_partition_root = true`;

const SLOT_STATE = `
  SELECT s.confirmed_flush_lsn AS confirmed, s.active_pid AS "activePid", s.wal_status AS "walStatus",
         s.plugin, s.database = current_database() AS "ofDatabase",
         CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) END AS "keptBytes"
    FROM pg_replication_slots s WHERE s.slot_name = $1`;

/** The two things the source keeps for us, both named {@link SourceConfig.slot}: the publication and the slot. */
export class KeptAtSource {
  readonly #sql: SqlSession;
  readonly #config: SourceConfig;

  constructor(sql: SqlSession, config: SourceConfig) {
    this.#sql = sql;
    this.#config = config;
  }

  async slot(): Promise<SlotState | null> {
    type Row = {
      confirmed: string | null;
      activePid: number | null;
      walStatus: string | null;
      plugin: string | null;
      ofDatabase: boolean | null;
      keptBytes: string | null;
    };
    const [row] = await this.#sql.query<Row>(SLOT_STATE, [this.#config.slot]);
    if (row === undefined) return null;
    if (row.plugin !== 'pgoutput' || row.ofDatabase !== true || row.confirmed === null) {
      throw new ChangeoverError(
        'SOURCE_NOT_READY',
        `there is a slot ${this.#config.slot} of another database or kind; drop it, or use another migration id`,
      );
    }
    return {
      confirmed: positionOf(row.confirmed),
      activePid: row.activePid,
      walStatus: row.walStatus,
      keptBytes: Number(row.keptBytes ?? 0),
    };
  }

  /** The tables that are captured: selected, and published; before there is a publication, fit to be. */
  async captured(): Promise<readonly CapturedTable[]> {
    const { tables, published } = await this.#selected();
    return tables.filter((table) => (published === null ? this.#isFit(table) : isPublished(published, table)));
  }

  /** Tables that are selected and not captured, though there is a publication: of their rows nothing is told. */
  async leftOut(): Promise<readonly string[]> {
    const { tables, published } = await this.#selected();
    if (published === null) return [];
    return tables.filter((table) => !isPublished(published, table)).map(({ schema, table }) => `${schema}.${table}`);
  }

  /**
   * Lets the publication follow the selected tables: one that the settings or the source's owner added since. Left out is one that must not
   * be published (PostgreSQL would then refuse updates of it), and one without a key that holds rows, which cannot be copied: it must not end a
   * migration in which it has no part. SOURCE_LOST if there is no publication.
   */
  async followTables(): Promise<void> {
    const { tables, published } = await this.#selected();
    if (published === null) throw publicationGone(this.#config.slot);
    const kept = tables.filter((table) => isPublished(published, table));
    const fresh = tables.filter((table) => !isPublished(published, table) && this.#isFit(table));
    const joined = fresh.length === 0 ? [] : await this.#join(kept, fresh);
    const captured = [...kept, ...joined];
    if (captured.length > 0)
      await this.#publish(captured, joined.length === 0 ? published : await publishedTables(this.#sql, this.#config.slot));
  }

  /**
   * Publishes the fresh tables that have a key or are empty. Nobody writes to one between the look at its rows and its entry in the publication; and who
   * wrote before, of which nothing will be told, has ended and can be seen: a copy finds his rows.
   */
  async #join(kept: readonly CapturedTable[], fresh: readonly CapturedTable[]): Promise<readonly CapturedTable[]> {
    const session = await openSession(this.#config);
    try {
      await session.query("BEGIN; SET LOCAL lock_timeout = '5s'");
      await session.query(`LOCK TABLE ${fresh.map((table) => quoted(table)).join(', ')} IN SHARE ROW EXCLUSIVE MODE`);
      const keyless = fresh.filter((table) => !hasKey(table));
      const filled = await filledTables(async (text) => (await session.query<{ index: number }>(text)).rows, keyless);
      const joining = fresh.filter(({ schema, table }) => !filled.includes(`${schema}.${table}`));
      if (joining.length > 0) await session.query(setTables(this.#config.slot, [...kept, ...joining]));
      await session.query('COMMIT');
      return joining;
    } catch (error) {
      throw sourceError(error, 'create');
    } finally {
      destroySession(session);
    }
  }

  /**
   * Makes publication and slot. A slot that was there is replaced, and what only it knew is lost. SOURCE_NOT_READY, and
   * nothing is made, if a selected table cannot be captured; SOURCE_DENIED if rows of one may be hidden from us.
   */
  async create(): Promise<CreatedSlot> {
    const { tables, refused } = await selectTables(this.#sql, this.#config);
    const findings = [...refused, ...tables.map((table) => identityFinding(table, this.#config.tablesWithoutKey))];
    const errors = findings.flatMap((finding) => (finding?.severity === 'error' ? [finding.message] : []));
    if (errors.length > 0) throw new ChangeoverError('SOURCE_NOT_READY', errors.join('; '));
    if (tables.length === 0) throw new ChangeoverError('BAD_SETTINGS', 'the settings select no table of the source');
    const hidden = tables.filter((table) => table.rowSecurity);
    if (hidden.length > 0) throw rowsHidden(hidden);
    // The publication first: the slot decodes each change by the catalogue of its time, in which it must be there.
    await this.#publish(tables, await publishedTables(this.#sql, this.#config.slot));
    if ((await this.slot()) !== null) await this.#dropSlot();
    return createSlot(this.#config, this.#config.slot, tables);
  }

  async drop(): Promise<void> {
    if ((await this.slot()) !== null) await this.#dropSlot();
    await this.#define([`DROP PUBLICATION IF EXISTS ${pg.escapeIdentifier(this.#config.slot)}`]);
  }

  /** What now makes the source tell us of changes. */
  async watch(): Promise<PublicationWatch> {
    const [row] = await this.#sql.query<PublicationWatch>(
      `SELECT p.oid, p.xmin::text AS "definedBy",
              coalesce((SELECT json_object_agg(n.nspname || '.' || c.relname, json_build_object('entry', r.oid::int8, 'table', c.oid::int8))
                FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE r.prpubid = p.oid), '{}') AS entries
         FROM pg_publication p WHERE p.pubname = $1`,
      [this.#config.slot],
    );
    if (row === undefined) throw publicationGone(this.#config.slot);
    return row;
  }

  /**
   * SOURCE_LOST if somebody took the publication away since, or changed what it tells; or if a table of it that the settings select was dropped,
   * taken out, or has another name: the rows that were told stand under the old one.
   */
  async requireUnchanged({ oid, definedBy, entries }: PublicationWatch): Promise<void> {
    const now = await this.watch();
    if (now.oid !== oid) throw publicationGone(this.#config.slot);
    if (now.definedBy !== definedBy) throw publicationChanged(this.#config.slot);
    const names = new Map(Object.entries(now.entries).map(([table, { entry }]) => [entry, table]));
    const lost = Object.entries(entries).flatMap(([table, { entry }]) => {
      const name = names.get(entry);
      return name === table ? [] : [table, ...(name === undefined ? [] : [name])].filter((one) => this.#isSelected(one));
    });
    if (lost.length > 0) throw tablesLost(lost);
  }

  async #selected(): Promise<{ readonly tables: readonly CapturedTable[]; readonly published: Published | null }> {
    const { tables } = await selectTables(this.#sql, this.#config);
    return { tables, published: await publishedTables(this.#sql, this.#config.slot) };
  }

  #isSelected(name: string): boolean {
    const { schemas, tables, exclude } = this.#config;
    if (exclude.includes(name)) return false;
    return schemas.includes(name.slice(0, name.indexOf('.'))) || tables.some(({ schema, table }) => `${schema}.${table}` === name);
  }

  #isFit(table: CapturedTable): boolean {
    return !table.rowSecurity && identityFinding(table, this.#config.tablesWithoutKey)?.severity !== 'error';
  }

  async #publish(tables: readonly CapturedTable[], published: Published | null): Promise<void> {
    const { slot } = this.#config;
    const statements: string[] = [];
    if (published === null) statements.push(createPublication(slot, tables));
    else {
      if (!published.everyAction) statements.push(publishEverything(slot));
      if (!publishes(published, tables)) statements.push(setTables(slot, tables));
    }
    if (statements.length > 0) await this.#define(statements);
  }

  async #dropSlot(): Promise<void> {
    await this.#sql.query('SELECT pg_drop_replication_slot($1)', [this.#config.slot], { doing: 'create' });
  }

  /** It waits for locks on somebody's production tables: rather later than in their way. */
  async #define(statements: readonly string[]): Promise<void> {
    // Statements of one message are one transaction, which an error ends as well.
    await this.#sql.query(["SET LOCAL lock_timeout = '5s'", ...statements].join('; '), [], { doing: 'create' });
  }
}

export type Published = {
  /** Insert, update, delete and truncate, under the names of partitioned tables, without filters. */
  readonly everyAction: boolean;
  /** Of rows or columns: some are not told. */
  readonly filtered: boolean;
  /** As `schema.table`. */
  readonly tables: readonly string[];
};

/** Filters came with 15: their columns are looked for by name, so that 14 takes the query too. */
const PUBLISHED = `
  SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND p.pubviaroot AS "everyAction",
         EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
                   AND (to_jsonb(r) ->> 'prqual' IS NOT NULL OR to_jsonb(r) ->> 'prattrs' IS NOT NULL)) AS filtered,
         ARRAY (SELECT t.schemaname || '.' || t.tablename FROM pg_publication_tables t WHERE t.pubname = p.pubname) AS tables
    FROM pg_publication p WHERE p.pubname = $1`;

export async function publishedTables(sql: SqlSession, name: string): Promise<Published | null> {
  const [row] = await sql.query<Published>(PUBLISHED, [name]);
  return row ?? null;
}

export function publishes(published: Published, tables: readonly CapturedTable[]): boolean {
  // A filter goes away when the tables are set again.
  return (
    !published.filtered &&
    published.tables.length === tables.length &&
    tables.every(({ schema, table }) => published.tables.includes(`${schema}.${table}`))
  );
}

export function isPublished({ tables }: Published, { schema, table }: CapturedTable): boolean {
  return tables.includes(`${schema}.${table}`);
}

function rowsHidden(tables: readonly CapturedTable[]): ChangeoverError {
  const names = tables.map(({ schema, table }) => `${schema}.${table}`).join(', ');
  return new ChangeoverError(
    'SOURCE_DENIED',
    `row-level security may hide rows of ${names} from us, so nobody can tell whether they are empty; give our role BYPASSRLS`,
    { facts: { tables: names } },
  );
}

/** Of the tables the log no longer has every row under the right name. */
export function tablesLost(tables: readonly string[]): ChangeoverError {
  const names = [...new Set(tables)].sort().join(', ');
  return new ChangeoverError(
    'SOURCE_LOST',
    `somebody dropped or renamed ${names}, or took it out of the publication: the source no longer told us of every change. Without it the migration can go on: exclude it`,
    { facts: { tables: names } },
  );
}

export function publicationGone(name: string): ChangeoverError {
  return new ChangeoverError('SOURCE_LOST', `somebody dropped the publication ${name}: the source no longer told us of every change`);
}

function publicationChanged(name: string): ChangeoverError {
  return new ChangeoverError('SOURCE_LOST', `somebody altered the publication ${name}: the source may not have told us of every change`);
}

export function createPublication(name: string, tables: readonly CapturedTable[]): string {
  return `CREATE PUBLICATION ${pg.escapeIdentifier(name)} FOR TABLE ${tableList(tables)} WITH (${PUBLISH})`;
}

export function publishEverything(name: string): string {
  return `ALTER PUBLICATION ${pg.escapeIdentifier(name)} SET (${PUBLISH})`;
}

export function setTables(name: string, tables: readonly CapturedTable[]): string {
  return `ALTER PUBLICATION ${pg.escapeIdentifier(name)} SET TABLE ${tableList(tables)}`;
}

/** ONLY: a table that inherits from another is selected for itself, or not at all. It means nothing for partitions. */
function tableList(tables: readonly CapturedTable[]): string {
  return tables.map((table) => `ONLY ${quoted(table)}`).join(', ');
}
