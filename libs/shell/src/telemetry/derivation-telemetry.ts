import type { Clock } from '@changeover/core';
import type { PipelineObserver } from '@changeover/pipeline';

type Derived = Parameters<PipelineObserver['derived']>[0];

/** How far the first derivation is, for people. The rate is a mean since this process took it up. */
export class DerivationTelemetry {
  readonly #clock: Clock;
  #first: { readonly rows: number; readonly at: number } | null = null;
  #last: Derived | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(derived: Derived): void {
    this.#first ??= { rows: derived.rows, at: this.#clock.monotonic() };
    this.#last = derived.finished ? null : derived;
  }

  /** A line while it is under way. */
  lines(): Readonly<Record<string, string>> {
    const [first, last] = [this.#first, this.#last];
    if (first === null || last === null) return {};
    const seconds = (this.#clock.monotonic() - first.at) / 1000;
    const rate = seconds > 0 ? (last.rows - first.rows) / seconds : 0;
    // What is expected may be too low: never done before it is.
    const expected = Math.max(last.expected, last.rows);
    const percent = Math.min(99, Math.floor((100 * last.rows) / Math.max(1, expected)));
    const left = rate > 0 ? `, ${String(Math.ceil((expected - last.rows) / rate))} s left` : '';
    return { deriving: `${String(percent)} % (${last.table}), ${Math.round(rate).toLocaleString('en-US')} rows/s${left}` };
  }
}
