import type { Frame } from '../frame/frame.js';

const TAB = 0x09;
const LF = 0x0a;

/** What is wrong with the lines of a frame of a table with so many columns; null: nothing. */
export function wrongLines({ op, before, rowCount, rows }: Frame, columns: number): string | null {
  if ((op === 'd' && before === 'none') || ((op === 'c' || op === 'r') && before !== 'none'))
    return `operation ${op} cannot have the row before as "${before}"`;
  const due = op === 't' ? 0 : op === 'u' && before !== 'none' ? 2 * rowCount : rowCount;
  let lines = 0;
  let fields = 1;
  // By index: an iterator takes several times as long.
  for (let at = 0; at < rows.length; at++) {
    const byte = rows[at] as number;
    if (byte > LF) continue;
    if (byte === TAB) fields++;
    else if (byte === LF) {
      if (fields !== columns) return `a line has ${String(fields)} values for ${String(columns)} columns`;
      lines++;
      fields = 1;
    }
  }
  if (rows.length > 0 && rows[rows.length - 1] !== LF) return 'the last line has no end';
  return lines === due ? null : `${String(lines)} lines where there should be ${String(due)}`;
}
