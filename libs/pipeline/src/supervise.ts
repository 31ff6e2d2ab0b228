import { asChangeoverError, type ChangeoverError, type Clock, type IdSource } from '@changeover/core';

/** Long-running work. Resolves after `signal` aborted and what was begun is finished, or when there is nothing left to do. */
export type SupervisedLoop = {
  /** Calls `onHealthy` whenever it has proven that all it depends on answers, so that the next error begins with a short delay again. */
  run(signal: AbortSignal, onHealthy: () => void): Promise<void>;
};

/** One failed run that will be tried again. */
export type Retry = {
  readonly error: ChangeoverError;
  /** Failed runs since it was last healthy, this one included. */
  readonly attempt: number;
  /** Milliseconds until the next run. */
  readonly delayMs: number;
  /** Milliseconds since the first of these failures. */
  readonly troubledMs: number;
  /** How loudly to say so: the longer it waits, the louder. */
  readonly loudness: 'info' | 'warn' | 'error';
};

export type SuperviseOptions = {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly ids: IdSource;
  readonly onRetry: (retry: Retry) => void;
};

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
/** A run that lasted so long was healthy, whether it said so or not. Longer than any of our connection time-outs. */
const HEALTHY_AFTER_MS = 60_000;
const WARN_AFTER_MS = 5_000;
const ERROR_AFTER_MS = 60_000;

/**
 * The one place that decides whether work is tried again: an error of policy `retry` runs the loop anew after a delay that
 * doubles from 250 ms to 10 s, half of it random, so that processes do not come back in step; an error of policy `stop`
 * rejects with it. Resolves when the loop resolves. Once `signal` has aborted nothing is tried again: an error of policy
 * `retry` then counts as an end in order, because what it interrupted is taken up at the next start.
 */
export async function supervise(loop: SupervisedLoop, { signal, clock, ids, onRetry }: SuperviseOptions): Promise<void> {
  let attempt = 0;
  let troubledSince = 0;
  const isAborted = (): boolean => signal.aborted;
  const onHealthy = (): void => {
    attempt = 0;
  };
  while (!isAborted()) {
    const startedAt = clock.monotonic();
    try {
      await loop.run(signal, onHealthy);
      return;
    } catch (cause) {
      const error = asChangeoverError(cause);
      if (error.policy === 'stop') throw error;
      if (isAborted()) return;
      const now = clock.monotonic();
      if (now - startedAt >= HEALTHY_AFTER_MS) attempt = 0;
      if (attempt === 0) troubledSince = now;
      attempt++;
      const delayMs = delayBefore(attempt, ids);
      const troubledMs = now - troubledSince;
      onRetry({ error, attempt, delayMs, troubledMs, loudness: loudnessAfter(troubledMs) });
      await clock.sleep(delayMs, signal);
    }
  }
}

/** Between half the exponential delay and all of it. */
function delayBefore(attempt: number, ids: IdSource): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  // The first 32 bits of a version 4 UUID are random.
  const random = Number.parseInt(ids.uuid().slice(0, 8), 16) / 2 ** 32;
  return Math.round(full * (0.5 + random / 2));
}

function loudnessAfter(troubledMs: number): Retry['loudness'] {
  if (troubledMs >= ERROR_AFTER_MS) return 'error';
  return troubledMs >= WARN_AFTER_MS ? 'warn' : 'info';
}
