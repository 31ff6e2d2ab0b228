import { ChangeoverError, invariant } from '@changeover/core';
import {
  CopyTextWriter,
  isPartial,
  mergeLines,
  scanLine,
  UNCHANGED,
  type Frame,
  type Line,
  type StateView,
  type TableSchema,
} from '@changeover/events';

import { boundedKey, stateKey } from '../derive/state-keys.js';
import { formOf, LINE_AT, seqOf, writeHeader } from './mirror-value.js';

const LF = 0x0a;
const TAB = 0x09;

/**
 * What became of a row; `before` null: it was not there, `after` null: it is not there any more. Lines of the form that the frame has.
 * `from` and `to` are its keys in the state before and behind that.
 */
export type RowSink = (before: Line | null, after: Line | null, from: Buffer, to: Buffer) => void;

/** What a mirror needs of the state. */
export type MirrorState = Pick<StateView, 'get' | 'put' | 'remove' | 'entries'>;

/** Rows of a whole table are gone through in runs of this many; between two of them their caller may make room. */
const RUN_ROWS = 1000;

/**
 * One source table's rows as the log has told them. Lays the frames of changes over them, and tells of each row what it was and what
 * it is, whole, where the frame itself may say less: no row before, no large values that did not change.
 *
 * While a table is being copied the log may tell changes of rows that it has not told yet. What is not whole then is kept as it is,
 * counts as absent, and becomes whole with the copy.
 */
export class TableMirror {
  readonly #state: MirrorState;
  readonly #prefix: Buffer;
  readonly #name: string;
  readonly #forms: MirroredForm[] = [];

  constructor(state: MirrorState, number: number, name: string) {
    this.#state = state;
    this.#prefix = stateKey('mirror', number, '');
    this.#name = name;
  }

  /** Forms in the order in which they were told; gives the place of this one. */
  addForm(schema: TableSchema): number {
    return this.#forms.push(new MirroredForm(schema)) - 1;
  }

  /** Lays a frame of changed rows over the table; one that empties it is for {@link truncate}. */
  layer(frame: Frame, form: number, seq: number, sink: RowSink): void {
    const { op, rows } = frame;
    invariant(op !== 't', 'a frame that empties a table holds no rows');
    const current = this.#form(form);
    let at = 0;
    for (let row = 0; row < frame.rowCount; row++) {
      let from: Buffer | null = null;
      let told: Line | null = null;
      if (frame.before !== 'none') {
        const before = current.scan(rows, at, this.#name);
        at = before.end + 1;
        from = current.key(this.#prefix, before);
        told = frame.before === 'full' ? before : null;
      }
      if (op === 'd') {
        invariant(from !== null, 'a delete without the row before');
        this.#delete(from, form, sink);
        continue;
      }
      const after = current.scan(rows, at, this.#name);
      at = after.end + 1;
      const to = current.key(this.#prefix, after);
      if (op === 'u') this.#update({ from: from ?? to, to, told, after, partial: frame.partial }, form, seq, sink);
      else this.#put(to, after, form, seq, sink);
    }
    invariant(at === rows.length, `a frame of ${this.#name} holds more bytes than rows`);
  }

  /** Whole rows, whatever was there under their keys: nobody asks what it was. */
  overwrite(frame: Frame, form: number, seq: number): void {
    const current = this.#form(form);
    for (let at = 0; at < frame.rows.length;) {
      const line = current.scan(frame.rows, at, this.#name);
      this.#store(current.key(this.#prefix, line), line, form, seq);
      at = line.end + 1;
    }
  }

  /** Rows that no record behind `since` has changed are gone: their table was copied since, and they were not in it. */
  *sweep(since: number, form: number, sink: RowSink): Generator<void> {
    let seen = 0;
    for (const { key, value } of this.#state.entries(this.#prefix, null)) {
      if (seqOf(value) <= since) this.#delete(Buffer.from(key), form, sink);
      if (++seen % RUN_ROWS === 0) yield;
    }
  }

  /** Every row is gone. */
  *truncate(form: number, sink: RowSink): Generator<void> {
    let seen = 0;
    for (const { key } of this.#state.entries(this.#prefix, null)) {
      this.#delete(Buffer.from(key), form, sink);
      if (++seen % RUN_ROWS === 0) yield;
    }
  }

  /** Throws SOURCE_DATA if a row is not whole, though the table is copied. */
  requireWhole(): void {
    for (const { value } of this.#state.entries(this.#prefix, null)) {
      if (this.lineOf(value) === null) throw neverWhole(this.#name);
    }
  }

  /** Whole rows as they stand, in the order of their keys, behind `after`. */
  *rows(after: Buffer | null, form: number): Generator<{ readonly key: Buffer; readonly line: Line }> {
    for (const { key, value } of this.#state.entries(this.#prefix, after)) {
      const line = this.#line(value, form);
      if (line !== null) yield { key, line };
    }
  }

  /** What the state holds of a row, in the form told last; null if it is not whole. */
  lineOf(value: Buffer): Line | null {
    return this.#line(value, this.#forms.length - 1);
  }

  /** The same as text. Of a row in the form told last nothing is copied. */
  textOf(value: Buffer): string | null {
    if (formOf(value) === this.#forms.length - 1) {
      const text = value.toString('utf8', LINE_AT);
      // In a text it is found faster than in its bytes.
      if (!text.includes(UNCHANGED)) return text;
    }
    const line = this.lineOf(value);
    return line === null ? null : line.bytes.toString('utf8', line.start, line.end);
  }

  /** A line of an older form as the form told last has it: the catalogue is ahead of the stream, so rows may come in either. */
  inLastForm(line: Line, form: number): Line {
    const last = this.#forms.length - 1;
    return form === last ? line : this.#form(last).adapt(line, this.#form(form));
  }

  #put(key: Buffer, after: Line, form: number, seq: number, sink: RowSink): void {
    const before = this.#get(key, form);
    this.#store(key, after, form, seq);
    sink(before, after, key, key);
  }

  #update(
    {
      from,
      to,
      told,
      after,
      partial,
    }: { readonly from: Buffer; readonly to: Buffer; readonly told: Line | null; readonly after: Line; readonly partial: boolean },
    form: number,
    seq: number,
    sink: RowSink,
  ): void {
    const columns = this.#form(form).columns;
    const stored = this.#state.get(from);
    const known = stored === undefined ? null : this.#adapted(stored, form);
    const before = known !== null && !isPartial(known, columns) ? known : null;
    const base = before ?? told ?? known;
    const now = partial && base !== null ? mergeLines(base, after, columns) : after;
    if (!from.equals(to)) {
      // Who has that key by what we know has lost it without a word: the copy that is to find that out has not ended.
      this.#delete(to, form, sink);
      this.#state.remove(from);
    }
    this.#store(to, now, form, seq);
    const whole = !partial || !isPartial(now, columns);
    if (before !== null || whole) sink(before, whole ? now : null, from, to);
  }

  #delete(key: Buffer, form: number, sink: RowSink): void {
    const before = this.#get(key, form);
    this.#state.remove(key);
    if (before !== null) sink(before, null, key, key);
  }

  #get(key: Buffer, form: number): Line | null {
    const stored = this.#state.get(key);
    return stored === undefined ? null : this.#line(stored, form);
  }

  #store(key: Buffer, { bytes, start, end }: Line, form: number, seq: number): void {
    const value = Buffer.allocUnsafe(LINE_AT + end - start);
    writeHeader(value, form, seq);
    bytes.copy(value, LINE_AT, start, end);
    this.#state.put(key, value);
  }

  /** Null if it is not whole. */
  #line(value: Buffer, form: number): Line | null {
    const line = this.#adapted(value, form);
    return isPartial(line, this.#form(form).columns) ? null : line;
  }

  #adapted(value: Buffer, form: number): Line {
    const stored = formOf(value);
    const line = Buffer.allocUnsafe(value.length - LINE_AT + 1);
    value.copy(line, 0, LINE_AT);
    line[line.length - 1] = LF;
    const as = { bytes: line, start: 0, end: line.length - 1 };
    return stored === form ? as : this.#form(form).adapt(as, this.#form(stored));
  }

