import { asChangeoverError, ChangeoverError, invariant, type Clock, type IdSource } from '@changeover/core';
import { supervise, type SupervisedLoop } from '@changeover/pipeline';

import type { RoleTelemetry } from '../telemetry/role-telemetry.js';

export type RunningTaskOptions = {
  readonly telemetry: RoleTelemetry;
  readonly clock: Clock;
  readonly ids: IdSource;
};

/** One supervised loop of a process: started once, stopped once, its state told to the telemetry. */
export class RunningTask {
  readonly #options: RunningTaskOptions;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: ChangeoverError) => void = () => undefined;
  /** Called before every run but the first; what it rejects with counts like an error of the loop. */
  beforeRetry: () => Promise<void> = () => Promise.resolve();
  /** Asked when the loop ends as FENCED: whether the role is ours all the same. */
  isOurs: () => Promise<boolean> = () => Promise.resolve(false);
  #fatal: ChangeoverError | undefined;
  #started = false;

  constructor(options: RunningTaskOptions) {
    this.#options = options;
    this.#done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who stops the task may never ask how it ended; that must not end the process.
    this.#done.catch(() => undefined);
  }

  /** Resolves when the loop has ended in order, rejects with the error of policy `stop` that ended it. */
  get done(): Promise<void> {
    return this.#done;
  }

  start(loop: SupervisedLoop): void {
    invariant(!this.#started, 'a task is started once');
    this.#started = true;
    void this.#run(loop);
  }

  /** Aborts the loop and resolves when it has drained, however it ended. */
  async stop(): Promise<void> {
    if (this.#started && !this.#abort.signal.aborted && this.#fatal === undefined) this.#options.telemetry.entered('stopping');
    this.#abort.abort();
    if (!this.#started) this.#resolve();
    await this.#done.catch(() => undefined);
  }

  /** Ends the loop with an error that came from elsewhere, such as a lost lease. */
  fail(error: ChangeoverError): void {
    this.#fatal ??= error;
    this.#abort.abort();
    if (!this.#started) this.#reject(error);
  }

  async #run(loop: SupervisedLoop): Promise<void> {
    const { telemetry, clock, ids } = this.#options;
    let first = true;
    const run = async (signal: AbortSignal, onHealthy: () => void): Promise<void> => {
      if (!first) await this.beforeRetry();
      first = false;
      telemetry.onProgress = onHealthy;
      telemetry.entered('running');
      try {
        await loop.run(signal, onHealthy);
      } catch (cause) {
        throw await this.#judgeFence(asChangeoverError(cause));
      }
    };
    try {
      await supervise(
        { run },
        {
          signal: this.#abort.signal,
          clock,
          ids,
          onRetry: (retry) => {
            telemetry.retrying(retry);
          },
        },
      );
      if (this.#fatal !== undefined) throw this.#fatal;
      telemetry.entered('stopped');
      this.#resolve();
    } catch (cause) {
      // What came from elsewhere is the reason; an error of the loop after that is its echo.
      const error = this.#fatal ?? asChangeoverError(cause);
      this.#fatal = error;
      telemetry.failed(error);
      this.#reject(error);
    }
  }

  /**
   * A process that was replaced while it started or was paused may fence once more before it hears of it. The fence keeps the log right either way;
   * who goes on is the lease's to say, or both would stop.
   */
  async #judgeFence(error: ChangeoverError): Promise<ChangeoverError> {
    if (error.code !== 'FENCED' || !(await this.isOurs())) return error;
    return new ChangeoverError('DISTURBED', error.message, { facts: error.facts, cause: error });
  }
}
