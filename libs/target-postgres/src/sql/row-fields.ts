import { isNull, isUnchanged, scanLine, unescapeInto, type Line } from '@changeover/events';

const TEXT_OID = 25;
const BOOL_OID = 16;
/** Dimensions, has-null flag, element type, length, lower bound. */
const ARRAY_HEADER_BYTES = 20;

/**
 * The fields of some rows, column by column, as PostgreSQL's binary arrays (array_recv in
 * https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c). Goes from the frame's bytes to the parameter's bytes without a
 * JavaScript string in between; each line is scanned once.
 */
export class RowFields {
  readonly #lines: readonly (Line | null)[];
  readonly #stride: number;
  readonly #starts: Int32Array;

  constructor(lines: readonly (Line | null)[], columns: number) {
    this.#lines = lines;
    this.#stride = columns + 1;
    this.#starts = new Int32Array(lines.length * this.#stride);
    const starts = new Int32Array(this.#stride);
    for (let row = 0; row < lines.length; row++) {
      const line = lines[row];
      if (line === null || line === undefined) continue;
      scanLine(line.bytes, line.start, starts);
      this.#starts.set(starts, row * this.#stride);
    }
  }

  /** One column as a binary `text[]`. null where the field is null or unchanged, and for a row without a line. */
  textArray(column: number): Buffer {
    const count = this.#lines.length;
    let size = ARRAY_HEADER_BYTES + count * 4;
    for (let row = 0; row < count; row++) {
      const at = row * this.#stride + column;
      size += Math.max(0, (this.#starts[at + 1] as number) - (this.#starts[at] as number) - 1);
    }
    const array = Buffer.allocUnsafe(size);
    let offset = writeArrayHeader(array, TEXT_OID, count);
    let nulls = false;
    for (let row = 0; row < count; row++) {
      const line = this.#lines[row] as Line | null;
      const at = row * this.#stride + column;
      const start = this.#starts[at] as number;
      const end = (this.#starts[at + 1] as number) - 1;
      if (line === null || isNull(line.bytes, start, end) || isUnchanged(line.bytes, start, end)) {
        nulls = true;
        offset = array.writeInt32BE(-1, offset);
        continue;
      }
      const length = unescapeInto(line.bytes, start, end, array, offset + 4);
      offset = array.writeInt32BE(length, offset) + length;
    }
    if (nulls) array.writeInt32BE(1, 4);
    return array.subarray(0, offset);
  }

  /** Whether no row tells the column. */
  isUnchangedThroughout(column: number): boolean {
    return this.#lines.every((_, row) => this.#isUnchanged(row, column));
  }

  /** Which rows leave the column unchanged, as a binary `bool[]`; null if none does. */
  unchangedFlags(column: number): Buffer | null {
    const flags = this.#lines.map((_, row) => this.#isUnchanged(row, column));
    return flags.includes(true) ? boolArray(flags) : null;
  }

  #isUnchanged(row: number, column: number): boolean {
    const line = this.#lines[row] as Line | null;
    const at = row * this.#stride + column;
    return line !== null && isUnchanged(line.bytes, this.#starts[at] as number, (this.#starts[at + 1] as number) - 1);
  }
}

export function boolArray(flags: readonly boolean[]): Buffer {
  const array = Buffer.allocUnsafe(ARRAY_HEADER_BYTES + flags.length * 5);
  let offset = writeArrayHeader(array, BOOL_OID, flags.length);
  for (const flag of flags) {
    offset = array.writeInt32BE(1, offset);
    offset = array.writeUInt8(flag ? 1 : 0, offset);
  }
  return array;
}

function writeArrayHeader(array: Buffer, elementOid: number, count: number): number {
  array.writeInt32BE(1, 0);
  array.writeInt32BE(0, 4);
  array.writeInt32BE(elementOid, 8);
  array.writeInt32BE(count, 12);
  return array.writeInt32BE(1, 16);
}
