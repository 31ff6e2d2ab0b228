import type { Clock } from '@changeover/core';

/**
 * Bounds what is read of the source. What was read is paid for by waiting, so that over any time no more is read than the rate allows and one piece of
 * each that reads at once.
 */
export class ReadBudget {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When everything that was read is paid for. */
  #free = -Infinity;

  /** Infinity: no bound. */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  spend(bytes: number): void {
    this.#free = Math.max(this.#free, this.#clock.monotonic()) + (bytes * 1000) / this.#bytesPerSecond;
  }

  /** Resolves when more may be read, or at once when `signal` aborts. */
  async ready(signal: AbortSignal): Promise<void> {
    for (let wait = this.#wait(); wait > 0 && !signal.aborted; wait = this.#wait()) await this.#clock.sleep(wait, signal);
  }

  #wait(): number {
    return this.#free - this.#clock.monotonic();
  }
}
