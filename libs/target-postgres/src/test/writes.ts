import {
  formatRows,
  tableSchemaHash,
  type Before,
  type ColumnSchema,
  type Frame,
  type Operation,
  type TableSchema,
} from '@changeover/events';

type Field = string | null | undefined;
export type Row = readonly Field[];

/** Schemas of tables, and frames that refer to them. */
export class Writes {
  readonly #schemas: TableSchema[] = [];

  /** Columns as `name` or `name:type`; those before `keys` are the key. */
  table(
    name: string,
    columns: readonly string[],
    options: { readonly keys?: number; readonly identity?: TableSchema['identity'] } = {},
  ): TableRows {
    const { keys = 1, identity = 'key' } = options;
    const [schema, table] = name.includes('.') ? (name.split('.') as [string, string]) : ['public', name];
    const form = {
      schema,
      table,
      identity,
      columns: columns.map((column, index): ColumnSchema => {
        const [column_, type = 'text'] = column.split(':') as [string, string?];
        return { name: column_, type, typeOid: 25, typmod: -1, notNull: index < keys, key: index < keys, fill: 'none' };
      }),
    };
    this.#schemas.push({ ...form, hash: tableSchemaHash(form) });
    return new TableRows(this.#schemas.at(-1) as TableSchema, this.#schemas.length);
  }

  readonly lookup = (schemaSeq: number): TableSchema => this.#schemas[schemaSeq - 1] as TableSchema;
}

export class TableRows {
  readonly schema: TableSchema;
  readonly #seq: number;

  constructor(schema: TableSchema, seq: number) {
    this.schema = schema;
    this.#seq = seq;
  }

  c(...rows: readonly Row[]): Frame {
    return this.frame('c', 'none', rows.length, rows);
  }

  u(...rows: readonly Row[]): Frame {
    return this.frame('u', 'none', rows.length, rows);
  }

  /** From the key (or the whole row) before to the row after. */
  move(...pairs: readonly (readonly [before: Row, after: Row])[]): Frame {
    const lines = pairs.flatMap(([before, after]) => [this.#padded(before), after]);
    return this.frame('u', this.schema.identity === 'full' ? 'full' : 'key', pairs.length, lines);
  }

  d(...keys: readonly Row[]): Frame {
    return this.frame(
      'd',
      this.schema.identity === 'full' ? 'full' : 'key',
      keys.length,
      keys.map((key) => this.#padded(key)),
    );
  }

  t(): Frame {
    return this.frame('t', 'none', 0, []);
  }

  frame(op: Operation, before: Before, rowCount: number, lines: readonly Row[]): Frame {
    const partial = lines.some((line) => line.includes(undefined));
    return { op, before, partial, schemaSeq: this.#seq, rowCount, rows: formatRows(lines) };
  }

  #padded(row: Row): Row {
    return this.schema.columns.map((_, index) => row[index]);
  }
}
