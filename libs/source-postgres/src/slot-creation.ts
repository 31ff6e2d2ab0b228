import { ChangeoverError, type Position } from '@changeover/core';
import pg from 'pg';

import { quoted, type CapturedTable } from './captured-tables.js';
import { positionOf } from './lsn.js';
import { destroySession, openSession, type SessionOptions } from './session.js';
import { sourceError } from './source-error.js';

export type CreatedSlot = { readonly start: Position; readonly tablesWithRows: readonly string[] };

/**
 * Makes the slot and reads, in the snapshot that its creation exports, which tables hold rows that will never come
 * through it. The snapshot lives as long as nothing else runs on the connection that made the slot.
 *
 * It waits for every transaction that writes now, so it may take as long as the longest of them.
 */
export async function createSlot(session: SessionOptions, slot: string, tables: readonly CapturedTable[]): Promise<CreatedSlot> {
  const maker = await openSession({ ...session, replication: true });
  try {
    type Made = { consistent_point: string; snapshot_name: string };
    const { rows } = await maker.query<Made>(`CREATE_REPLICATION_SLOT ${pg.escapeIdentifier(slot)} LOGICAL pgoutput`);
    const [made] = rows;
    if (made === undefined) throw new ChangeoverError('INTERNAL', 'a slot was made without a position');
    try {
      return { start: positionOf(made.consistent_point), tablesWithRows: await tablesWithRows(session, made.snapshot_name, tables) };
    } catch (error) {
      // Nobody knows of this slot yet, and it would keep the source's log for ever.
      await maker.query(`DROP_REPLICATION_SLOT ${pg.escapeIdentifier(slot)}`).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    throw sourceError(error, 'create');
  } finally {
    destroySession(maker);
  }
}

async function tablesWithRows(session: SessionOptions, snapshot: string, tables: readonly CapturedTable[]): Promise<string[]> {
  if (tables.length === 0) return [];
  const reader = await openSession(session);
  try {
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await reader.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`);
    return await filledTables(async (text) => (await reader.query<{ index: number }>(text)).rows, tables);
  } finally {
    destroySession(reader);
  }
}

/**
 * Which of the tables hold rows in the snapshot in which `query` runs. A table that was rewritten after the snapshot (ALTER … TYPE)
 * looks empty in it, so it counts as filled: the catalogue of the snapshot names the file that it had, the function
 * the one that it has.
 */
export async function filledTables(
  query: (text: string) => Promise<readonly { readonly index: number }[]>,
  tables: readonly CapturedTable[],
): Promise<string[]> {
  if (tables.length === 0) return [];
  // ONLY: a table that inherits is asked for itself. Of a partitioned table all rows are in others.
  const asked = tables.map((table, index) => {
    const rows = `SELECT FROM ${table.partitioned ? '' : 'ONLY '}${quoted(table)}`;
    return `(${String(index)}, ${String(table.oid)}::oid, EXISTS (${rows}))`;
  });
  const rewritten = `EXISTS (SELECT FROM pg_class c WHERE (c.oid = t.oid OR c.oid IN (SELECT relid FROM pg_partition_tree(t.oid)))
                       AND c.relkind = 'r' AND c.relfilenode <> pg_relation_filenode(c.oid))`;
  const rows = await query(
    `SELECT index FROM (VALUES ${asked.join(', ')}) AS t (index, oid, filled) WHERE filled OR ${rewritten} ORDER BY index`,
  );
  return rows.flatMap(({ index }) => tables[index] ?? []).map(({ schema, table }) => `${schema}.${table}`);
}
