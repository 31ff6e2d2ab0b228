import type { CopyState, StatusWatch } from '../stage/status-watch.js';
import { duration, whole, type Narrator } from './narrator.js';

/** Tells from `changeover status` how the first rows come: table by table, then derived, then loaded. */
export class CopyStory {
  readonly #watch: StatusWatch;
  readonly #narrator: Narrator;
  /** As we heard last of the copies that are not finished. */
  #copies: readonly CopyState[] = [];
  #wasDeriving = false;

  constructor(watch: StatusWatch, narrator: Narrator) {
    this.#watch = watch;
    this.#narrator = narrator;
  }

  /** What happens now, in one line; what is finished gets a line of its own. */
  now(): string {
    const copies = this.#watch.role('capture')?.copies ?? [];
    this.#tellFinished(copies);
    if (copies.length > 0) return copying(copies);
    const deriving = this.#watch.role('transform')?.details['deriving'];
    if (deriving !== undefined) {
      if (!this.#wasDeriving) this.#narrator.say('  all tables copied; deriving the new rows, parents first');
      this.#wasDeriving = true;
      return `deriving: ${String(deriving)}`;
    }
    return this.#wasDeriving ? `loading: ${whole(this.#watch.role('load')?.rowsPerSecond ?? 0)} rows/s` : 'beginning';
  }

  /** How far the new CRM is behind. */
  behind(): string {
    const load = this.#watch.role('load');
    return load?.lagMs == null ? 'lag unknown' : `${duration(load.lagMs)} behind, ${whole(load.rowsPerSecond)} rows/s`;
  }

  #tellFinished(copies: readonly CopyState[]): void {
    for (const { table, rows, estimatedRows } of this.#copies) {
      if (copies.some((copy) => copy.table === table)) continue;
      this.#narrator.say(`  copied ${shortName(table)}, about ${whole(Math.max(rows, estimatedRows ?? 0))} rows`);
    }
    this.#copies = copies;
  }
}

function copying(copies: readonly CopyState[]): string {
  const sum = (amount: (copy: CopyState) => number): number => copies.reduce((total, copy) => total + amount(copy), 0);
  const [rows, rate] = [sum((copy) => copy.rows), sum((copy) => copy.rowsPerSecond)];
  const expected = Math.max(
    1,
    sum((copy) => Math.max(copy.rows, copy.estimatedRows ?? 0)),
  );
  const begun = copies.filter((copy) => copy.rows > 0).map(({ table }) => shortName(table));
  const left = rate > 0 ? `, ${String(Math.ceil((expected - rows) / rate))} s left` : '';
  const waiting = copies.length - begun.length;
  return (
    `copying ${begun.join(', ')}${waiting > 0 ? ` (${String(waiting)} tables wait)` : ''}: ` +
    `${String(Math.min(99, Math.floor((100 * rows) / expected)))} %, ${whole(rate)} rows/s${left}`
  );
}

function shortName(table: string): string {
  return table.replace(/^public\./u, '');
}
