import { hash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';
import { tableSchemaHash, textColumn, type ColumnSchema, type TableSchema } from '@changeover/events';

import type { SourceTable } from './compiled-rule.js';
import { canonicalMapping, splitQualified, type Mapping } from './mapping.js';
import { isNumberType } from './number-text.js';
import { isReference } from './reference.js';
import type { TableRule } from './rule.js';

/** A mapping's version: two mappings with the same hash do the same. SHA-256, hex. */
export function mappingHash(mapping: Mapping): string {
  return hash('sha256', canonicalMapping(mapping), 'hex');
}

/** What becomes of a captured table: neither passed through nor read by a rule, it is ignored. */
export type TableUse = {
  /** What its rows look like in the target, where they pass through; they keep their order of columns. */
  readonly passed: TableSchema | null;
  /** A rule is driven by it, or joins it. */
  readonly read: boolean;
};

/** Throws as {@link targetSchema} does. */
export function tableUse(mapping: Mapping, source: TableSchema): TableUse {
  const name = `${source.schema}.${source.table}`;
  const passes = !isReference(name) && (mapping.rules.length === 0 || Object.hasOwn(mapping.tables, name));
  return { passed: passes ? targetSchema(mapping, source) : null, read: tablesRead(mapping).has(name) };
}

/** What rules have to know of a table with these columns. */
export function sourceTable(columns: readonly Pick<ColumnSchema, 'name' | 'type' | 'key'>[]): SourceTable {
  const names = (which: (column: (typeof columns)[number]) => boolean): string[] => columns.filter(which).map(({ name }) => name);
  return { columns: names(() => true), key: names(({ key }) => key), numbers: names(({ type }) => isNumberType(type)) };
}

/** The tables that rules read: of the source, and those of the target that they look up, as joins call them. */
export function tablesRead({ rules }: Pick<Mapping, 'rules'>): ReadonlySet<string> {
  return new Set(
    rules.flatMap(({ source, joins = [] }) => [
      source,
      ...joins.flatMap(({ table, all }) => [table, ...(all?.joins ?? []).map((join) => join.table)]),
    ]),
  );
}

/** Those of the source of which an operator can correct a row: what rules read of it is no value that also goes to the target as it is. */
export function correctableTables(mapping: Pick<Mapping, 'rules' | 'tables'>): ReadonlySet<string> {
  return new Set([...tablesRead(mapping)].filter((name) => !isReference(name) && !Object.hasOwn(mapping.tables, name)));
}

/** The target tables that rules make, each once. */
export function ruleSchemas(rules: readonly TableRule[]): readonly TableSchema[] {
  return [...new Map(rules.map((rule) => [rule.target, ruleSchema(rule)])).values()];
}

/** What the rows look like that a rule makes, in the order of its columns: text, whatever the target makes of it. */
export function ruleSchema({ target, columns, key }: TableRule): TableSchema {
  const [schema, table] = splitQualified(target);
  const form = {
    schema,
    table,
    columns: Object.keys(columns).map((name) => textColumn(name, key.includes(name))),
    identity: 'full',
  } as const;
  return { ...form, hash: tableSchemaHash(form) };
}

/**
 * What the target's rows look like, for a source table of this form: the same columns in the same order under their new names, so that rows pass
 * through as bytes. SCHEMA_NEEDS_MAPPING if a rule names a column that the table does not have, MAPPING_INVALID if another table goes to the same one.
 */
export function targetSchema(mapping: Mapping, source: TableSchema): TableSchema {
  const sourceName = `${source.schema}.${source.table}`;
  const rule = mapping.tables[sourceName];
  const targetName = rule?.to ?? sourceName;
  // A table without a rule keeps its name, which another table's rule may have given away.
  const other = Object.keys(mapping.tables).find((name) => name !== sourceName && (mapping.tables[name]?.to ?? name) === targetName);
  if (other !== undefined) throw new ChangeoverError('MAPPING_INVALID', `${other} and ${sourceName} both go to ${targetName}`);
  const [schema, table] = splitQualified(targetName);
  const renames = rule?.columns ?? {};
  const names = new Set(source.columns.map((column) => column.name));
  const missing = Object.keys(renames).filter((column) => !names.has(column));
  if (missing.length > 0) {
    throw new ChangeoverError(
      'SCHEMA_NEEDS_MAPPING',
      `the mapping renames ${missing.join(', ')} of ${sourceName}, which the table does not have`,
      {
        facts: { table: sourceName, columns: missing.join(', ') },
      },
    );
  }
  const renamed = (column: string): string => (Object.hasOwn(renames, column) ? renames[column] : undefined) ?? column;
  const columns = source.columns.map((column) => ({ ...column, name: renamed(column.name) }));
  const twice = columns.find((column, index) => columns.findIndex((other) => other.name === column.name) !== index);
  if (twice !== undefined) {
    throw new ChangeoverError('MAPPING_INVALID', `two columns of ${sourceName} go to ${schema}.${table}.${twice.name}`);
  }
  const target = { schema, table, columns, identity: source.identity };
  return { ...target, hash: tableSchemaHash(target) };
}
