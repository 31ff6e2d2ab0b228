import type { Clock } from '@changeover/core';

import type { StatusWatch } from '../stage/status-watch.js';
import { duration, whole, type Narrator } from './narrator.js';

const COPYING = /^copying (?!in all$)(.*)$/u;

/** Tells from `changeover status` how the first rows come: table by table, then derived, then loaded. */
export class CopyStory {
  readonly #watch: StatusWatch;
  readonly #narrator: Narrator;
  readonly #clock: Clock;
  /** When we first heard of the copy of a table. */
  readonly #since = new Map<string, number>();
  #wasDeriving = false;

  constructor(watch: StatusWatch, narrator: Narrator, clock: Clock) {
    this.#watch = watch;
    this.#narrator = narrator;
    this.#clock = clock;
  }

  /** What happens now, in one line; what is finished gets a line of its own. */
  now(): string {
    const [capture, transform, load] = (['capture', 'transform', 'load'] as const).map((role) => this.#watch.role(role));
    const details = Object.entries(capture?.details ?? {});
    this.#tellFinished(details.flatMap(([name]) => COPYING.exec(name)?.[1] ?? []));
    const [first] = details.flatMap(([name, value]) => (name.startsWith('copying') ? [`${name}: ${String(value)}`] : []));
    const all = details.find(([name]) => name === 'copying in all');
    if (all !== undefined) return `copying ${[...this.#since.keys()].map(shortName).join(', ')}: ${String(all[1])}`;
    if (first !== undefined) return first;
    const deriving = transform?.details['deriving'];
    if (deriving !== undefined) {
      if (!this.#wasDeriving) this.#narrator.say('  all tables copied; deriving the new rows, parents first');
      this.#wasDeriving = true;
      return `deriving: ${String(deriving)}`;
    }
    if (transform == null || load == null) return 'beginning';
    return `loading: ${whole(load.rowsPerSecond)} rows/s`;
  }

  /** How far the new CRM is behind. */
  behind(): string {
    const load = this.#watch.role('load');
    return load?.lagMs == null ? 'lag unknown' : `${duration(load.lagMs)} behind, ${whole(load.rowsPerSecond)} rows/s`;
  }

  #tellFinished(copying: readonly string[]): void {
    const now = this.#clock.monotonic();
    for (const table of copying) if (!this.#since.has(table)) this.#since.set(table, now);
    for (const [table, since] of this.#since) {
      if (copying.includes(table)) continue;
      this.#since.delete(table);
      this.#narrator.say(`  copied ${shortName(table)} (about ${((now - since) / 1_000).toFixed(0)} s)`);
    }
  }
}

function shortName(table: string): string {
  return table.replace(/^public\./u, '');
}
