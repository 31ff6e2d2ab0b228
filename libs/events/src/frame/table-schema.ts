import { hash } from 'node:crypto';

/** A column as the frames that refer to this schema hold it. */
export type ColumnSchema = {
  readonly name: string;
  /** As the database prints it: `numeric(12,2)`, `timestamp with time zone`, `crm.status`. */
  readonly type: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly notNull: boolean;
  /** Part of the key (replica identity or primary key) by which rows are found. */
  readonly key: boolean;
  /**
   * What rows that were there before the column existed may hold without a row event: `none` (null), `default`
   * (a default expression or constant), `generated`, `identity`.
   */
  readonly fill: 'none' | 'default' | 'generated' | 'identity';
  /**
   * What stays when the column is renamed, and is another when it is dropped and made again (PostgreSQL: attnum); left out where nobody knows.
   */
  readonly id?: number;
};

/** Rows of the table stand on rows of another captured table, which the source itself looks after. */
export type ForeignKey = {
  readonly columns: readonly string[];
  /** `schema.table` of the rows stood on. */
  readonly table: string;
  /** Their columns, in the order of `columns`. */
  readonly keyColumns: readonly string[];
};

/** Body of a `schema` record: what a table's rows look like in the frames that refer to it. */
export type TableSchema = {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly ColumnSchema[];
  /** Whether the source tells the whole row before a change (`full`), its key (`key`) or nothing (`none`: no updates and deletes). */
  readonly identity: 'full' | 'key' | 'none';
  /**
   * Another one: the rows may have been written anew, come or gone without row events, though the columns may look the same (ALTER … USING, a
   * partition attached). Left out before the first time, and where nobody knows.
   */
  readonly generation?: string;
  /** Hash of all above: equal hashes, equal form. */
  readonly hash: string;
  /**
   * As they were when the form was told. They are no part of it, because no row changes with them: one that comes later is not told of by itself. Left out
   * where there are none, and where nobody knows.
   */
  readonly foreignKeys?: readonly ForeignKey[];
};

/** A column of text that may be null, whatever its database makes of it. */
export function textColumn(name: string, key: boolean): ColumnSchema {
  return { name, type: 'text', typeOid: 25, typmod: -1, notNull: false, key, fill: 'none' };
}

/** SHA-256 (hex) of the table's form, to which its foreign keys do not belong. */
export function tableSchemaHash(table: Omit<TableSchema, 'hash' | 'foreignKeys'>): string {
  const columns = table.columns.map(({ name, type, typeOid, typmod, notNull, key, fill, id }) => [
    name,
    type,
    typeOid,
    typmod,
    notNull,
    key,
    fill,
    ...(id === undefined ? [] : [id]),
  ]);
  const { schema, table: name, identity, generation } = table;
  return hash('sha256', JSON.stringify([schema, name, identity, columns, ...(generation === undefined ? [] : [generation])]), 'hex');
}

/** As people and settings write it, and as tables are known by: `schema.table`. */
export function tableName({ schema, table }: Pick<TableSchema, 'schema' | 'table'>): string {
  return `${schema}.${table}`;
}
