import { ChangeoverError, type Clock } from '@changeover/core';

import type { ControlRun } from './control-database.js';
import { controlError } from './control-error.js';
import type { LeaseClaim } from './lease-keeper.js';
import type { RoleStatus } from './role-status.js';

/** Three renewals fit into the time after which a lease expires. */
const LEASE_RENEW_MS = 2_000;
/** A stop does not wait longer for a database that does not answer; the lease then expires by itself. */
const RELEASE_WITHIN_MS = 2_000;

export type LeaseCallbacks = {
  /** Asked at each renewal; what it gives is shown by `changeover status`. */
  readonly status: () => RoleStatus;
  /** The lease has another owner now (FENCED). Renewing has ended. */
  readonly onLost: (error: ChangeoverError) => void;
  /** A renewal failed; the next is tried as if nothing had happened. */
  readonly onTrouble: (error: ChangeoverError) => void;
};

/** Also puts the row back if it is gone (a control database restored from a backup); another owner's row stays. */
const RENEW = `
  INSERT INTO changeover_control.lease AS lease (migration, role, owner, acquired_at, renewed_at, status)
  VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp(), $4)
  ON CONFLICT (migration, role) DO UPDATE
  SET renewed_at = clock_timestamp(), released_at = NULL, status = excluded.status
  WHERE lease.owner = excluded.owner
  RETURNING owner`;

const RELEASE = `
  UPDATE changeover_control.lease
  SET renewed_at = clock_timestamp(), released_at = clock_timestamp(), status = $4
  WHERE migration = $1 AND role = $2 AND owner = $3`;

/** A lease we have: renews itself. Made by {@link LeaseKeeper.acquire}. */
export class Lease implements AsyncDisposable {
  readonly #run: ControlRun;
  readonly #claim: LeaseClaim;
  readonly #callbacks: LeaseCallbacks;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #lost = false;

  constructor(run: ControlRun, options: { readonly claim: LeaseClaim; readonly callbacks: LeaseCallbacks; readonly clock: Clock }) {
    this.#run = run;
    this.#claim = options.claim;
    this.#callbacks = options.callbacks;
    this.#clock = options.clock;
    this.#renewing = this.#renewForever();
  }

  /** Stops renewing and lets the lease go, so that the next process need not wait for it to expire. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const enough = new AbortController();
    await Promise.race([
      this.#release().finally(() => {
        enough.abort();
      }),
      this.#clock.sleep(RELEASE_WITHIN_MS, enough.signal),
    ]);
  }

  /**
   * Asks whether the lease is still ours, before something is done that would disturb its owner. FENCED if it is not; trouble with
   * the control database is told and counts as yes, because the lease is a courtesy.
   */
  async confirm(): Promise<void> {
    if (!(await this.#renewOr(true))) throw this.#lostError();
  }

  /** Whether the lease is ours for certain: false also where the control database does not answer. */
  isOurs(): Promise<boolean> {
    return this.#renewOr(false);
  }

  async #renewForever(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await this.#clock.sleep(LEASE_RENEW_MS, signal);
      if (signal.aborted) return;
      try {
        if (await this.#renew()) continue;
      } catch (error) {
        this.#callbacks.onTrouble(controlError(error));
        continue;
      }
      this.#lost = true;
      this.#callbacks.onLost(this.#lostError());
      return;
    }
  }

  #lostError(): ChangeoverError {
    const { migration, role } = this.#claim;
    return new ChangeoverError('FENCED', `another process has taken over the ${role} of migration ${migration}`);
  }

  /** Trouble with the control database is told, and `inTrouble` is the answer. */
  #renewOr(inTrouble: boolean): Promise<boolean> {
    return this.#renew().catch((error: unknown) => {
      this.#callbacks.onTrouble(controlError(error));
      return inTrouble;
    });
  }

  async #renew(): Promise<boolean> {
    const rows = await this.#run((manager) => manager.query<unknown[]>(RENEW, this.#parameters()));
    return rows.length > 0;
  }

  async #release(): Promise<void> {
    await this.#renewing;
    if (this.#lost) return;
    try {
      await this.#run((manager) => manager.query(RELEASE, this.#parameters()));
    } catch (error) {
      this.#callbacks.onTrouble(controlError(error));
    }
  }

  #parameters(): unknown[] {
    const { migration, role, owner } = this.#claim;
    return [migration, role, owner, JSON.stringify(this.#callbacks.status())];
  }
}
