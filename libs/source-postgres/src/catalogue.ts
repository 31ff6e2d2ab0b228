import { isDeepStrictEqual } from 'node:util';

import type { TableSchema } from '@changeover/events';

import { foreignKeys } from './foreign-keys.js';
import { asReplicaIdentity, type Relation } from './relation.js';
import { Rewrites } from './rewrites.js';
import { CURRENT_SNAPSHOT, Visibility } from './snapshot/visibility.js';
import type { Query, SqlSession } from './sql-session.js';
import { tableForm, type ColumnFacts, type TableFacts } from './table-form.js';

/**
 * For the column `a` of the relation `c`. `fill`: what rows that are older than the column hold without a row event; a
 * domain may bring a default of its own. The identity index is the one that PostgreSQL takes for old keys: of a deferrable
 * primary key it takes none. `indkey` counts from 0 and ends with INCLUDE columns, which are no key.
 */
const COLUMN_FACTS = `
  a.attnum AS id, coalesce(a.attnotnull, false) AS "notNull",
  CASE WHEN a.attidentity <> '' THEN 'identity'
       WHEN a.attgenerated <> '' THEN 'generated'
       WHEN a.atthasdef OR a.atthasmissing OR (SELECT t.typdefault IS NOT NULL FROM pg_type t WHERE t.oid = a.atttypid) THEN 'default'
       ELSE 'none' END AS fill,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid
            AND CASE c.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate WHEN 'i' THEN i.indisreplident ELSE false END
            AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS "inIdentity",
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
            AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS "inPrimaryKey"`;

/** A generated column is in no row that the source sends. */
const FORMS = `
  SELECT c.oid, n.nspname AS schema, c.relname AS table, c.relreplident AS "replicaIdentity",
         a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.atttypid AS "typeOid", a.atttypmod AS typmod, ${COLUMN_FACTS}
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''`;

const FORMS_ORDER = 'ORDER BY n.nspname, c.relname, c.oid, a.attnum';

const FORMS_BY_OID = `${FORMS} WHERE c.oid = ANY ($1::oid[]) ${FORMS_ORDER}`;

const FORMS_BY_NAME = `${FORMS}
   WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND c.relkind IN ('r', 'p') ${FORMS_ORDER}`;

/**
 * The catalogue may be ahead of the stream: the columns are the message's, and a column that has changed or gone since
 * has only what the message says.
 */
const FORM_OF_RELATION = `
  SELECT format_type(said.type, said.typmod) AS type, ${COLUMN_FACTS}
    FROM unnest($2::text[], $3::oid[], $4::int4[]) WITH ORDINALITY AS said (name, type, typmod, place)
    LEFT JOIN pg_class c ON c.oid = $1
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = said.name AND a.atttypid = said.type AND a.atttypmod = said.typmod AND a.attnum > 0
   ORDER BY said.place`;

type FormRow = { oid: number; schema: string; table: string; replicaIdentity: string; name: string | null } & Omit<ColumnFacts, 'name'>;

/** Forms of tables, as the catalogue has them now or as a Relation message needs them. Equal forms are one object, until foreign keys come or go. */
export class Catalogue {
  readonly #sql: SqlSession;
  readonly #publication: string;
  readonly #forms = new Map<string, TableSchema>();
  readonly rewrites = new Rewrites();

  /** `publication`: of the captured tables. */
  constructor(sql: SqlSession, publication: string) {
    this.#sql = sql;
    this.#publication = publication;
  }

  /** Sorted by schema and name. `query`: as another session sees them. */
  async forms(oids: readonly number[], query: Query = (sql, values) => this.#sql.query(sql, values)): Promise<TableSchema[]> {
    const generations = await this.rewrites.look(oids, query);
    const keys = await foreignKeys(oids, this.#publication, query);
    const rows = await query<FormRow>(FORMS_BY_OID, [oids]);
    return formFacts(rows).map(({ oid, ...facts }) =>
      this.#same(tableForm({ ...facts, generation: generations.get(oid), foreignKeys: keys.get(oid) })),
    );
  }

  async visibility(): Promise<Visibility> {
    const [row] = await this.#sql.query<{ snapshot: string }>(CURRENT_SNAPSHOT);
    return Visibility.of(row?.snapshot ?? '');
  }

  /**
   * Look only when the transaction whose row follows can be seen; before, a column that is new has no default here,
   * whatever it has.
   */
  async formOf(relation: Relation): Promise<TableSchema> {
    const { oid, schema, table, replicaIdentity, columns } = relation;
    const query: Query = (sql, values) => this.#sql.query(sql, values);
    const generations = await this.rewrites.look([oid], query);
    const keys = await foreignKeys([oid], this.#publication, query);
    const facts = await this.#sql.query<Omit<ColumnFacts, 'name' | 'typeOid' | 'typmod'>>(FORM_OF_RELATION, [
      oid,
      columns.map((column) => column.name),
      columns.map((column) => column.typeOid),
      columns.map((column) => column.typmod),
    ]);
    return this.#same(
      tableForm({
        schema,
        table,
        replicaIdentity,
        columns: columns.map((column, index) => ({ ...(facts[index] as ColumnFacts), ...column })),
        generation: generations.get(oid),
        foreignKeys: keys.get(oid),
      }),
    );
  }

  #same(form: TableSchema): TableSchema {
    const known = this.#forms.get(form.hash);
    if (known !== undefined && isDeepStrictEqual(known.foreignKeys, form.foreignKeys)) return known;
    this.#forms.set(form.hash, form);
    return form;
  }
}

/** Forms of those of the tables that there are, as `query` sees them: without generations and foreign keys, which take more than one look. */
export async function formsByName(tables: readonly Pick<TableSchema, 'schema' | 'table'>[], query: Query): Promise<TableSchema[]> {
  const names = [tables.map(({ schema }) => schema), tables.map(({ table }) => table)];
  const rows = await query<FormRow>(FORMS_BY_NAME, names);
  return formFacts(rows).map((facts) => tableForm({ ...facts, generation: undefined, foreignKeys: undefined }));
}

type FormFacts = Pick<TableFacts, 'schema' | 'table' | 'replicaIdentity' | 'columns'> & { readonly oid: number };

function formFacts(rows: readonly FormRow[]): FormFacts[] {
  const byOid = new Map<number, FormRow[]>();
  for (const row of rows) {
    const columns = byOid.get(row.oid);
    if (columns === undefined) byOid.set(row.oid, [row]);
    else columns.push(row);
  }
  return [...byOid.values()].map((columns) => {
    const { oid, schema, table, replicaIdentity } = columns[0] as FormRow;
    const present = columns.filter((column): column is FormRow & ColumnFacts => column.name !== null);
    return { oid, schema, table, replicaIdentity: asReplicaIdentity(replicaIdentity), columns: present };
  });
}
