import { ChangeoverError } from '@changeover/core';
import type { Verified } from '@changeover/events';

/** Where both ends were compared. */
export type VerifiedPlace = Pick<Verified, 'changes' | 'writes' | 'generation'>;

/** A verification that another one builds upon: of rows that nothing has touched since, what it found out still holds. */
export type Base = VerifiedPlace & Pick<Verified, 'kind' | 'ended_ms'>;

/** `now`: as it is at the target, and of `changes`. FULL_VERIFICATION_NEEDED where what lies between the two is not on record. */
export function requireSameTarget(base: VerifiedPlace, now: { readonly generation: string; readonly logId: string }): void {
  if (base.generation !== now.generation)
    throw fullNeeded('the target was taken to another place, or its tables were exchanged, since the last one');
  if (base.changes.logId !== now.logId) throw fullNeeded('the last one was of another log');
}

/** Reads on from a base: what the streams do not hold any more cannot be looked through. */
export async function sinceBase<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ChangeoverError && error.code === 'LOG_TRUNCATED')
      throw fullNeeded('the log does not hold the records since the last one any more', error);
    throw error;
  }
}

export function fullNeeded(why: string, cause?: unknown): ChangeoverError {
  return new ChangeoverError('FULL_VERIFICATION_NEEDED', `there is no verification to build upon: ${why}`, { cause });
}
