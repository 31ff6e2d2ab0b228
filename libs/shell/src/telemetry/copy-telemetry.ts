import type { Clock } from '@changeover/core';
import type { PipelineObserver } from '@changeover/pipeline';

type Copied = Parameters<PipelineObserver['copied']>[0];
type Followed = { readonly first: Copied; readonly since: number; last: Copied };

/** How far the copies of tables are, for people. Rates are means since this process first heard of the table. */
export class CopyTelemetry {
  readonly #clock: Clock;
  readonly #tables = new Map<string, Followed>();
  #rows = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rows copied by this process. */
  get rows(): number {
    return this.#rows;
  }

  take(copy: Copied): void {
    const known = this.#tables.get(copy.table);
    // Fewer than before: it was begun anew.
    if (known === undefined || copy.rows < known.last.rows)
      this.#tables.set(copy.table, { first: copy, since: this.#clock.monotonic(), last: copy });
    else {
      this.#rows += copy.rows - known.last.rows;
      known.last = copy;
    }
    if (copy.finished) this.#tables.delete(copy.table);
  }

  /** A line for each table that is being copied, by its name, and one for all if there are several. */
  lines(): Readonly<Record<string, string>> {
    const tables = [...this.#tables].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = tables.map(([table, followed]) => [`copying ${table}`, this.#line([followed])] as const);
    if (tables.length > 1) lines.push(['copying in all', this.#line([...this.#tables.values()])]);
    return Object.fromEntries(lines);
  }

  #line(tables: readonly Followed[]): string {
    const now = this.#clock.monotonic();
    const sum = (number: (table: Followed) => number): number => tables.reduce((total, table) => total + number(table), 0);
    const done = sum(({ last }) => last.rows);
    const seconds = Math.max(...tables.map(({ since }) => now - since)) / 1000;
    const rate = seconds > 0 ? sum(({ first, last }) => last.rows - first.rows) / seconds : 0;
    const rates = `${Math.round(rate).toLocaleString('en-US')} rows/s`;
    if (tables.some(({ last }) => last.estimate === null)) return `${done.toLocaleString('en-US')} rows, ${rates}`;
    // What is estimated may be too low: never done before it is, never more than there is.
    const expected = sum(({ last }) => Math.max(last.estimate?.rows ?? 0, last.rows));
    const percent = Math.min(99, Math.floor((100 * done) / Math.max(1, expected)));
    const left = rate > 0 ? `, ${String(Math.ceil((expected - done) / rate))} s left` : '';
    return `${String(percent)} %, ${rates}${left}`;
  }
}
