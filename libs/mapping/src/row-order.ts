import type { Row } from './compiled-rule.js';
import { numberText } from './number-text.js';

/** Columns of a table by which its rows are ordered. */
export type OrderedBy = readonly { readonly index: number; readonly descending: boolean; readonly isNumber: boolean }[];

/** Below 0: `a` comes first. Null comes last, and descending first; numbers by value, texts as their UTF-8 bytes do. */
export function rowOrder(by: OrderedBy): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const { index, descending, isNumber } of by) {
      const difference = compareValues(a[index], b[index], isNumber);
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  };
}

/** The same of two values. */
export function compareValues(a: string | null | undefined, b: string | null | undefined, isNumber: boolean): number {
  return compareText(comparable(a, isNumber), comparable(b, isNumber));
}

/** Text that sorts, byte by byte, as {@link rowOrder} orders the rows: by the first 64 characters of each column. */
export function orderText(by: OrderedBy): (row: Row) => string {
  return (row) => {
    let text = '';
    for (const { index, descending, isNumber } of by) text += sortable(comparable(row[index], isNumber), descending);
    return text;
  };
}

function comparable(value: string | null | undefined, isNumber: boolean): string | null {
  if (value === null || value === undefined) return null;
  return isNumber ? numberText(value) : value;
}

function compareText(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** The halves of characters beyond the first 65,536 lie below some that come before these: as UTF-8 they come behind all. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/** Characters of a column that an order of rivals looks at. */
const COMPARED = 64;
/** Room for them. */
const BYTES = Buffer.alloc(3 * COMPARED);

/**
 * The bytes of a text in hexadecimal with a mark of its end, so that it sorts before all that continue it. For the other direction each bit is
 * turned, and the mark sorts behind the digits. Null is alone in its place.
 */
function sortable(text: string | null, descending: boolean): string {
  if (text === null) return descending ? '!' : 'g';
  const end = BYTES.write(text.slice(0, COMPARED));
  if (!descending) return `${BYTES.toString('hex', 0, end)}/`;
  for (let at = 0; at < end; at++) BYTES[at] = ~(BYTES[at] as number);
  return `${BYTES.toString('hex', 0, end)}~`;
}
