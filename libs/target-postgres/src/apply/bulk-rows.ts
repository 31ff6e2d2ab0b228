import type { PlacedFrame } from '../net/net-row.js';
import type { TablePlan } from '../sql/table-plan.js';
import { isUniqueOf } from './claims.js';

/** Rows on their way into a table as they came. */
export type BulkRows = { readonly plan: TablePlan; readonly count: number; readonly pieces: readonly Buffer[] };

/** What goes to COPY at once: a message each, so many small ones are put together. */
const PIECE_BYTES = 64 * 1024;

/** Whether COPY takes rows of this form as they came, and the target notices one that is made twice. */
export function takesBulk({ copyable, addressing, keys, target }: TablePlan): boolean {
  if (!copyable || addressing !== 'key') return copyable;
  const names = keys.map((key) => key.target.name);
  const isNeverNull = keys.every((key) => key.target.notNull);
  return target.uniques.some((unique) => isUniqueOf(unique, names) && (isNeverNull || unique.nullsEqual));
}

export function bulkRows(plan: TablePlan, frames: readonly PlacedFrame[]): BulkRows {
  const count = frames.reduce((sum, { frame }) => sum + frame.rowCount, 0);
  return { plan, count, pieces: joined(frames.map(({ frame }) => frame.rows)) };
}

/** Neighbours put together up to a size; large ones are not copied. */
function joined(buffers: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  let small: Buffer[] = [];
  let bytes = 0;
  const close = (): void => {
    if (small.length > 0) pieces.push(small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small, bytes));
    small = [];
    bytes = 0;
  };
  for (const buffer of buffers) {
    if (bytes + buffer.length > PIECE_BYTES) close();
    small.push(buffer);
    bytes += buffer.length;
  }
  close();
  return pieces;
}
