import { Clock } from '@changeover/core';

import { ReadBudget } from './read-budget.js';

/** Time passes while somebody sleeps. */
class SteppedClock extends Clock {
  #ms = 5_000;

  override now(): number {
    return this.#ms;
  }

  override monotonic(): number {
    return this.#ms;
  }

  override sleep(ms: number): Promise<void> {
    this.#ms += ms;
    return Promise.resolve();
  }
}

describe('a read budget', () => {
  const { signal } = new AbortController();

  it.each([1_000, 50_000, 2_000_000])('lets no more than %d bytes a second be read, whatever the size of the pieces', async (rate) => {
    const clock = new SteppedClock();
    const budget = new ReadBudget(clock, rate);
    const began = clock.monotonic();
    let read = 0;
    for (const bytes of [1, 100_000, 20_000, 0, 3_000_000, 7]) {
      await budget.ready(signal);
      const seconds = (clock.monotonic() - began) / 1000;
      expect(read).toBeLessThanOrEqual(rate * seconds + 0.01);
      budget.spend(bytes);
      read += bytes;
    }
    await budget.ready(signal);
    expect((clock.monotonic() - began) / 1000).toBeCloseTo(read / rate, 3);
  });

  it('saves nothing up while nothing is read', async () => {
    const clock = new SteppedClock();
    const budget = new ReadBudget(clock, 1000);
    await clock.sleep(60_000);
    budget.spend(500);
    const before = clock.monotonic();
    await budget.ready(signal);
    expect(clock.monotonic() - before).toBe(500);
  });

  it('does not wait where there is no bound, or for somebody who has gone', async () => {
    const clock = new SteppedClock();
    const unbounded = new ReadBudget(clock, Infinity);
    unbounded.spend(1e12);
    await unbounded.ready(signal);
    const budget = new ReadBudget(clock, 1);
    budget.spend(1e9);
    await budget.ready(AbortSignal.abort());
    expect(clock.monotonic()).toBe(5_000);
  });
});
