import { tableSchemaHash, type ColumnSchema, type ForeignKey, type TableSchema } from '@changeover/events';

import type { ReplicaIdentity } from './relation.js';

/** What the catalogue knows of a column, and what a Relation message says of it, brought together. */
export type ColumnFacts = {
  readonly name: string;
  readonly type: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly notNull: boolean;
  readonly fill: ColumnSchema['fill'];
  /** In the index that is the replica identity. */
  readonly inIdentity: boolean;
  readonly inPrimaryKey: boolean;
  /** `attnum`; null for a column that the catalogue does not have like this (any more). */
  readonly id: number | null;
};

export type TableFacts = {
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly ColumnFacts[];
  readonly generation: string | undefined;
  readonly foreignKeys: readonly ForeignKey[] | undefined;
};

/**
 * The form of a table, the same from the catalogue and from the stream. Its key is what the replica identity sends; where
 * that is the whole row or nothing, the primary key, if there is one.
 */
export function tableForm(facts: TableFacts): TableSchema {
  const byIndex = facts.replicaIdentity === 'd' || facts.replicaIdentity === 'i';
  const sendsKey = byIndex && facts.columns.some((column) => column.inIdentity);
  const identity = facts.replicaIdentity === 'f' ? 'full' : sendsKey ? 'key' : 'none';
  const columns = facts.columns.map(({ name, type, typeOid, typmod, notNull, fill, inIdentity, inPrimaryKey, id }): ColumnSchema => {
    const key = sendsKey ? inIdentity : inPrimaryKey;
    return { name, type, typeOid, typmod, notNull, key, fill, ...(id === null ? {} : { id }) };
  });
  const { schema, table, generation } = facts;
  const form = { schema, table, columns, identity, ...(generation === undefined ? {} : { generation }) } as const;
  // The catalogue may be ahead of the stream, with keys over columns that came later.
  const names = new Set(columns.map((column) => column.name));
  const foreignKeys = facts.foreignKeys?.filter((key) => key.columns.every((column) => names.has(column))) ?? [];
  return { ...form, hash: tableSchemaHash(form), ...(foreignKeys.length === 0 ? {} : { foreignKeys }) };
}
