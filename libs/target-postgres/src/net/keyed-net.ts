import { invariant } from '@changeover/core';
import { mergeLines, type Line } from '@changeover/events';

import type { NetRow } from './net-row.js';

/** Makes a line that may be kept of one whose bytes may be part of something large. */
export type KeepLine = (line: Line) => Line;

export const asItLies: KeepLine = (line) => line;

export function lengthOf({ start, end }: Line): number {
  return end - start;
}

/** One row on its way through the batch. */
type Track = {
  /** Names the row in the target before the batch; null: it was made in this batch. */
  readonly origin: Line | null;
  readonly originKey: string;
  key: string;
  line: Line;
  seq: number;
};

/**
 * Nets the operations on one table with a key. A row is followed through changes of its key, so that it stays the same row of
 * the target (whose children hang on it) however often its key moved. A row that was deleted and made again is an update:
 * deleting it would set off the target's own cascades.
 */
export class KeyedNet {
  readonly #columns: number;
  readonly #keep: KeepLine;
  /** Rows that are there now, by the key they have now. */
  readonly #alive = new Map<string, Track>();
  /** Rows of the target that are gone, by the key they had before the batch. */
  readonly #dead = new Map<string, { readonly origin: Line; readonly seq: number }>();

  constructor(columns: number, keep: KeepLine = asItLies) {
    this.#columns = columns;
    this.#keep = keep;
  }

  /** Bytes of the lines that are kept. */
  get bytes(): number {
    let bytes = 0;
    for (const { origin, line } of this.#alive.values()) bytes += lengthOf(line) + (origin === null ? 0 : lengthOf(origin));
    for (const { origin } of this.#dead.values()) bytes += lengthOf(origin);
    return bytes;
  }

  create(seq: number, key: string, line: Line): void {
    invariant(!this.#alive.has(key), 'the writes create a row that is already there');
    const revived = this.#dead.get(key);
    this.#dead.delete(key);
    this.#alive.set(key, {
      origin: revived?.origin ?? null,
      originKey: revived === undefined ? '' : key,
      key,
      line: this.#keep(line),
      seq,
    });
  }

  /** `before` is any line that holds the key `from`. */
  update(seq: number, from: string, before: Line, to: string, line: Line, partial: boolean): void {
    const track = this.#alive.get(from);
    if (track === undefined) {
      invariant(!this.#dead.has(from), 'the writes update a row that they have deleted');
      this.#place({ origin: this.#keep(before), originKey: from, key: to, line: this.#keep(line), seq });
      return;
    }
    track.line = this.#keep(partial ? mergeLines(track.line, line, this.#columns) : line);
    track.seq = seq;
    if (from === to) return;
    track.key = to;
    this.#alive.delete(from);
    this.#place(track);
  }

  delete(seq: number, key: string, before: Line): void {
    const track = this.#alive.get(key);
    if (track === undefined) {
      invariant(!this.#dead.has(key), 'the writes delete a row twice');
      this.#dead.set(key, { origin: this.#keep(before), seq });
      return;
    }
    this.#alive.delete(key);
    if (track.origin !== null) this.#dead.set(track.originKey, { origin: track.origin, seq });
  }

  rows(): NetRow[] {
    const rows: NetRow[] = [];
    for (const { key, line, origin, originKey, seq } of this.#alive.values()) {
      if (origin === null) rows.push({ kind: 'insert', seq, origin, originKey: null, line, key });
      else rows.push({ kind: 'update', seq, origin, originKey, line, key });
    }
    for (const [originKey, { origin, seq }] of this.#dead) rows.push({ kind: 'delete', seq, origin, originKey, line: null, key: null });
    return rows;
  }

  #place(track: Track): void {
    invariant(!this.#alive.has(track.key), 'the writes move a row onto another one');
    this.#alive.set(track.key, track);
  }
}
