import type { SourceSnapshot, TableSchema } from '@changeover/events';

import type { TableRows } from './derive-in.js';

export type SampleLimits = {
  /** Of one table. */
  readonly rows: number;
  /** Of all of them. */
  readonly bytes: number;
};

const LF = 0x0a;

/**
 * The first rows of each table in the order of its key: as many as may be, and no row behind one for which there is no more room. Rows of tables that are joined were mostly
 * made together, and so the first of one find the first of the other; where they do not, the join finds nothing, in the one process as in the other.
 */
export async function takeSample(
  snapshot: SourceSnapshot,
  tables: readonly TableSchema[],
  { rows: most, bytes }: SampleLimits,
): Promise<readonly TableRows[]> {
  const sample: TableRows[] = [];
  let left = bytes;
  for (const [index, table] of tables.entries()) {
    // What small tables leave is for the large ones behind them.
    const rows = await firstRows(snapshot.rows(table), { rows: most, bytes: Math.floor(left / (tables.length - index)) });
    left -= rows.length;
    sample.push({ table, rows });
  }
  return sample;
}

async function firstRows(pieces: AsyncIterable<Buffer>, { rows, bytes }: SampleLimits): Promise<Buffer> {
  const taken: Buffer[] = [];
  let [count, size] = [0, 0];
  for await (const piece of pieces) {
    let at = 0;
    while (at < piece.length && count < rows) {
      // A raw LF can only be a line's end.
      const next = piece.indexOf(LF, at) + 1;
      if (size + next > bytes) break;
      at = next;
      count++;
    }
    taken.push(Buffer.from(piece.subarray(0, at)));
    size += at;
    if (at < piece.length) break;
  }
  return Buffer.concat(taken);
}
