import { asChangeoverError, type Clock } from '@changeover/core';
import type { TargetWriter } from '@changeover/events';

const LOOK_AGAIN_MS = 100;

/**
 * Resolves when the target holds the barrier, with null if `signal` aborts first. A target that cannot be reached at first
 * is an error; one that goes away meanwhile is waited for.
 */
export async function waitForBarrier(
  target: TargetWriter,
  token: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): ReturnType<TargetWriter['findBarrier']> {
  let reached = await target.findBarrier(token);
  while (reached === null && !signal.aborted) {
    await clock.sleep(LOOK_AGAIN_MS, signal);
    reached = await target.findBarrier(token).catch(waitIfAway);
  }
  return reached;
}

function waitIfAway(cause: unknown): null {
  const error = asChangeoverError(cause);
  if (error.code === 'TARGET_UNREACHABLE') return null;
  throw error;
}
