import { ChangeoverError, type Clock } from '@changeover/core';
import { HOLD_MS, type LoadHold, type LoadProgress, type RepairOutcome, type RowRepair, type TargetSnapshot } from '@changeover/events';

import type { Connection } from './connection.js';
import { letOn, readProgress, releaseHold, renewHold, type HeldPlace, type Holder } from './load-holds.js';
import { asTargetError } from './sql-state.js';

/** Of the waits for load to come to its place: short, as everybody else waits too. */
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;
const WAIT_GROWS_BY = 1.1;

export type LoadHoldParts = {
  /** The hold's own until it has ended. */
  readonly connection: Connection;
  readonly holder: Holder;
  readonly clock: Clock;
  /** A snapshot that shows just this place; HOLD_LOST if it shows another. */
  readonly openSnapshot: (at: LoadProgress) => Promise<TargetSnapshot>;
  /** In one transaction that proves that load stands at this place, held by this holder; HOLD_LOST if not. */
  readonly repair: (at: LoadProgress, rows: readonly RowRepair[]) => Promise<readonly RepairOutcome[]>;
  /** Closes what was opened for the hold. */
  readonly close: () => Promise<void>;
};

/**
 * A hold that stands in the progress row. It is renewed in the background, and nobody is told where that fails: whether load is where it was held is looked at
 * when it matters, in the snapshot itself.
 */
export class PostgresLoadHold implements LoadHold {
  readonly #parts: LoadHoldParts;
  readonly #since: number;
  readonly #ending = new AbortController();
  readonly #renewed: Promise<void>;
  /** Settled when the question under way is answered. */
  #asked: Promise<unknown> = Promise.resolve();
  #until: number | null = null;
  #progress: LoadProgress | null;

  /** The hold was just taken, at this place. */
  constructor(parts: LoadHoldParts, { progress }: HeldPlace) {
    this.#parts = parts;
    this.#progress = progress;
    this.#since = parts.clock.monotonic();
    this.#renewed = this.#renew();
  }

  get progress(): LoadProgress | null {
    return this.#progress;
  }

  get heldMs(): number {
    return (this.#until ?? this.#parts.clock.monotonic()) - this.#since;
  }

  async advanceTo(seq: number, signal: AbortSignal): Promise<LoadProgress> {
    const { connection, holder, clock } = this.#parts;
    signal.throwIfAborted();
    let place = await this.#ask(() => letOn(connection, holder, seq));
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * WAIT_GROWS_BY, LONGEST_WAIT_MS)) {
      if (place === null) throw holdLost(holder, 'the hold ended, and is not ours any more');
      const { progress } = place;
      this.#progress = progress;
      const reached = progress?.changes.seq ?? 0;
      if (reached > seq) throw holdLost(holder, `load is at record ${String(reached)}, beyond ${String(seq)}`);
      if (progress !== null && reached === seq) return progress;
      await clock.sleep(wait, signal);
      signal.throwIfAborted();
      place = await this.#ask(() => this.#look());
    }
  }

  async snapshot(): Promise<TargetSnapshot> {
    if (this.#progress === null) throw holdLost(this.#parts.holder, 'nothing was ever loaded');
    return this.#parts.openSnapshot(this.#progress);
  }

  async repair(rows: readonly RowRepair[]): Promise<readonly RepairOutcome[]> {
    if (this.#progress === null) throw holdLost(this.#parts.holder, 'nothing was ever loaded');
    return rows.length === 0 ? [] : this.#parts.repair(this.#progress, rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    const { connection, holder, clock, close } = this.#parts;
    await this.#renewed;
    try {
      await this.#ask(() => releaseHold(connection, holder));
    } catch {
      // It ends by itself, as nobody renews it any more.
    }
    this.#until = clock.monotonic();
    await close();
  }

  /** One question at a time is what a connection can be asked. */
  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#asked.then(question);
    this.#asked = answer.catch(() => undefined);
    try {
      return await answer;
    } catch (error) {
      throw asTargetError(error);
    }
  }

  /** Null: the hold is not ours any more. */
  async #look(): Promise<HeldPlace | null> {
    const { connection, holder } = this.#parts;
    const place = await readProgress(connection, holder.migration);
    return place?.holdId === holder.holdId ? place : null;
  }

  async #renew(): Promise<void> {
    const { connection, holder, clock } = this.#parts;
    const { signal } = this.#ending;
    for (;;) {
      await clock.sleep(HOLD_MS / 3, signal);
      if (signal.aborted || connection.lost) return;
      try {
        if (!(await this.#ask(() => renewHold(connection, holder)))) return;
      } catch {
        // Load may be in a long transaction, which has the row: until its end it goes nowhere else. The next try may be through.
      }
    }
  }
}

/** Where there is no progress row there is no load to hold, nor anything to be read. */
export class NothingToHold implements LoadHold {
  readonly progress = null;
  readonly heldMs = 0;
  readonly #migration: string;

  constructor(migration: string) {
    this.#migration = migration;
  }

  advanceTo(): Promise<LoadProgress> {
    return Promise.reject(holdLost({ migration: this.#migration }, 'nothing was ever loaded'));
  }

  snapshot(): Promise<TargetSnapshot> {
    return Promise.reject(holdLost({ migration: this.#migration }, 'nothing was ever loaded'));
  }

  repair(): Promise<readonly RepairOutcome[]> {
    return Promise.reject(holdLost({ migration: this.#migration }, 'nothing was ever loaded'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

export function holdLost({ migration }: Pick<Holder, 'migration'>, why: string): ChangeoverError {
  return new ChangeoverError('HOLD_LOST', `load of migration ${migration} is not held where it should be: ${why}`);
}
