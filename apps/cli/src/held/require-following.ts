import { ChangeoverError, type Clock } from '@changeover/core';
import { createCheckpoints, type AllSettings } from '@changeover/shell';

/** TARGET_PARKED where load stays at a checkpoint: whoever waits for what it brings would wait until it is let go. Looks only. */
export async function requireFollowing({ migration, target, limits }: AllSettings, clock: Clock, advice = ''): Promise<void> {
  const where = await createCheckpoints(target, { migration, limits, clock }).whereabouts();
  if (where?.parked == null) return;
  throw new ChangeoverError(
    'TARGET_PARKED',
    `the new database was taken back to checkpoint ${where.parked.at}, and load stays there: nothing was asked for${advice}`,
    { facts: { migration, checkpoint: where.parked.at } },
  );
}
