import type { Clock, CrashPoint } from '@changeover/core';
import type { StateStore } from '@changeover/events';

import { encodePlace, type TransformPlace } from './transform-place.js';
import type { WritesOutput } from './writes-output.js';

/** Between two commits: often enough that little is derived again after a crash, seldom enough that one costs nothing. */
const COMMIT_MS = 250;
/** A commit that says nothing but the place can wait longer. */
const PLACE_MS = 5_000;

const soon = (): 'came' => 'came';

export type StateCommitsOptions = {
  readonly state: StateStore;
  readonly output: WritesOutput;
  readonly clock: Clock;
  readonly crashPoint: CrashPoint;
  readonly limits: { readonly maxStateBytes: number };
  readonly place: () => TransformPlace;
};

/**
 * When the state is committed: never before the records that it led to are in the log, and beside the work, which goes on meanwhile.
 */
export class StateCommits {
  readonly #options: StateCommitsOptions;
  #committed: number;
  #running: Promise<void> | null = null;
  /** What runs is no commit, and another may be due beside it. */
  #isForgetting = false;
  #isSettling = false;
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: StateCommitsOptions) {
    this.#options = options;
    this.#committed = options.clock.monotonic();
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
  }

  /** Rejects as soon as a commit has failed; never resolves. */
  get failed(): Promise<never> {
    return this.#failed;
  }

  get isDue(): boolean {
    const { state, clock, limits } = this.#options;
    const pending = state.pendingBytes;
    // While one commit is under way the next one fills up beside it.
    if (this.#running !== null && !this.#isForgetting) return pending >= 2 * limits.maxStateBytes;
    if (pending >= limits.maxStateBytes) return true;
    return clock.monotonic() - this.#committed >= (pending > 0 ? COMMIT_MS : PLACE_MS);
  }

  /** Between records: begins a commit, if it is time for one. Waits while too much is uncommitted. */
  async whenDue(): Promise<void> {
    if (this.isDue) await this.#begin();
  }

  /** Begins a commit where nothing `comes` for as long as there is between two: who looks at the state beside us need not wait for the next record. */
  async whenIdle(comes: Promise<unknown>): Promise<void> {
    const { state, clock } = this.#options;
    if (state.pendingBytes === 0) return;
    const came = new AbortController();
    const first = await Promise.race([comes.then(soon, soon), clock.sleep(COMMIT_MS, came.signal)]);
    came.abort();
    if (first !== 'came') await this.#begin();
  }

  /** Commits now, and waits for it. */
  async commit(): Promise<void> {
    await (
      await this.#begin()
    ).done;
  }

  /** Commits where it is time for one, and waits for it where there is much. */
  async commitIfFull(): Promise<void> {
    if (this.#options.state.pendingBytes >= this.#options.limits.maxStateBytes) await this.commit();
  }

  /** Takes what is uncommitted out of memory where there is much of it; it stays uncommitted. */
  async makeRoom(): Promise<void> {
    const { state, limits } = this.#options;
    if (state.pendingBytes < limits.maxStateBytes) return;
    await (
      await this.#start(() => state.spill())
    ).done;
  }

  /** Forgets what was put since the last commit. */
  async discard(): Promise<void> {
    await (
      await this.#start(() => this.#options.state.discard())
    ).done;
  }

  /** Forgets all that begins so, in steps between which commits have their turn. False: it was told to settle before that. Nothing that is not committed may begin so. */
  async forget(prefixes: readonly Buffer[]): Promise<boolean> {
    for (const prefix of prefixes) {
      for (let more = true; more;) {
        if (this.#isSettling) return false;
        const { done } = await this.#start(async () => {
          more = await this.#options.state.forget(prefix);
        });
        this.#isForgetting = true;
        await done;
        this.#isForgetting = false;
      }
    }
    return true;
  }

  /** Waits for what is under way, whatever becomes of it. */
  async settle(): Promise<void> {
    this.#isSettling = true;
    await this.#running?.catch(() => undefined);
  }

  async #begin(): Promise<{ readonly done: Promise<void> }> {
    const { state, output, clock, crashPoint, place } = this.#options;
    await output.drain();
    const begun = await this.#start(() => {
      this.#committed = clock.monotonic();
      return state.commit(encodePlace(place()));
    });
    crashPoint('transform.in-state-commit');
    return begun;
  }

  /** The state does one thing at a time: begins this one when it does nothing else. */
  async #start(work: () => Promise<void>): Promise<{ readonly done: Promise<void> }> {
    while (this.#running !== null) await this.#running;
    const done = work().finally(() => (this.#running = null));
    this.#running = done;
    done.catch(this.#fail);
    return { done };
  }
}
