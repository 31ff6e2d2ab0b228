/** A table as whoever writes a mapping has to know it. */
export type DescribedTable = {
  readonly schema: string;
  readonly table: string;
  /** In the order of the table. */
  readonly columns: readonly DescribedColumn[];
  /** Columns by which its rows are found, in the order of the table; empty: there is no key. */
  readonly key: readonly string[];
  /** Sorted by name; without the primary key's. */
  readonly uniques: readonly DescribedUnique[];
  /** Sorted by name; those of this table, wherever they lead. */
  readonly foreignKeys: readonly DescribedForeignKey[];
  readonly comment: string | null;
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
  /** Numbers itself: `always` (who writes it has to insist), or where no value is given. */
  readonly identity: 'always' | 'by default' | null;
  /** Computed from others: nobody can write it. */
  readonly generated: boolean;
  /** The expression of its default, or what it is computed from, as the database prints it. */
  readonly default: string | null;
  readonly comment: string | null;
};

/** A unique index, also one that stands behind a constraint. */
export type DescribedUnique = {
  readonly name: string;
  /** In the order of the index; null where it is over an expression, and columns alone do not say what is unique. */
  readonly columns: readonly string[] | null;
  /** What it is over, and in a partial one for which rows, as the database prints it: `lower(email)`, `(deleted_at IS NULL)`. */
  readonly expressions: readonly string[];
  readonly predicate: string | null;
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
