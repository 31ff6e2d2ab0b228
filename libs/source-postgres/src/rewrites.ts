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
  /** Generated columns (`attnum`), of which nothing is told; left out where there are none. */
  readonly generated?: readonly number[];
  /** By oid, the types whose definition says how values read: see {@link TypeParts}; left out where there are none. */
  readonly types?: Readonly<Record<string, { readonly count: number; readonly hash: string }>>;
  /** See {@link TableSchema.generation}; left out as long as nothing was rewritten. */
  readonly generation?: string;
};

type StorageRow = {
  readonly oid: number;
  readonly columns: string | null;
  readonly partitioned: boolean;
  /** `attached`: made before it became a partition. (A table and its place in the tree made by one transaction count as made in place.) */
  readonly parts: readonly { readonly oid: string; readonly file: string; readonly attached: boolean }[];
  readonly generated: readonly number[];
  readonly ordinary: readonly number[];
  readonly types: readonly TypeParts[];
};

/**
 * A type that a table's columns hold, also inside of arrays, domains, ranges and rows. An enum's labels in the order in which they were made, or the
 * attributes of a row type. A label more alters no value that was there; an attribute more alters them all.
 */
type TypeParts = { readonly oid: string; readonly grows: boolean; readonly parts: readonly string[] };

/** The row type's entry is as old as the table itself; that of `pg_class` is written anew by each GRANT. */
const STORAGE = `
  WITH RECURSIVE used (relation, type) AS (
    SELECT a.attrelid, a.atttypid FROM pg_attribute a WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    UNION
    SELECT u.relation, inner_type.oid FROM used u JOIN pg_type t ON t.oid = u.type CROSS JOIN LATERAL (
      SELECT unnest(ARRAY[t.typelem, t.typbasetype])
      UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
      UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) inner_type (oid)
  )
  SELECT c.oid, c.relkind = 'p' AS partitioned,
         (SELECT md5(string_agg(a.xmin::text, ',' ORDER BY a.attnum)) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
         ARRAY (SELECT json_build_object('oid', p.oid::text, 'file', p.relfilenode::text, 'attached', i.xmin IS DISTINCT FROM t.xmin)
                  FROM pg_class p LEFT JOIN pg_inherits i ON i.inhrelid = p.oid LEFT JOIN pg_type t ON t.oid = p.reltype
                 WHERE p.oid = c.oid OR (c.relkind = 'p' AND p.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS parts,
         ARRAY (SELECT a.attnum::int FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> '') AS generated,
         ARRAY (SELECT a.attnum::int FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS ordinary,
         ARRAY (SELECT json_build_object('oid', t.oid::text, 'grows', t.typtype = 'e', 'parts', coalesce(CASE t.typtype
                         WHEN 'e' THEN (SELECT json_agg(e.oid || ' ' || e.enumlabel ORDER BY e.oid) FROM pg_enum e WHERE e.enumtypid = t.oid)
                         ELSE (SELECT json_agg(concat_ws(' ', a.attnum, a.atttypid, a.atttypmod) ORDER BY a.attnum)
                                 FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END, '[]'))
                  FROM used u JOIN pg_type t ON t.oid = u.type WHERE u.relation = c.oid AND t.typtype IN ('e', 'c')) AS types
    FROM pg_class c WHERE c.oid = ANY ($1::oid[])`;

/**
 * Notices where rows changed, came or went without row events: ALTER … TYPE … USING, also when the type is the old one in
 * the end, a default that was taken away again, a partition that was attached, detached or dropped, another label of an enum's
 * value, another attribute of a row type, a generated column that became an ordinary one.
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
  const now = storageOf(row);
  if (known === undefined) return now;
  const generation = isAnother(known, now, row)
    ? hash('sha256', JSON.stringify([known.generation ?? '', now]), 'hex').slice(0, HASH_LENGTH)
    : known.generation;
  return { ...now, ...(generation === undefined ? {} : { generation }) };
}

const HASH_LENGTH = 16;

function storageOf({ columns, parts, generated, types }: StorageRow): TableStorage {
  return {
    files: Object.fromEntries(parts.map(({ oid, file }) => [oid, file])),
    columns: columns?.slice(0, HASH_LENGTH) ?? '',
    ...(generated.length === 0 ? {} : { generated }),
    ...(types.length === 0 ? {} : { types: Object.fromEntries(types.map((type) => [type.oid, typeOf(type.parts)])) }),
  };
}

function typeOf(parts: readonly string[]): { readonly count: number; readonly hash: string } {
  return { count: parts.length, hash: hash('sha256', JSON.stringify(parts), 'hex').slice(0, HASH_LENGTH) };
}

/** Whether rows that were there may read otherwise now. */
function isAnother(known: TableStorage, now: TableStorage, { partitioned, parts, ordinary, types }: StorageRow): boolean {
  const had = Object.keys(known.files);
  const moved = now.columns !== known.columns && had.some((oid) => now.files[oid] !== known.files[oid]);
  const left = had.some((oid) => !(oid in now.files));
  const attached = partitioned && parts.some((part) => part.attached && !(part.oid in known.files));
  const revealed = known.generated?.some((id) => ordinary.includes(id)) ?? false;
  const redefined = types.some((type) => {
    const before = known.types?.[type.oid];
    return before !== undefined && typeOf(type.grows ? type.parts.slice(0, before.count) : type.parts).hash !== before.hash;
  });
  return moved || left || attached || revealed || redefined;
}
