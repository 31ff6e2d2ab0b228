import { hash } from 'node:crypto';

import type { Query } from './sql-session.js';

/**
 * Where a table's rows lie and who last defined its columns. It is kept with each `progress` record, so it is short.
 *
 * A table whose rows were all written anew under other columns has other files and other definitions; one that was
 * truncated or vacuumed has other files alone, one with a new comment or statistics target other definitions alone.
 */
export type TableStorage = {
  /** File by relation: of the table, or of a partitioned table's partitions. */
  readonly files: Readonly<Record<string, string>>;
  /** Hash of the transactions that last defined its columns. */
  readonly columns: string;
  /** See {@link TableSchema.generation}; left out as long as nothing was rewritten. */
  readonly generation?: string;
};

type StorageRow = {
  readonly oid: number;
  readonly columns: string | null;
  readonly partitioned: boolean;
  /** `attached`: made before it became a partition. (A table and its place in the tree made by one transaction count as made in place.) */
  readonly parts: readonly { readonly oid: string; readonly file: string; readonly attached: boolean }[];
};

/** The row type's entry is as old as the table itself; that of `pg_class` is written anew by each GRANT. */
const STORAGE = `
  SELECT c.oid, c.relkind = 'p' AS partitioned,
         (SELECT md5(string_agg(a.xmin::text, ',' ORDER BY a.attnum)) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
         ARRAY (SELECT json_build_object('oid', p.oid::text, 'file', p.relfilenode::text, 'attached', i.xmin IS DISTINCT FROM t.xmin)
                  FROM pg_class p LEFT JOIN pg_inherits i ON i.inhrelid = p.oid LEFT JOIN pg_type t ON t.oid = p.reltype
                 WHERE p.oid = c.oid OR (c.relkind = 'p' AND p.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS parts
    FROM pg_class c WHERE c.oid = ANY ($1::oid[])`;

/**
 * Notices where rows changed, came or went without row events: ALTER … TYPE … USING, also when the type is the old one in
 * the end, a default that was taken away again, a partition that was attached, detached or dropped.
 */
export class Rewrites {
  #known = new Map<number, TableStorage>();

  /** As {@link toJSON} gave it to an earlier hold: what has happened since is noticed. */
  restore(known: Readonly<Record<string, TableStorage>>): void {
    this.#known = new Map(Object.entries(known).map(([oid, storage]) => [Number(oid), storage]));
  }

  toJSON(): Readonly<Record<string, TableStorage>> {
    return Object.fromEntries(this.#known);
  }

  /** The generation of each of the tables now. */
  async look(oids: readonly number[], query: Query): Promise<ReadonlyMap<number, string | undefined>> {
    for (const row of await query<StorageRow>(STORAGE, [oids])) this.#known.set(row.oid, next(this.#known.get(row.oid), row));
    return new Map(oids.map((oid) => [oid, this.#known.get(oid)?.generation]));
  }

  /** Forgets the others: they are captured no longer. */
  keepOnly(oids: readonly number[]): void {
    const kept = new Set(oids);
    for (const oid of this.#known.keys()) if (!kept.has(oid)) this.#known.delete(oid);
  }
}

function next(known: TableStorage | undefined, row: StorageRow): TableStorage {
  const columns = row.columns?.slice(0, 16) ?? '';
  const files = Object.fromEntries(row.parts.map(({ oid, file }) => [oid, file]));
  if (known === undefined) return { files, columns };
  const had = Object.keys(known.files);
  const moved = columns !== known.columns && had.some((oid) => files[oid] !== known.files[oid]);
  const left = had.some((oid) => !(oid in files));
  const attached = row.partitioned && row.parts.some((part) => part.attached && !(part.oid in known.files));
  const generation = moved || left || attached ? hash('sha256', JSON.stringify([files, columns]), 'hex').slice(0, 16) : known.generation;
  return { files, columns, ...(generation === undefined ? {} : { generation }) };
}
