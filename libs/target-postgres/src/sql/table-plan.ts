import { ChangeoverError } from '@changeover/core';
import type { TableSchema } from '@changeover/events';
import { escapeIdentifier } from 'pg';

import { nameOf, rowsOf, type TargetColumn, type TargetTable } from '../catalogue/target-table.js';
import { addressingOf, keyColumns, tableId, type Addressing } from '../net/net-row.js';

export type PlanColumn = {
  /** Place in the rows of the frames. */
  readonly index: number;
  readonly quoted: string;
  readonly key: boolean;
  readonly target: TargetColumn;
};

/** How rows of one form (a schema record) are written to one table of the target. */
export type TablePlan = {
  readonly id: string;
  readonly schema: TableSchema;
  readonly target: TargetTable;
  readonly addressing: Addressing;
  /** Where rows are added ({@link nameOf}). */
  readonly into: string;
  /** Where rows are found ({@link rowsOf}). */
  readonly from: string;
  /** In the order of the frames. */
  readonly columns: readonly PlanColumn[];
  readonly keys: readonly PlanColumn[];
  /** All but generated ones. */
  readonly written: readonly PlanColumn[];
  /** Whether COPY can take the frames' lines as they are. */
  readonly copyable: boolean;
};

/** Columns of the rows that the table lacks, with their types. */
export function missingColumns(schema: TableSchema, target: TargetTable): string[] {
  const there = new Set(target.columns.map(({ name }) => name));
  return schema.columns.filter(({ name }) => !there.has(name)).map(({ name, type }) => `${name} (${type})`);
}

/** TARGET_CHANGED if the table lacks a column that the rows have. */
export function planTable(schema: TableSchema, target: TargetTable): TablePlan {
  const id = tableId(schema);
  const byName = new Map(target.columns.map((column) => [column.name, column]));
  const missing = missingColumns(schema, target);
  if (missing.length > 0)
    throw new ChangeoverError('TARGET_CHANGED', `${id} of the target lacks columns that the writes have: ${missing.join(', ')}`);
  const addressing = addressingOf(schema);
  const keys = new Set(addressing === 'key' ? keyColumns(schema) : []);
  const columns = schema.columns.map((column, index) => ({
    index,
    quoted: escapeIdentifier(column.name),
    key: keys.has(index),
    target: byName.get(column.name) as TargetColumn,
  }));
  const written = columns.filter((column) => column.target.generated === null);
  return {
    id,
    schema,
    target,
    addressing,
    into: nameOf(target),
    from: rowsOf(target),
    columns,
    keys: columns.filter((column) => column.key),
    written,
    copyable: written.length === columns.length,
  };
}
