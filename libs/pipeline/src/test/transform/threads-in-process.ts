import type { StateStore } from '@changeover/events';
import type { Converters } from '@changeover/mapping';

import { RangeDerivation } from '../../transform/range-derivation.js';
import type { RangeOutcome, RangeSetup, RangeTask, RangeThreads } from '../../transform/range-threads.js';

/** Turns of the event loop until a task is begun, one task after the other: so they are done in another order than they were asked for. */
const TURNS = [3, 0, 1, 6, 0];

/** What other threads do, in this one: behind a copy of everything that goes in or out. */
export class ThreadsInProcess implements RangeThreads {
  readonly count = 3;
  readonly #state: () => StateStore;
  readonly #setup: RangeSetup;
  readonly #converters: Converters;
  readonly #derived: () => void;
  #tasks = 0;

  constructor(state: () => StateStore, setup: RangeSetup, converters: Converters, derived: () => void) {
    this.#state = state;
    this.#setup = structuredClone(setup);
    this.#converters = converters;
    this.#derived = derived;
  }

  async derive(task: RangeTask): Promise<RangeOutcome> {
    const sent = structuredClone(task);
    for (let turns = TURNS[this.#tasks++ % TURNS.length] as number; turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve));
    await using draft = this.#state().draft();
    const derivation = new RangeDerivation(this.#setup, draft, this.#converters);
    this.#derived();
    return structuredClone(derivation.derive(sent));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}
