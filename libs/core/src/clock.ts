/** The only home of wall-clock and monotonic time; everything else takes a Clock. */
export abstract class Clock {
  /** Milliseconds since the Unix epoch. For people and lag, never for order. */
  abstract now(): number;
  /** Milliseconds from an arbitrary start that never go backwards. For durations. */
  abstract monotonic(): number;
  /** Resolves after `ms`, or at once (without error) when `signal` aborts. */
  abstract sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      }
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
