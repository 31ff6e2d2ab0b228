import { setMaxListeners } from 'node:events';

import { invariant, type Clock } from '@changeover/core';

import { Random } from '../random.js';
import type { ChangeKind } from './change-kinds.js';
import type { KnownRows } from './known-rows.js';
import { UserSession, type SessionOptions } from './user-session.js';

/** Something a user does: one transaction, often. */
export type UserActivity<Kind extends string = ChangeKind, Known = KnownRows> = {
  readonly kinds: readonly Kind[];
  /** How often, beside the others. */
  readonly weight: number;
  readonly run: (session: UserSession<Kind, Known>) => Promise<void>;
};

export type WorkOptions = {
  /** The old CRM. */
  readonly url: string;
  readonly seed: number;
  readonly users: number;
  /** Mean pause of a user between two transactions, in milliseconds. */
  readonly pauseMs: number;
  readonly clock: Clock;
};

type CrewOptions<Kind extends string, Known> = WorkOptions &
  Pick<SessionOptions<Kind, Known>, 'known' | 'journal'> & { readonly activities: readonly UserActivity<Kind, Known>[] };

/** Every fourth user commits asynchronously. */
const ASYNCHRONOUS_EVERY = 4;

/**
 * Simulated users of the old CRM. Each has a connection and random choices of its own; first each does everything once,
 * in an order of its own, then at random by weight, until told to stop.
 */
export class Crew<Kind extends string = ChangeKind, Known = KnownRows> {
  readonly #options: CrewOptions<Kind, Known>;
  readonly #stop = new AbortController();
  readonly #activities: UserActivity<Kind, Known>[];
  /** What each user has still to do once. */
  readonly #rehearsals: UserActivity<Kind, Known>[][];
  readonly #running: Promise<void>;

  constructor(options: CrewOptions<Kind, Known>) {
    invariant(options.users > 0, 'a crew needs at least one user');
    this.#options = options;
    // Each user's pause listens.
    setMaxListeners(0, this.#stop.signal);
    this.#activities = [...options.activities];
    this.#rehearsals = Array.from({ length: options.users }, () => []);
    const users = this.#rehearsals.map((rehearsal, number) => this.#work(number, rehearsal));
    this.#running = Promise.allSettled(users).then((results) => {
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    });
    // A user who fails stops the others; the error itself is told by stop().
    this.#running.catch(() => this.#stop.abort());
  }

  /** True once the users were stopped, or one of them failed. */
  get ended(): boolean {
    return this.#stop.signal.aborted;
  }

  /** From now on they do these as well, each of them once before anything else. */
  alsoDo(activities: readonly UserActivity<Kind, Known>[]): void {
    this.#activities.push(...activities);
    for (const rehearsal of this.#rehearsals) rehearsal.push(...activities);
  }

  /** Lets each user finish what he is doing; then nobody writes any more. Rejects if a user met an error that users do not meet. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(number: number, rehearsal: UserActivity<Kind, Known>[]): Promise<void> {
    const { seed, pauseMs, clock, known, journal, url } = this.#options;
    const asynchronousCommit = number % ASYNCHRONOUS_EVERY === ASYNCHRONOUS_EVERY - 1;
    const session = new UserSession({ url, number, random: new Random(seed).fork(number), known, journal, clock, asynchronousCommit });
    const choice = new Random(seed).fork(10_000 + number);
    rehearsal.push(...choice.shuffled(this.#activities));
    try {
      while (!this.#stop.signal.aborted) {
        const activity = rehearsal.pop() ?? this.#pickByWeight(choice);
        await activity.run(session);
        await clock.sleep(choice.fraction() * 2 * pauseMs, this.#stop.signal);
      }
    } catch (error) {
      this.#stop.abort();
      throw error;
    } finally {
      await session.close();
    }
  }

  #pickByWeight(random: Random): UserActivity<Kind, Known> {
    let rest = random.fraction() * this.#activities.reduce((sum, { weight }) => sum + weight, 0);
    for (const activity of this.#activities) {
      rest -= activity.weight;
      if (rest < 0) return activity;
    }
    return this.#activities[0] as UserActivity<Kind, Known>;
  }
}
