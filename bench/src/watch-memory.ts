import type { Clock } from '@changeover/core';

import { anonymousBytes } from './process-usage.js';

export type MemoryWatch = AsyncDisposable & {
  /** The most that a process of each name had so far, in bytes. */
  readonly peaks: Readonly<Record<string, number>>;
};

type Processes = Iterable<readonly [name: string, pid: number]>;

export type WatchOptions = {
  /** Process ids by name, as they are now. */
  readonly processes: () => Processes | Promise<Processes>;
  readonly sampleMs: number;
  readonly clock: Clock;
};

/** Samples the anonymous memory of processes, until disposed. */
export function watchMemory({ processes, sampleMs, clock }: WatchOptions): MemoryWatch {
  const peaks: Record<string, number> = {};
  const stop = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const [name, pid] of await processes()) {
        const bytes = await anonymousBytes(pid);
        if (bytes !== undefined) peaks[name] = Math.max(peaks[name] ?? 0, bytes);
      }
      await clock.sleep(sampleMs, stop.signal);
    }
  };
  const watching = watch();
  return {
    peaks,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
}
