import type { ChangeoverError, Clock, CrashPoint } from '@changeover/core';
import type { LoadHold, LoadProgress, TargetReader } from '@changeover/events';

import { notFollowing } from '../followed-changes.js';
import { untilThere, within } from '../one-place.js';

/** How long the one behind may take to the other's place, while both are held. */
const ADVANCE_MS = 5_000;

export type BothOptions = {
  readonly live: TargetReader;
  readonly rebuilt: TargetReader;
  readonly clock: Clock;
  readonly crashPoint: CrashPoint;
  /** How long it may take until both are at one place, or what is done there meets nobody who hinders it. */
  readonly patienceMs: number;
};

/** Two loads of the same stream, held at the same record of `changes`. */
export type BothHeld = { readonly progress: LoadProgress; readonly live: LoadHold; readonly rebuilt: LoadHold };

/**
 * Holds both loads, lets the one behind go on to where the other is, and does something there; then lets both go. What passes by itself is tried again. NOT_FOLLOWING
 * where one of them does not come to the other's place.
 */
export async function whileBothHeld<Result>(
  options: BothOptions,
  signal: AbortSignal,
  work: (both: BothHeld) => Promise<Result>,
): Promise<Result> {
  const began = options.clock.monotonic();
  // What comes out of it may be an error that passes, but never is one.
  const { done } = await untilThere(() => once(options, signal, work), { ...options, began }, signal);
  return done;
}

async function once<Result>(
  { live: liveReader, rebuilt: rebuiltReader, crashPoint }: BothOptions,
  signal: AbortSignal,
  work: (both: BothHeld) => Promise<Result>,
): Promise<{ readonly done: Result } | ChangeoverError> {
  await using live = await liveReader.hold();
  await using rebuilt = await rebuiltReader.hold();
  crashPoint('rebuild.holding');
  if (live.progress === null || rebuilt.progress === null) return notFollowing('nothing was loaded yet');
  const { changes } = live.progress;
  if (changes.logId !== rebuilt.progress.changes.logId) return notFollowing('the rebuilt tables come from another log');
  const seq = Math.max(changes.seq, rebuilt.progress.changes.seq);
  for (const hold of [live, rebuilt])
    if (hold.progress?.changes.seq !== seq && (await within(ADVANCE_MS, signal, (soon) => hold.advanceTo(seq, soon))) === null)
      return notFollowing(hold === live ? 'load is behind' : 'the load of the rebuilt tables is behind');
  return { done: await work({ progress: live.progress, live, rebuilt }) };
}
