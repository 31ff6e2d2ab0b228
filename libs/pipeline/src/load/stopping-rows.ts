import { HELD_COLUMNS, HELD_TABLE, parseRows, tableName, type Frame, type TableSchema } from '@changeover/events';

/** Stands in what is told of every row that a rule of this severity holds. */
const STOPS = Buffer.from('"severity":"stop"');
const [STATE, PROBLEMS, SINCE] = (['state', 'problems', 'since_ms'] as const).map((name) => HELD_COLUMNS.indexOf(name)) as [
  number,
  number,
  number,
];

/**
 * How many rows are held by rules that stop, by since when in ms of the source's commit times: as the list of held rows has them, and as records of `writes` change it.
 * Memory grows with the moments, not with the rows.
 */
export class StoppingRows {
  readonly #rows: Map<number, number>;
  /** By what the record in hand changes them. */
  #change: [sinceMs: number, rows: number][] = [];

  constructor(rows: Iterable<readonly [sinceMs: number, rows: number]>) {
    this.#rows = new Map(rows);
  }

  /** Since `after` (without it) to `until`. */
  count(until: number, after = -Infinity): number {
    let count = 0;
    for (const [since, rows] of this.#rows) if (since > after && since <= until) count += rows;
    return count;
  }

  /** A frame of the record in hand. */
  add(frame: Frame, table: TableSchema): void {
    if (tableName(table) !== tableName(HELD_TABLE) || !frame.rows.includes(STOPS)) return;
    const change = { c: [1], d: [-1], u: [-1, 1] }[frame.op as string] ?? [];
    for (const [index, row] of parseRows(frame.rows).entries()) {
      const rows = change[index % change.length];
      const problems = row[PROBLEMS] ?? '';
      if (rows !== undefined && row[STATE] === 'held' && problems.includes(STOPS.toString())) this.#change.push([Number(row[SINCE]), rows]);
    }
  }

  /** The record in hand is complete. */
  passed(): void {
    for (const [since, rows] of this.#change) {
      const now = (this.#rows.get(since) ?? 0) + rows;
      if (now === 0) this.#rows.delete(since);
      else this.#rows.set(since, now);
    }
    this.#change = [];
  }

  /** It was given up. */
  forget(): void {
    this.#change = [];
  }
}
