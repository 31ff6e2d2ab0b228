import { scanLine } from '@changeover/events';

const LF = 0x0a;
const BACKSLASH = 0x5c;
const TAB = 0x09;

/**
 * The same lines of COPY text as DuckDB can read them: with the fields of lines that are longer than `most` bytes cut, so that each is shorter; and with a second,
 * empty field where there is only one, as a line with nothing in it would be no line.
 */
export function readableLines(lines: Buffer, columns: number, most: number): Buffer {
  const shortened = shortenedLines(lines, columns, most);
  return columns > 1 ? shortened : Buffer.from(shortened.toString('latin1').replaceAll('\n', '\t\n'), 'latin1');
}

function shortenedLines(lines: Buffer, columns: number, most: number): Buffer {
  if (!hasLonger(lines, most)) return lines;
  const cut = Math.max(1, Math.floor(most / columns) - 1);
  const starts = new Int32Array(columns + 1);
  const out: Buffer[] = [];
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf(LF, at);
    if (end + 1 - at <= most) out.push(lines.subarray(at, end + 1));
    else {
      scanLine(lines, at, starts);
      for (let column = 0; column < columns; column++) {
        const start = starts[column] as number;
        out.push(lines.subarray(start, wholeEnd(lines, start, Math.min(start + cut, (starts[column + 1] as number) - 1))));
        out.push(column === columns - 1 ? LINE_END : SEPARATOR);
      }
    }
    at = end + 1;
  }
  return Buffer.concat(out);
}

const SEPARATOR = Buffer.of(TAB);
const LINE_END = Buffer.of(LF);

function hasLonger(lines: Buffer, most: number): boolean {
  for (let at = 0; at + most < lines.length;) {
    const end = lines.indexOf(LF, at);
    if (end + 1 - at > most) return true;
    at = end + 1;
  }
  return false;
}

/** Not behind half an escape, nor inside a character. */
function wholeEnd(bytes: Buffer, start: number, end: number): number {
  let last = end;
  while (last > start && ((bytes[last] as number) & 0xc0) === 0x80) last--;
  let backslashes = 0;
  while (last - backslashes > start && bytes[last - backslashes - 1] === BACKSLASH) backslashes++;
  return last - (backslashes % 2);
}
