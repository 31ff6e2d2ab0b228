import { ChangeoverError } from '@changeover/core';
import { lineOf, type Frame, type Line, type SchemaLookup, type TableSchema } from '@changeover/events';

import { NetChanges } from '../net/net-changes.js';
import { addressingOf, tableId, type NetRow } from '../net/net-row.js';

/** What happened to the rows of a table between two places, the earlier one first. */
export type TableBetween = { readonly schema: TableSchema; readonly rows: readonly NetRow[] };

/** What a row takes beside its text. */
const ROW_BYTES = 300;

/**
 * The net of what lies between two places of `writes`, per row: the row before the first change, and the row behind the last. That serves both ways, because the
 * writes tell each row as it was and as it became.
 */
export class NetBetween {
  readonly #maxBytes: number;
  readonly #net = new NetChanges((line) => copyOf(line));
  /** By table, the form in which its rows come. */
  readonly #forms = new Map<string, { readonly told: string; readonly schema: TableSchema }>();
  /** At least as many as are kept: counted again when they might be too many. */
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(seq: number, frames: readonly Frame[], schemas: SchemaLookup): void {
    for (const frame of frames) {
      const schema = this.#formOf(schemas(frame.schemaSeq), seq);
      requireBothSides(frame, schema, seq);
      this.#net.addFrame(seq, schema, frame);
      this.#bytes += frame.rows.length + frame.rowCount * ROW_BYTES;
      if (this.#bytes > this.#maxBytes) this.#count();
    }
  }

  tables(): readonly TableBetween[] {
    return this.#net.segments().flatMap(({ changes }) => changes.map(({ schema, rows }) => ({ schema, rows })));
  }

  /** Rows of a table that only grows are told apart by all of their columns: else none could be taken away again. */
  #formOf(schema: TableSchema, seq: number): TableSchema {
    const id = tableId(schema);
    const known = this.#forms.get(id);
    if (known?.told === schema.hash) return known.schema;
    if (known !== undefined) throw impossible(`rows of ${id} come in another form from record ${String(seq)} of writes on`, id);
    const form: TableSchema =
      addressingOf(schema) === 'insert-only' ? { ...schema, identity: 'full', hash: `as a whole: ${schema.hash}` } : schema;
    this.#forms.set(id, { told: schema.hash, schema: form });
    return form;
  }

  #count(): void {
    const rows = this.tables().reduce((sum, table) => sum + table.rows.length, 0);
    this.#bytes = this.#net.bytes + rows * ROW_BYTES;
    if (this.#bytes * 2 <= this.#maxBytes) return;
    throw new ChangeoverError(
      'REWIND_TOO_LARGE',
      `what has changed between the two places takes more than half of the ${String(this.#maxBytes)} bytes that it may take in memory`,
      { facts: { rows } },
    );
  }
}

function requireBothSides({ op, before }: Frame, schema: TableSchema, seq: number): void {
  const id = tableId(schema);
  if (op === 't') throw impossible(`${id} was emptied as a whole by record ${String(seq)} of writes`, id);
  if ((op === 'u' || op === 'd') && before !== 'full')
    throw impossible(`record ${String(seq)} of writes does not tell what rows of ${id} were before it`, id);
}

export function impossible(message: string, table: string): ChangeoverError {
  return new ChangeoverError('REWIND_IMPOSSIBLE', message, { facts: { table } });
}

/** A frame would stay in memory for the sake of one row. */
function copyOf({ bytes, start, end }: Line): Line {
  return lineOf(Buffer.from(bytes.subarray(start, end + 1)));
}
