import { asChangeoverError } from '@changeover/core';

import type { Damage } from '../move/sabotage/damage.js';
import { verifyTarget, type TargetVerification } from '../stage/changeover-command.js';
import { duration, whole } from './narrator.js';
import type { Play } from './phases.js';

export type DemoVerification = {
  /** Whether the users were still at work. */
  readonly live: boolean;
  readonly ms: number;
} & TargetVerification;

/** What `changeover verify` says while people go on. Null: it said of itself that it could not, and that is told. */
export async function verifyLive(play: Omit<Play, 'watch'>): Promise<DemoVerification | null> {
  const { traffic, narrator, clock, signal } = play;
  narrator.title('Is it really the same? changeover verify compares every row while they go on.');
  const before = traffic.rows;
  const begun = clock.monotonic();
  const over = new AbortController();
  const telling = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(1_000, AbortSignal.any([signal, over.signal]));
      const seconds = Math.round((clock.monotonic() - begun) / 1_000);
      if (!over.signal.aborted)
        narrator.live(`  ${String(seconds).padStart(3)} s   comparing   (${whole(traffic.rows - before)} rows written meanwhile)`);
    }
  };
  const told = telling();
  try {
    return await verified(play, true);
  } catch (error) {
    signal.throwIfAborted();
    // On a machine that is too slow for so many people it is told to wait until they have stopped.
    narrator.bad(`It could not while they go on (${asChangeoverError(error).message.trim()}); it is asked again when they have stopped.`);
    return null;
  } finally {
    over.abort();
    await told;
    narrator.say();
  }
}

export async function verified(
  { migration, narrator, clock, signal }: Pick<Play, 'migration' | 'narrator' | 'clock' | 'signal'>,
  live: boolean,
): Promise<DemoVerification> {
  const begun = clock.monotonic();
  const found = await verifyTarget({ settingsFile: migration.settingsFile, signal });
  const ms = clock.monotonic() - begun;
  const { equal, seq, rows, heldMs, differences } = found;
  const outcome = equal ? `${whole(rows)} rows, all equal` : `${whole(differences.length)} of ${whole(rows)} rows differ`;
  const line = `changeover verify: ${outcome}, as both CRMs were at record ${whole(seq)}${live ? ', people writing meanwhile' : ''}: ${duration(ms)}; load was held for ${duration(heldMs)}.`;
  if (equal) narrator.good(line);
  else narrator.bad(line);
  return { live, ms, ...found };
}

/** Did it find the damage? It may find more: without a line of the list of held rows, nobody knows which version of that row should stand. */
export function hasFound({ differences }: TargetVerification, damage: Damage): boolean {
  const found = differences.map(said);
  return damage.differences.every((one) => {
    const place = found.indexOf(said(one));
    if (place !== -1) found.splice(place, 1);
    return place !== -1;
  });
}

function said({ table, kind, columns }: Damage['differences'][number] | TargetVerification['differences'][number]): string {
  return [table, kind, ...[...columns].sort()].join('|');
}
