import { Clock } from '@changeover/core';

/** Time passes when somebody sleeps, and only then; `end` is aborted when it has lasted so long. */
export class PassingClock extends Clock {
  #now: number;
  readonly #end: AbortController;
  readonly #lasts: number;

  constructor(now: number, { lasts, end }: { readonly lasts: number; readonly end: AbortController }) {
    super();
    this.#now = now;
    this.#end = end;
    this.#lasts = now + lasts;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      setImmediate(() => {
        if (signal?.aborted !== true) {
          this.#now += ms;
          if (this.#now >= this.#lasts) this.#end.abort();
        }
        done();
      });
    });
  }
}
