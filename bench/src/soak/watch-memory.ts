import type { Clock } from '@changeover/core';

import { anonymousBytes } from '../process-usage.js';
import type { Crew } from './crew.js';

const SAMPLE_MS = 1_000;

/** Samples the anonymous memory of whoever is in the crew until stopped; gives the peaks by role. */
export function watchMemory(crew: Crew, clock: Clock): { readonly stop: () => Promise<Readonly<Record<string, number>>> } {
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
    stop: async () => {
      stop.abort();
      await watching;
      return peaks;
    },
  };
}