  #form(form: number): MirroredForm {
    const known = this.#forms[form];
    invariant(known !== undefined, `the form ${String(form)} of ${this.#name} is not known`);
    return known;
  }
}

/** A row of this table lacks values, though its copy has ended. */
export function neverWhole(table: string): ChangeoverError {
  return new ChangeoverError('SOURCE_DATA', `the source never told the whole of a row of ${table}`, { facts: { table } });
}

class MirroredForm {
  readonly columns: number;
  readonly #schema: TableSchema;
  readonly #keys: readonly number[];
  readonly #starts: Int32Array;

  constructor(schema: TableSchema) {
    this.#schema = schema;
    this.columns = schema.columns.length;
    this.#keys = schema.columns.flatMap(({ key }, index) => (key ? [index] : []));
    this.#starts = new Int32Array(this.columns + 1);
  }

  scan(bytes: Buffer, start: number, name: string): Line {
    const { fields, end } = scanLine(bytes, start, this.#starts);
    invariant(
      fields === this.columns,
      `a row of ${name} has ${String(fields)} fields where its schema has ${String(this.columns)} columns`,
    );
    return { bytes, start, end };
  }

  /** Of the line scanned last. */
  key(prefix: Buffer, { bytes }: Line): Buffer {
    let length = prefix.length - 1;
    for (const column of this.#keys) length += this.#end(column) - this.#start(column) + 1;
    const key = Buffer.allocUnsafe(length);
    let at = prefix.copy(key);
    // By its place, not by what was written so far: the first one may be an empty text.
    this.#keys.forEach((column, place) => {
      if (place > 0) key[at++] = TAB;
      at += bytes.copy(key, at, this.#start(column), this.#end(column));
    });
    invariant(at === length, 'a key has as many bytes as its columns');
    return boundedKey(key, prefix.length);
  }

  /** A line of another form as this one has it: what the other lacks is null. */
  adapt({ bytes, start }: Line, other: MirroredForm): Line {
    scanLine(bytes, start, other.#starts);
    const writer = new CopyTextWriter(bytes.length + 3 * this.columns);
    this.#schema.columns.forEach((column, index) => {
      if (index > 0) writer.tab();
      const there = other.#schema.columns.findIndex(({ id, name }) => (column.id === undefined ? name === column.name : id === column.id));
      if (there === -1) writer.null();
      else writer.raw(bytes, other.#start(there), other.#end(there));
    });
    writer.endRow();
    const line = writer.take();
    return { bytes: line, start: 0, end: line.length - 1 };
  }

  #start(column: number): number {
    return this.#starts[column] as number;
  }

  #end(column: number): number {
    return (this.#starts[column + 1] as number) - 1;
  }
}
