import { ChangeoverError, type Clock } from '@changeover/core';
import type { Lease, LeaseClaim, LeaseKeeper, LeaseView } from '@changeover/control-postgres';

/** How often a lease is looked at whose owner may be dead. */
const WATCH_MS = 250;

/**
 * Waits out the lease of a process that died, so that a crashed role can be started again at once, and refuses
 * (ALREADY_RUNNING) at the first sign of life of one that did not: a live owner renews within seconds.
 */
export async function acquireLease(
  leases: LeaseKeeper,
  {
    claim,
    callbacks,
    clock,
    signal,
  }: {
    readonly claim: LeaseClaim;
    readonly callbacks: Parameters<LeaseKeeper['acquire']>[1];
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Lease> {
  let seen: LeaseView | undefined;
  for (;;) {
    try {
      return await leases.acquire(claim, callbacks);
    } catch (error) {
      if (!(error instanceof ChangeoverError) || error.code !== 'ALREADY_RUNNING' || signal.aborted) throw error;
      const view = (await leases.statuses(claim.migration)).find(({ role }) => role === claim.role);
      if (seen !== undefined && view !== undefined && (view.owner !== seen.owner || view.renewedMsAgo < seen.renewedMsAgo)) throw error;
      seen = view;
      await clock.sleep(WATCH_MS, signal);
    }
  }
}
