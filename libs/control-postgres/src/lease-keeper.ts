import { ChangeoverError, type Clock } from '@changeover/core';

import type { ControlRun } from './control-database.js';
import type { Role } from './entities.js';
import { Lease, type LeaseCallbacks } from './lease.js';
import type { RoleStatus } from './role-status.js';

/** A lease that was not renewed for so long can be taken by anybody. */
const LEASE_EXPIRES_MS = 6_000;

export type LeaseClaim = {
  readonly migration: string;
  readonly role: Role;
  /** This process, as a UUID that no other process ever had. */
  readonly owner: string;
  /** Take the lease even from a live owner. Ending its sessions and fencing it is up to the data path. */
  readonly takeOver: boolean;
};

/** One row of `changeover status`: what a role said of itself last, and how long ago. */
export type LeaseView = {
  readonly role: Role;
  readonly owner: string;
  /** `live`: renewed lately; `stopped`: ended in order; `silent`: neither, so it crashed, hangs or cannot reach us. */
  readonly health: 'live' | 'stopped' | 'silent';
  /** Milliseconds since it last renewed, by the database's clock. */
  readonly renewedMsAgo: number;
  readonly acquiredMsAgo: number;
  readonly status: RoleStatus;
};

const FRESH = `released_at IS NULL AND renewed_at > clock_timestamp() - interval '${String(LEASE_EXPIRES_MS)} milliseconds'`;

/**
 * One statement decides who gets it: ON CONFLICT locks the row and looks at its latest version, so of any number of
 * processes that try at once the first takes it and all others see a fresh row. Only the database's clock counts.
 */
const ACQUIRE = `
  INSERT INTO changeover_control.lease AS lease (migration, role, owner, acquired_at, renewed_at, status)
  VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp(), $4)
  ON CONFLICT (migration, role) DO UPDATE
  SET owner = excluded.owner, acquired_at = clock_timestamp(), renewed_at = clock_timestamp(), released_at = NULL, status = excluded.status
  WHERE lease.owner = excluded.owner OR $5 OR NOT (lease.released_at IS NULL
    AND lease.renewed_at > clock_timestamp() - interval '${String(LEASE_EXPIRES_MS)} milliseconds')
  RETURNING owner`;

const VIEW = `
  SELECT role, owner, status,
    CASE WHEN released_at IS NOT NULL THEN 'stopped' WHEN ${FRESH} THEN 'live' ELSE 'silent' END AS health,
    round(extract(epoch FROM clock_timestamp() - renewed_at) * 1000)::float8 AS "renewedMsAgo",
    round(extract(epoch FROM clock_timestamp() - acquired_at) * 1000)::float8 AS "acquiredMsAgo"
  FROM changeover_control.lease
  WHERE migration = $1
  ORDER BY array_position(ARRAY['capture', 'transform', 'load'], role)`;

/** Leases keep a second process from starting by mistake. They are a courtesy: what makes it safe is the log's fence. */
export class LeaseKeeper {
  readonly #run: ControlRun;
  readonly #clock: Clock;

  constructor(run: ControlRun, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  /**
   * Takes the lease and renews it, with the status, until it is disposed (which releases it) or lost.
   * ALREADY_RUNNING while another live owner has it.
   */
  async acquire(claim: LeaseClaim, callbacks: LeaseCallbacks): Promise<Lease> {
    const { migration, role, owner, takeOver } = claim;
    const parameters = [migration, role, owner, JSON.stringify(callbacks.status()), takeOver];
    const taken = await this.#run((manager) => manager.query<unknown[]>(ACQUIRE, parameters));
    if (taken.length === 0) throw await this.#alreadyRunning(claim);
    return new Lease(this.#run, { claim, callbacks, clock: this.#clock });
  }

  /** What every role of the migration said last. A role that never ran has no entry. */
  statuses(migration: string): Promise<readonly LeaseView[]> {
    return this.#run((manager) => manager.query<LeaseView[]>(VIEW, [migration]));
  }

  async #alreadyRunning({ migration, role }: LeaseClaim): Promise<ChangeoverError> {
    const other = (await this.statuses(migration)).find((lease) => lease.role === role);
    const seen = other === undefined ? 'a moment ago' : `${String(other.renewedMsAgo)} ms ago (process ${other.owner})`;
    return new ChangeoverError('ALREADY_RUNNING', `the ${role} of migration ${migration} runs already: it renewed its lease ${seen}`, {
      facts: { migration, role, owner: other?.owner ?? null },
    });
  }
}
