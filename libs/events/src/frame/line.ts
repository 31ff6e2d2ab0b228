import { CopyTextWriter, isUnchanged, scanLine, UNCHANGED } from './copy-text.js';

/** One row's COPY text inside a larger buffer: `bytes[start, end)`, its LF at `end`. Nothing is copied to make one. */
export type Line = { readonly bytes: Buffer; readonly start: number; readonly end: number };

/** The line that a buffer of one row holds. */
export function lineOf(row: Buffer): Line {
  return { bytes: row, start: 0, end: row.length - 1 };
}

/** The lines one behind the other, in pieces of about so many bytes (or one larger line). */
export function* joinLines(lines: Iterable<Line>, pieceBytes: number): Generator<Buffer> {
  let taken: Buffer[] = [];
  let size = 0;
  for (const { bytes, start, end } of lines) {
    taken.push(bytes.subarray(start, end + 1));
    size += end + 1 - start;
    if (size < pieceBytes) continue;
    yield Buffer.concat(taken, size);
    [taken, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(taken, size);
}

/**
 * The key's fields of a line as one string, in their escaped form (so a tab between them can only be a separator). Latin-1, because
 * it is only ever compared: one byte is one character, and nothing is decoded.
 */
export function keyText(bytes: Buffer, starts: Int32Array, keys: readonly number[]): string {
  const first = keys[0] as number;
  const last = keys[keys.length - 1] as number;
  if (last - first === keys.length - 1) return bytes.toString('latin1', starts[first], (starts[last + 1] as number) - 1);
  return keys.map((column) => bytes.toString('latin1', starts[column], (starts[column + 1] as number) - 1)).join('\t');
}

/** `newer`, with each field that it does not tell taken from `older` (which may not tell it either). */
export function mergeLines(older: Line, newer: Line, columns: number): Line {
  const olderStarts = new Int32Array(columns + 1);
  const newerStarts = new Int32Array(columns + 1);
  scanLine(older.bytes, older.start, olderStarts);
  scanLine(newer.bytes, newer.start, newerStarts);
  const writer = new CopyTextWriter(newer.end - newer.start + older.end - older.start + 2);
  let merged = false;
  for (let column = 0; column < columns; column++) {
    if (column > 0) writer.tab();
    const start = newerStarts[column] as number;
    const end = (newerStarts[column + 1] as number) - 1;
    if (isUnchanged(newer.bytes, start, end)) {
      merged = true;
      writer.raw(older.bytes, olderStarts[column] as number, (olderStarts[column + 1] as number) - 1);
    } else writer.raw(newer.bytes, start, end);
  }
  if (!merged) return newer;
  writer.endRow();
  return lineOf(writer.take());
}

/** Whether any field of the line is left out as unchanged. Few lines hold the mark of one anywhere, and it is found faster than fields are. */
export function isPartial(line: Line, columns: number): boolean {
  const mark = line.bytes.indexOf(UNCHANGED, line.start, 'latin1');
  if (mark === -1 || mark >= line.end) return false;
  const starts = new Int32Array(columns + 1);
  scanLine(line.bytes, line.start, starts);
  for (let column = 0; column < columns; column++) {
    if (isUnchanged(line.bytes, starts[column] as number, (starts[column + 1] as number) - 1)) return true;
  }
  return false;
}
