import { asChangeoverError, type ChangeoverError, type Clock } from '@changeover/core';
import type { Checkpoints } from '@changeover/events';

/** What a checkpoint is called that was given no name; `now` in milliseconds since the epoch. */
export function nameAfter(now: number): string {
  return `at-${new Date(now).toISOString()}`;
}

const NAMED_AFTER_TIME = /^at-\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Deletes those that are called after the time, but for the last ones and the one where the target is parked; gives their names. */
export async function deleteOlder(checkpoints: Checkpoints, keep: number): Promise<readonly string[]> {
  const parkedAt = (await checkpoints.whereabouts())?.parked?.at;
  const names = (await checkpoints.list()).map(({ name }) => name).filter((name) => NAMED_AFTER_TIME.test(name));
  const older = names
    .sort()
    .slice(0, -keep)
    .filter((name) => name !== parkedAt);
  for (const name of older) await checkpoints.delete(name);
  return older;
}

export type CheckpointSchedule = {
  /** From one to the next. */
  readonly everyMs: number;
  /** So many of them stay. */
  readonly keep: number;
};

type ScheduledOptions = CheckpointSchedule & {
  readonly checkpoints: Checkpoints;
  /** Makes one, unless the signal aborts. */
  readonly create: (name: string, signal: AbortSignal) => Promise<unknown>;
  /** One could not be made; it is tried again. */
  readonly onTrouble: (error: ChangeoverError) => void;
  readonly clock: Clock;
};

/** How long it is until another one is tried. */
const AGAIN_MS = 30_000;

/**
 * Makes a checkpoint whenever the last one that is called after the time is old enough, whoever made that, and deletes the oldest. Not while the target is parked or nothing was loaded
 * yet. Until the signal aborts; never rejects.
 */
export async function makeByTime(options: ScheduledOptions, signal: AbortSignal): Promise<void> {
  const { everyMs, clock, onTrouble } = options;
  while (!signal.aborted) {
    const wait = await makeIfDue(options, signal).catch((error: unknown) => {
      if (!signal.aborted) onTrouble(asChangeoverError(error));
      return Math.min(AGAIN_MS, everyMs);
    });
    await clock.sleep(wait, signal);
  }
}

/** Gives how long it is until there is something to do. */
async function makeIfDue(options: ScheduledOptions, signal: AbortSignal): Promise<number> {
  const { everyMs, keep, checkpoints, create, clock } = options;
  const made = (await checkpoints.list()).flatMap((one) => ('damaged' in one || !NAMED_AFTER_TIME.test(one.name) ? [] : [one.made_ms]));
  // Those of the time to come were made before the clock was put back.
  const last = Math.max(0, ...made.filter((ms) => ms <= clock.now()));
  const wait = last + everyMs - clock.now();
  if (wait > 0) return wait;
  const where = await checkpoints.whereabouts();
  if (where === null || where.parked !== null) return Math.min(AGAIN_MS, everyMs);
  await create(nameAfter(clock.now()), signal);
  await deleteOlder(checkpoints, keep);
  return everyMs;
}
