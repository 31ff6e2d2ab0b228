import type { Clock } from '@changeover/core';

const WINDOW_MS = 30_000;
const SAMPLE_MS = 1_000;

type Sample = { readonly at: number; readonly total: number };

/** How fast a count grows that grows in pieces: the mean over the last half minute. */
export class RateMeter {
  readonly #clock: Clock;
  #samples: Sample[];
  #total: number;
  #grew = false;

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.#total = total;
    this.#samples = [{ at: clock.monotonic(), total }];
  }

  note(total: number): void {
    const now: Sample = { at: this.#clock.monotonic(), total };
    const last = this.#samples.at(-1) ?? now;
    // How long it had to wait for its turn says nothing of how fast it is.
    if (total > this.#total && !this.#grew) this.#samples = [now];
    else if (now.at - last.at >= SAMPLE_MS) this.#samples.push(now);
    while (this.#samples.length > 1 && now.at - (this.#samples[0] ?? now).at > WINDOW_MS) this.#samples.shift();
    this.#grew ||= total > this.#total;
    this.#total = total;
  }

  get perSecond(): number {
    const first = this.#samples[0];
    const seconds = first === undefined ? 0 : (this.#clock.monotonic() - first.at) / 1000;
    return first === undefined || seconds <= 0 ? 0 : (this.#total - first.total) / seconds;
  }
}
