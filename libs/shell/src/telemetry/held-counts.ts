import { asChangeoverError, type Clock, type ErrorCode } from '@changeover/core';
import type { HeldRowList, HeldTotals } from '@changeover/events';

/** From the end of one look to the next: it goes through all of a migration's held rows. */
const LOOK_AGAIN_MS = 10_000;
/** Who asks often takes what is known; the next look may have come to its end when he asks again. */
const PATIENCE_MS = 1_000;
/** What is older is not known any more: a look hangs. */
const STALE_MS = 60_000;

/**
 * How many rows the target lists as held, waiting and refused, at little cost: nobody looks before somebody asks, nor twice within ten seconds, and a target
 * that does not answer holds nobody up.
 */
export class HeldCounts {
  readonly #list: HeldRowList;
  readonly #clock: Clock;
  #known: { readonly totals: HeldTotals; readonly at: number } | null = null;
  #looked = -Infinity;
  #looking: Promise<void> | null = null;
  #lastError: ErrorCode | null = null;

  constructor(list: HeldRowList, clock: Clock) {
    this.#list = list;
    this.#clock = clock;
  }

  /** Why the last look failed; null: it did not. */
  get lastError(): ErrorCode | null {
    return this.#lastError;
  }

  /** As of the last look; null: not known. Waits so long for a look that is due. Never rejects. */
  async now(patienceMs = PATIENCE_MS): Promise<HeldTotals | null> {
    if (this.#looking === null && this.#clock.monotonic() - this.#looked >= LOOK_AGAIN_MS) this.#looking = this.#look();
    const looking = this.#looking;
    if (looking !== null) {
      const done = new AbortController();
      await Promise.race([looking, this.#clock.sleep(patienceMs, done.signal)]);
      done.abort();
    }
    const known = this.#known;
    return known === null || this.#clock.monotonic() - known.at > STALE_MS ? null : known.totals;
  }

  async #look(): Promise<void> {
    try {
      const totals = await this.#list.totals();
      this.#known = { totals, at: this.#clock.monotonic() };
      this.#lastError = null;
    } catch (error) {
      this.#known = null;
      this.#lastError = asChangeoverError(error).code;
    }
    this.#looked = this.#clock.monotonic();
    this.#looking = null;
  }
}
