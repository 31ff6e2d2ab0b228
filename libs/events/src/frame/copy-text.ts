/**
 * PostgreSQL's COPY text format (https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"), on bytes: UTF-8
 * never holds a byte below 0x80 inside a character, so bytes can be escaped without decoding them.
 */
const TAB = 0x09;
const LF = 0x0a;
const BACKSLASH = 0x5c;
const UPPER_N = 0x4e;
const UPPER_U = 0x55;

/** For each byte the letter that follows the backslash, or 0 where the byte stands for itself. */
const ESCAPE = new Uint8Array(256);
/** The other way: the byte that a letter after a backslash stands for. */
const UNESCAPE = new Uint8Array(256).map((_, byte) => byte);
for (const [byte, letter] of [
  [0x08, 'b'],
  [TAB, 't'],
  [LF, 'n'],
  [0x0b, 'v'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [BACKSLASH, '\\'],
] as const) {
  ESCAPE[byte] = letter.charCodeAt(0);
  UNESCAPE[letter.charCodeAt(0)] = byte;
}

/** What a field that a line does not tell looks like. COPY itself never writes it. */
export const UNCHANGED = '\\U';

/** Builds rows into one growing buffer. A field is ended by `tab` or `endRow`. */
export class CopyTextWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(initialBytes = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Appends `source[start, end)` escaped. */
  value(source: Uint8Array, start: number, end: number): void {
    // Twice the size holds the worst case, so the loop needs no checks.
    this.#reserve((end - start) * 2 + 1);
    const target = this.#bytes;
    let length = this.#length;
    for (let index = start; index < end; index++) {
      const byte = source[index] as number;
      if (byte <= BACKSLASH) {
        const letter = ESCAPE[byte] as number;
        if (letter !== 0) {
          target[length++] = BACKSLASH;
          target[length++] = letter;
          continue;
        }
      }
      target[length++] = byte;
    }
    this.#length = length;
  }

  /** Appends bytes that are escaped already. */
  raw(source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start + 1);
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** Appends text that is escaped already. */
  text(line: string): void {
    this.#reserve(line.length * 3);
    this.#length += this.#bytes.write(line, this.#length);
  }

  null(): void {
    this.#mark(UPPER_N);
  }

  unchanged(): void {
    this.#mark(UPPER_U);
  }

  tab(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = TAB;
  }

  endRow(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = LF;
  }

  /** Gives what was written as a buffer of its own, and starts anew. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #mark(letter: number): void {
    this.#reserve(3);
    this.#bytes[this.#length++] = BACKSLASH;
    this.#bytes[this.#length++] = letter;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/**
 * Finds the fields of the line that starts at `lineStart`: writes each field's start into `starts` and gives the offset of the line's
 * LF. Field i ends at `starts[i + 1] - 1`; `starts[fieldCount]` is one behind the LF.
 * A raw tab or LF can only be a separator, because values are escaped.
 */
export function scanLine(
  rows: Uint8Array,
  lineStart: number,
  starts: Int32Array | number[],
): { readonly fields: number; readonly end: number } {
  let fields = 0;
  starts[fields++] = lineStart;
  for (let index = lineStart; index < rows.length; index++) {
    const byte = rows[index] as number;
    if (byte > LF) continue;
    if (byte === TAB) starts[fields++] = index + 1;
    else if (byte === LF) {
      starts[fields] = index + 1;
      return { fields, end: index };
    }
  }
  return { fields: 0, end: -1 };
}

export function isNull(rows: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && rows[start] === BACKSLASH && rows[start + 1] === UPPER_N;
}

export function isUnchanged(rows: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && rows[start] === BACKSLASH && rows[start + 1] === UPPER_U;
}

/** Writes the field's value, unescaped, into `target` at `offset`, which has room for `end - start`; gives its length. */
export function unescapeInto(rows: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
  let length = offset;
  for (let index = start; index < end; index++) {
    let byte = rows[index] as number;
    if (byte === BACKSLASH) byte = UNESCAPE[rows[++index] as number] as number;
    target[length++] = byte;
  }
  return length - offset;
}

/** The field as text: `null` for `\N`, `undefined` for {@link UNCHANGED}. */
export function fieldText(rows: Buffer, start: number, end: number): string | null | undefined {
  if (isNull(rows, start, end)) return null;
  if (isUnchanged(rows, start, end)) return undefined;
  const escape = rows.indexOf(BACKSLASH, start);
  if (escape === -1 || escape >= end) return rows.toString('utf8', start, end);
  const value = Buffer.allocUnsafe(end - start);
  return value.toString('utf8', 0, unescapeInto(rows, start, end, value, 0));
}

/** Rows as arrays of text: for tests, tools and small bodies, not for the data path. */
export function parseRows(rows: Buffer): (string | null | undefined)[][] {
  const starts: number[] = [];
  const result: (string | null | undefined)[][] = [];
  for (let at = 0; at < rows.length;) {
    const { fields, end } = scanLine(rows, at, starts);
    result.push(Array.from({ length: fields }, (_, index) => fieldText(rows, starts[index] as number, (starts[index + 1] as number) - 1)));
    at = end + 1;
  }
  return result;
}

/** The other way of {@link parseRows}. */
export function formatRows(rows: readonly (readonly (string | null | undefined)[])[]): Buffer {
  const writer = new CopyTextWriter(1024);
  for (const row of rows) {
    row.forEach((value, index) => {
      if (index > 0) writer.tab();
      if (value === null) writer.null();
      else if (value === undefined) writer.unchanged();
      else {
        const bytes = Buffer.from(value, 'utf8');
        writer.value(bytes, 0, bytes.length);
      }
    });
    writer.endRow();
  }
  return writer.take();
}

/** How many rows there are: each ends with the only LF in it. */
export function countLines(rows: Buffer): number {
  let count = 0;
  for (let at = rows.indexOf(LF); at !== -1; at = rows.indexOf(LF, at + 1)) count++;
  return count;
}
