import { Clock } from '@changeover/core';

import { saying } from './saying.js';

/** Time goes on when the test says so. */
class ManualClock extends Clock {
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  #now = 0;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push({ until: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms;
    for (const { until, wake } of this.#sleepers) if (until <= this.#now) wake();
    await Promise.resolve();
  }
}

describe('saying what is waited for', () => {
  it('says it once it takes longer than a second, and not before', async () => {
    const clock = new ManualClock();
    const said: string[] = [];
    let answer: (value: string) => void = () => undefined;
    const result = saying('log: waiting for it', { clock, say: (line) => said.push(line) }, () => new Promise<string>((r) => (answer = r)));
    await clock.pass(999);
    expect(said).toEqual([]);
    await clock.pass(1);
    expect(said).toEqual(['log: waiting for it …']);
    answer('there');
    expect(await result).toBe('there');
  });

  it.each(['answers', 'fails'])('says nothing of work that %s at once', async (how) => {
    const clock = new ManualClock();
    const said: string[] = [];
    const work = how === 'fails' ? () => Promise.reject(new RangeError('no')) : () => Promise.resolve('there');
    const result: unknown = await saying('log', { clock, say: (line) => said.push(line) }, work).catch((error: unknown) => error);
    expect(result).toEqual(how === 'fails' ? new RangeError('no') : 'there');
    await clock.pass(5_000);
    expect(said).toEqual([]);
  });
});
