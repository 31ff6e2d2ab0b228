import { encodeJsonBody, tableName, type LastPartFacts, type RecordRef, type SchemaBody, type TableSchema } from '@changeover/events';

import type { QueuedPart } from './record-appender.js';

/** Which forms of which tables a stream has been told, and where: what frames refer to. */
export class ToldSchemas {
  readonly #byTable = new Map<string, ({ readonly hash: string } & RecordRef)[]>();
  /** The last lookups by object: a table's form is the same object as long as it is the same. */
  #cache = new WeakMap<TableSchema, RecordRef>();

  static from(told: Readonly<Record<string, readonly ({ readonly hash: string } & RecordRef)[]>>): ToldSchemas {
    const schemas = new ToldSchemas();
    for (const [table, forms] of Object.entries(told)) schemas.#byTable.set(table, [...forms]);
    return schemas;
  }

  find(table: TableSchema): RecordRef | null {
    const known = this.#cache.get(table);
    if (known !== undefined) return known;
    const form = this.#byTable.get(tableName(table))?.find((told) => told.hash === table.hash);
    if (form === undefined) return null;
    const ref = { seq: form.seq, at: form.at };
    this.#cache.set(table, ref);
    return ref;
  }

  /** The form told last of a table of this name, if it is another. */
  latest(table: Pick<TableSchema, 'schema' | 'table'>): ({ readonly hash: string } & RecordRef) | null {
    return this.latestOf(tableName(table));
  }

  /** The same by `schema.table`. */
  latestOf(name: string): ({ readonly hash: string } & RecordRef) | null {
    return this.#byTable.get(name)?.at(-1) ?? null;
  }

  /** The record that tells the table's form, and where the form before it is; told once it is durable. */
  part(table: TableSchema, facts: LastPartFacts, flags: Pick<SchemaBody, 'empty' | 'copy'> = {}): QueuedPart {
    const latest = this.latest(table);
    const previous = latest === null ? null : { seq: latest.seq, at: latest.at };
    return {
      part: { kind: 'schema', body: encodeJsonBody('schema', { table, previous, ...flags }), last: true, facts },
      onDurable: (ref) => {
        this.add(table, ref);
      },
    };
  }

  add(table: TableSchema, ref: RecordRef): void {
    const name = tableName(table);
    const forms = this.#byTable.get(name) ?? [];
    forms.push({ hash: table.hash, seq: ref.seq, at: ref.at });
    this.#byTable.set(name, forms);
    this.#cache.set(table, ref);
  }

  toJSON(): Readonly<Record<string, readonly ({ readonly hash: string } & RecordRef)[]>> {
    return Object.fromEntries(this.#byTable);
  }
}
