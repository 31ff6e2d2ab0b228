import { ChangeoverError } from '@changeover/core';
import type { TableSchema } from '@changeover/events';
import pg from 'pg';

import { quoted } from '../captured-tables.js';
import { sourceError } from '../source-error.js';

/** Longer a reader should not stand in the way of who stands in ours. */
const WAIT = '1s';

/** 55P03 lock_not_available; 40P01 deadlock_detected: who holds one of the tables waits for another that we have. */
const LOCKED: ReadonlySet<string> = new Set(['55P03', '40P01']);

/** 42P01 undefined_table, 3F000 invalid_schema_name; 42809 wrong_object_type: something else has its name. */
const GONE: ReadonlySet<string> = new Set(['42P01', '3F000', '42809']);

/**
 * Statements that keep the tables as they are for the rest of the transaction, as readers do. They take no snapshot, which would be older than the locks: to it
 * a table that was rewritten looks empty.
 */
export function lockTables(tables: readonly Pick<TableSchema, 'schema' | 'table'>[]): readonly string[] {
  if (tables.length === 0) return [];
  return [`SET LOCAL lock_timeout = '${WAIT}'`, `LOCK TABLE ${tables.map((table) => quoted(table)).join(', ')} IN ACCESS SHARE MODE`];
}

export function isGone(error: unknown): boolean {
  return error instanceof pg.DatabaseError && GONE.has(error.code ?? '');
}

/** Our error for what came of {@link lockTables}, or of what was read behind it. */
export function lockError(error: unknown): ChangeoverError {
  if (error instanceof pg.DatabaseError && LOCKED.has(error.code ?? ''))
    return new ChangeoverError('SOURCE_LOCKED', `a table of the source is locked against readers: ${error.message}`, {
      facts: { sqlstate: error.code ?? '' },
      cause: error,
    });
  return sourceError(error, 'sql');
}
