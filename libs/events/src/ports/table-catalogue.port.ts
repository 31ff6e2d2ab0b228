/** A table as whoever writes a mapping has to know it. */
export type DescribedTable = {
  readonly schema: string;
  readonly table: string;
  /** In the order of the table. */
  readonly columns: readonly DescribedColumn[];
  /** Columns by which its rows are found, in the order of the table; empty: there is no key. */
  readonly key: readonly string[];
  readonly foreignKeys: readonly DescribedForeignKey[];
};

export type DescribedColumn = {
  readonly name: string;
  /** As the database prints it: `character varying(80)`, `crm.e_mail`. */
  readonly type: string;
  /** The type below all domains, without a modifier: `character varying`, `text`. */
  readonly base: string;
  /** Of an enum, in its order. */
  readonly labels: readonly string[] | null;
  readonly notNull: boolean;
  /** Has a value where none is given: a default, an identity. */
  readonly fills: boolean;
  /** Computed from others: nobody can write it. */
  readonly generated: boolean;
};

export type DescribedForeignKey = {
  readonly columns: readonly string[];
  readonly toSchema: string;
  readonly toTable: string;
  readonly toColumns: readonly string[];
};

/** What tables a database has, of those that concern a migration, and what they look like. */
export abstract class TableCatalogue {
  /**
   * Sorted by schema and name. Looks, changes nothing, keeps nothing open. Tables whose rows are others' (partitions) are not among them, nor
   * views, nor what is ours or the database's own.
   */
  abstract tables(): Promise<readonly DescribedTable[]>;
}
