import { escapeIdentifier } from 'pg';

/** A table of the target, as its catalogue shows it. */
export type TargetTable = {
  readonly schema: string;
  readonly table: string;
  /** pg_class's letters: r plain, p partitioned, v view, f foreign. */
  readonly kind: 'r' | 'p' | 'v' | 'f';
  readonly columns: readonly TargetColumn[];
  readonly uniques: readonly UniqueIndex[];
  readonly foreignKeys: readonly ForeignKey[];
  /** Foreign keys of any table that point here; not part of the table's own form. */
  readonly referencedBy: readonly {
    readonly schema: string;
    readonly table: string;
    readonly columns: readonly string[];
    /** Whether it changes or deletes rows there when one goes or changes its key here. */
    readonly cascades: boolean;
  }[];
};

export type TargetColumn = {
  readonly name: string;
  /** As PostgreSQL prints it, with its modifier. */
  readonly type: string;
  /**
   * Quoted name of the type below all domains, without a modifier. Text is cast to this one: an explicit cast to `varchar(3)` cuts off silently
   * where assigning a `varchar` raises an error. Where the type has a cast function of its own for text, which may read less than its input does
   * (`-` is no `regclass` for it), the text goes by way of `bpchar`, for which there is none.
   */
  readonly cast: string;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** The expression of a generated column, else null. */
  readonly generated: string | null;
  readonly identity: '' | 'a' | 'd';
};

export type UniqueIndex = {
  readonly name: string;
  readonly primary: boolean;
  /** SQL of each key column: a quoted name or an expression; `column` is the plain name, null for an expression. */
  readonly keys: readonly { readonly sql: string; readonly column: string | null }[];
  /** Columns that its expressions and its condition use. */
  readonly usedColumns: readonly string[];
  /** SQL of a partial index's condition. */
  readonly predicate: string | null;
  readonly deferrable: boolean;
  readonly nullsEqual: boolean;
};

export type ForeignKey = {
  readonly name: string;
  readonly columns: readonly string[];
  readonly toSchema: string;
  readonly toTable: string;
  readonly toColumns: readonly string[];
  /** pg_constraint's letters: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onUpdate: string;
  readonly onDelete: string;
  readonly deferrable: boolean;
};

/** Quoted, with its schema: for INSERT, COPY and DDL, which are about the one table anyway. */
export function nameOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
}

/**
 * The table as each statement that looks for rows has to name it. Tables that inherit from it are not it: they are written as themselves, and
 * their rows may have the same keys. A partitioned table has no other rows than its partitions'.
 */
export function rowsOf(target: TargetTable): string {
  return target.kind === 'p' || target.kind === 'v' ? nameOf(target) : `ONLY ${nameOf(target)}`;
}
