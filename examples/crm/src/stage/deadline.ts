import type { Clock } from '@changeover/core';

/**
 * Aborted after `ms` or with `outer`, whichever comes first; disposing it ends its timer. `AbortSignal.any` over
 * `AbortSignal.timeout` would be shorter, but Node 20 may collect such signals before they fire.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #abort: () => void;

  constructor(ms: number, outer: AbortSignal, clock: Clock) {
    this.#outer = outer;
    this.#abort = () => this.#controller.abort();
    if (outer.aborted) this.#abort();
    outer.addEventListener('abort', this.#abort);
    void clock.sleep(ms, this.signal).then(this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#outer.removeEventListener('abort', this.#abort);
    this.#abort();
  }
}
