import type { CopyStatus } from '@changeover/control-postgres';
import type { Clock } from '@changeover/core';
import type { PipelineObserver } from '@changeover/pipeline';

import { RateMeter } from './rate-meter.js';

type Copied = Parameters<PipelineObserver['copied']>[0];
type Followed = { last: Copied; readonly meter: RateMeter };

/** How far the copies of tables are that are not finished. */
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

  /** Tables that are not finished. */
  get left(): number {
    return this.#tables.size;
  }

  take(copy: Copied): void {
    const known = this.#tables.get(copy.table);
    // Fewer than before: it was begun anew.
    if (known === undefined || copy.rows < known.last.rows)
      this.#tables.set(copy.table, { last: copy, meter: new RateMeter(this.#clock, copy.rows) });
    else {
      this.#rows += copy.rows - known.last.rows;
      known.meter.note(copy.rows);
      known.last = copy;
    }
    if (copy.finished) this.#tables.delete(copy.table);
  }

  status(): readonly CopyStatus[] {
    return [...this.#tables].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, followed]) => statusOf(followed));
  }
}

function statusOf({ last: { table, rows, bytes, estimate }, meter }: Followed): CopyStatus {
  const rate = meter.perSecond;
  // What is estimated may be too low.
  const left = estimate === null || rate === 0 ? null : Math.ceil(Math.max(0, estimate.rows - rows) / rate);
  return { table, rows, bytes, estimatedRows: estimate?.rows ?? null, rowsPerSecond: Math.round(rate), secondsLeft: left };
}
