import { ownTable } from './own-table.js';
import type { TableSchema } from './table-schema.js';

const COLUMNS = [
  ['migration', true],
  ['target', true],
  ['source_key', true],
  ['source', false],
  ['state', false],
  ['kept', false],
  ['reason', false],
  ['problem_column', false],
  ['problems', false],
  ['since_seq', false],
  ['since_ms', false],
  ['kept_version', false],
] as const;

export type HeldColumn = (typeof COLUMNS)[number][0];

/** Columns of {@link HELD_TABLE} in their order. */
export const HELD_COLUMNS: readonly HeldColumn[] = COLUMNS.map(([name]) => name);

const SINCE: readonly HeldColumn[] = ['since_seq', 'since_ms'];

/**
 * Rows that are not in the target, or not as their source rows are now, and what is noted of others: they travel in `writes` and land in the target like rows of any other table, in
 * the same transaction as those.
 *
 * `target` and `source` are `schema.table`; `source_key` is the key of the driving row as COPY text (behind `sha256:` its hash, where it is very long),
 * behind its rule's name and a colon where several rules make the target;
 * `state` is `held` (a rule refuses it), `waiting` (for a parent) or `noted` (it is in the target, and its validation has something to say of it); `kept` (`t`, `f`) says whether its last good version stands in the target;
 * `reason` and `problem_column` are those of the first of `problems` (JSON); `since_seq` is the record of `changes` with which it became held, and `since_ms` that
 * record's commit time in milliseconds since the epoch; `kept_version` is the version that is kept, with what it stands on: the one thing about a row that only
 * history knows.
 */
export const HELD_TABLE: TableSchema = ownTable('held', COLUMNS);

/** The columns of {@link HELD_NOW_TABLE}. */
export const HELD_NOW_COLUMNS: readonly HeldColumn[] = HELD_COLUMNS.filter((name) => !SINCE.includes(name));

/** The same without since when, which nothing but the stream can say. Nobody writes it; whoever compares the list reads it. */
export const HELD_NOW_TABLE: TableSchema = ownTable(
  'held',
  COLUMNS.filter(([name]) => HELD_NOW_COLUMNS.includes(name)),
);
