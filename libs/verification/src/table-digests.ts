import { hash } from 'node:crypto';

import {
  isPartial,
  mergeLines,
  scanLine,
  tableName,
  type Frame,
  type Line,
  type RecordRef,
  type RowsDigest,
  type SchemaLookup,
  type TableDigest,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';

import { isNotTold } from './base.js';

/** Lines that are put into the target's words at once. */
const CHUNK_BYTES = 256 * 1024;
const LF = Buffer.from('\n');

export type Digests = Readonly<Record<string, TableDigest>>;

/** Rows of a table by a number and a sum, to which rows may come and from which they may go. */
export class RowDigest {
  #rows: number;
  #sum: bigint;

  constructor({ rows, sum }: RowsDigest = { rows: 0, sum: '0' }) {
    this.#rows = rows;
    this.#sum = BigInt(`0x${sum}`);
  }

  /** Whole lines of COPY text, `times` -1: that go. */
  add(lines: Buffer, times: 1 | -1 = 1): void {
    for (let at = 0; at < lines.length;) {
      const end = lines.indexOf(0x0a, at);
      const digest = hash('md5', lines.subarray(at, end), 'buffer');
      const value = (digest.readBigUInt64BE(0) << 64n) | digest.readBigUInt64BE(8);
      this.#sum = BigInt.asUintN(128, times === 1 ? this.#sum + value : this.#sum - value);
      this.#rows += times;
      at = end + 1;
    }
  }

  get value(): RowsDigest {
    return { rows: this.#rows, sum: this.#sum.toString(16).padStart(32, '0') };
  }
}

type Followed = {
  readonly schema: TableSchema;
  /** Where it was told last: who has lost his state tells all forms again. */
  form: RecordRef;
  /** Null: not known. */
  digest: RowDigest | null;
  /** Lines that are not summed up yet. */
  readonly coming: Buffer[];
  readonly going: Buffer[];
  bytes: number;
};

/**
 * What the target's tables should hold, as digests that are kept from the rows before and after each change: so what is known at one place of the writes leads to
 * what is known at a later one, at the cost of what lies between.
 */
export class TableDigests {
  readonly #snapshot: Pick<TargetSnapshot, 'asCompared'>;
  readonly #before: Digests;
  readonly #fetch: (form: RecordRef) => Promise<TableSchema>;
  readonly #tables = new Map<string, Followed>();

  /** `before`: what is known at the place from which on frames are added; `fetch` gives the form that was told there. */
  constructor(before: Digests, snapshot: Pick<TargetSnapshot, 'asCompared'>, fetch: (form: RecordRef) => Promise<TableSchema>) {
    this.#before = before;
    this.#snapshot = snapshot;
    this.#fetch = fetch;
  }

  /** `refOf`: where a form was told. */
  async add(frames: readonly Frame[], schemas: SchemaLookup, refOf: (schemaSeq: number) => RecordRef): Promise<void> {
    for (const frame of frames) {
      const schema = schemas(frame.schemaSeq);
      const form = refOf(frame.schemaSeq);
      if (frame.op === 't') {
        this.#tables.set(tableName(schema), followed(schema, form, new RowDigest()));
        continue;
      }
      const table = await this.#follow(schema, form);
      if (table.digest === null) continue;
      for (const { before, after } of changesOf(frame, schema.columns.length)) {
        // Of a column that nobody wrote before nobody knows what goes.
        if (before !== null && isPartial(before, schema.columns.length)) {
          table.digest = null;
          break;
        }
        if (before !== null) put(table, table.going, before);
        if (after !== null) put(table, table.coming, after);
      }
      if (table.bytes >= CHUNK_BYTES) await this.#flush(table);
    }
  }

  async digests(): Promise<Digests> {
    const all: Record<string, TableDigest> = { ...this.#before };
    for (const [name, table] of this.#tables) {
      await this.#flush(table);
      all[name] = { form: table.form, content: table.digest?.value ?? null };
    }
    return all;
  }

  /** A table that comes in other columns than before: what rows that did not change look like in these, nobody told. */
  async #follow(schema: TableSchema, form: RecordRef): Promise<Followed> {
    const name = tableName(schema);
    const known = this.#tables.get(name);
    if (known !== undefined && (known.form.seq === form.seq || known.schema.hash === schema.hash)) {
      known.form = form;
      return known;
    }
    const table = followed(schema, form, known === undefined ? await this.#digestBefore(schema, form) : null);
    this.#tables.set(name, table);
    return table;
  }

  /** Null: not known in this form. */
  async #digestBefore(schema: TableSchema, form: RecordRef): Promise<RowDigest | null> {
    const before = this.#before[tableName(schema)];
    // Without rows it is the same in every form.
    if (before === undefined || before.content?.rows === 0) return new RowDigest();
    if (before.content === null) return null;
    const isSame = before.form.seq === form.seq || (await this.#hashOf(before.form)) === schema.hash;
    return isSame ? new RowDigest(before.content) : null;
  }

  /** Null: the log does not hold that form any more. */
  async #hashOf(form: RecordRef): Promise<string | null> {
    try {
      return (await this.#fetch(form)).hash;
    } catch (error) {
      if (isNotTold(error)) return null;
      throw error;
    }
  }

  async #flush(table: Followed): Promise<void> {
    if (table.digest === null) return;
    const { coming, going } = table;
    for (const pieces of [coming, going]) {
      if (pieces.length === 0) continue;
      const lines = await this.#snapshot.asCompared(table.schema, Buffer.concat(pieces));
      table.digest.add(lines, pieces === coming ? 1 : -1);
      pieces.length = 0;
    }
    table.bytes = 0;
  }
}

function followed(schema: TableSchema, form: RecordRef, digest: RowDigest | null): Followed {
  return { schema, form, digest, coming: [], going: [], bytes: 0 };
}

function put(table: Followed, lines: Buffer[], { bytes, start, end }: Line): void {
  lines.push(Buffer.from(bytes.subarray(start, end)), LF);
  table.bytes += end - start;
}

function* changesOf(frame: Frame, columns: number): Generator<{ readonly before: Line | null; readonly after: Line | null }> {
  const { rows, rowCount, before, op, partial } = frame;
  const starts = new Int32Array(columns + 1);
  let at = 0;
  const next = (): Line => {
    const line = { bytes: rows, start: at, end: scanLine(rows, at, starts).end };
    at = line.end + 1;
    return line;
  };
  for (let row = 0; row < rowCount; row++) {
    const was = before === 'none' ? null : next();
    const is = op === 'd' ? null : next();
    yield { before: was, after: partial && was !== null && is !== null ? mergeLines(was, is, columns) : is };
  }
}
