import type { Clock } from '@changeover/core';

import { anonymousBytes } from '../process-usage.js';
import type { Crew } from './crew.js';

const SAMPLE_MS = 1_000;

export type MemoryWatch = AsyncDisposable & {
  /** The most that a process of each role had so far, in bytes. */
  readonly peaks: Readonly<Record<string, number>>;
};

/** Samples the anonymous memory of whoever is in the crew, until disposed. */
export function watchMemory(crew: Crew, clock: Clock): MemoryWatch {
  const peaks: Record<string, number> = {};
  const stop = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const [role, member] of crew.members) {
        const bytes = await anonymousBytes(member.pid);
        if (bytes !== undefined) peaks[role] = Math.max(peaks[role] ?? 0, bytes);
      }
      await clock.sleep(SAMPLE_MS, stop.signal);
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
