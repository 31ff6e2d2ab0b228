import type { Line } from '@changeover/events';

import { asItLies, lengthOf, type KeepLine } from './keyed-net.js';
import type { NetRow } from './net-row.js';

/**
 * Nets the operations on a table without a key as a multiset: how many copies of each row come and go. Nothing else can be said
 * about such rows, and nothing can hang on them.
 */
export class WholeRowNet {
  readonly #keep: KeepLine;
  readonly #counts = new Map<string, { count: number; line: Line; seq: number }>();

  constructor(keep: KeepLine = asItLies) {
    this.#keep = keep;
  }

  /** Bytes of the lines that are kept. */
  get bytes(): number {
    let bytes = 0;
    for (const { line } of this.#counts.values()) bytes += lengthOf(line);
    return bytes;
  }

  add(seq: number, line: Line, copies: 1 | -1): void {
    const text = line.bytes.toString('latin1', line.start, line.end);
    const known = this.#counts.get(text);
    if (known === undefined) this.#counts.set(text, { count: copies, line: this.#keep(line), seq });
    else {
      known.count += copies;
      known.seq = seq;
      if (known.count === 0) this.#counts.delete(text);
    }
  }

  rows(): NetRow[] {
    const rows: NetRow[] = [];
    for (const { count, line, seq } of this.#counts.values()) {
      const nothing = { originKey: null, key: null };
      for (let copy = 0; copy < count; copy++) rows.push({ kind: 'insert', seq, origin: null, line, ...nothing });
      for (let copy = 0; copy < -count; copy++) rows.push({ kind: 'delete', seq, origin: line, line: null, ...nothing });
    }
    return rows;
  }
}
