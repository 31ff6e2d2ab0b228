import type { TableName } from '@changeover/events';
import { escapeIdentifier } from 'pg';

import { nameOf } from '../catalogue/target-table.js';
import type { Dependents, SharedSequence, TableStatistics } from './dependents.js';
import type { TableShape } from './table-shape.js';

export type Exchanged = {
  readonly live: readonly TableShape[];
  /** The schema of those that are exchanged with them. */
  readonly schema: string;
  /** Of both. */
  readonly dependents: Dependents;
  /** Of the live ones. */
  readonly sequences: readonly SharedSequence[];
  /** Of the live ones, and of the others. */
  readonly statistics: { readonly live: readonly TableStatistics[]; readonly others: readonly TableStatistics[] };
};

/** There only while the transaction lasts. */
const BETWEEN = 'changeover_exchange';

/** Foreign keys whose rows are not looked at while everybody waits. */
export function notValidated({ dependents }: Exchanged): readonly (readonly [table: string, name: string])[] {
  return dependents.keys.flatMap(({ table, name, valid }) => (valid ? [[table, name] as const] : []));
}

/**
 * The statements that exchange tables with those of the same names in another schema, under locks on all of them. Tables move with their indexes, constraints, triggers and
 * privileges, and foreign keys among them lead to the same ones; what is left is what others know them by.
 *
 * - A view is told its own text again, so that it reads what has the names now. It stays the same view: with its privileges, and whatever depends on it.
 * - A foreign key of another table goes, and is made again without looking at the rows that are there.
 * - A sequence that a live table owns serves both by its number; only its ownership is handed on. Identity columns have one each: the new one goes on where the other is.
 */
export function exchangeStatements({ live, schema, dependents, sequences, statistics }: Exchanged): readonly string[] {
  const at = (one: TableName, other: string): string => nameOf({ schema: other, table: one.table });
  const move = (from: string, to: string): string => `ALTER TABLE ${from} SET SCHEMA ${escapeIdentifier(to)}`;
  const moveStatistics = ({ name, schema: from }: TableStatistics, to: string): string =>
    `ALTER STATISTICS ${nameOf({ schema: from, table: name })} SET SCHEMA ${escapeIdentifier(to)}`;
  // Where all live tables were in one schema; else they stay in the first, which is as good.
  const home = live[0]?.schema ?? schema;
  const identities = live.flatMap((table) =>
    table.columns.flatMap(({ sequence }) => (sequence === null ? [] : [{ ...table, table: sequence.name }])),
  );
  return [
    ...dependents.keys.map(({ table, name }) => `ALTER TABLE ${table} DROP CONSTRAINT ${escapeIdentifier(name)}`),
    ...sequences.map(({ name }) => `ALTER SEQUENCE ${name} OWNED BY NONE`),
    ...identities.map(
      (sequence) => `SELECT setval('${at(sequence, schema).replaceAll("'", "''")}', last_value, is_called) FROM ${nameOf(sequence)}`,
    ),
    `CREATE SCHEMA ${BETWEEN}`,
    ...live.map((table) => move(nameOf(table), BETWEEN)),
    ...live.map((table) => move(at(table, schema), table.schema)),
    ...live.map((table) => move(at(table, BETWEEN), schema)),
    ...statistics.live.map((one) => moveStatistics(one, BETWEEN)),
    ...statistics.others.map((one) => moveStatistics(one, home)),
    ...statistics.live.map(({ name }) => moveStatistics({ name, schema: BETWEEN }, schema)),
    `DROP SCHEMA ${BETWEEN}`,
    ...sequences.map(({ name, column, ...table }) => `ALTER SEQUENCE ${name} OWNED BY ${nameOf(table)}.${escapeIdentifier(column)}`),
    ...dependents.keys.map(({ table, name, definition, valid }) => {
      return `ALTER TABLE ${table} ADD CONSTRAINT ${escapeIdentifier(name)} ${definition}${valid ? ' NOT VALID' : ''}`;
    }),
    ...dependents.views.map(({ name, definition, options }) => {
      const having = options.length === 0 ? '' : ` WITH (${options.join(', ')})`;
      return `CREATE OR REPLACE VIEW ${name}${having} AS ${definition.replace(/;\s*$/u, '')}`;
    }),
  ];
}
