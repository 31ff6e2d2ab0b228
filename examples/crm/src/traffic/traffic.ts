import { setMaxListeners } from 'node:events';

import { invariant, type Clock } from '@changeover/core';
import pg from 'pg';

import { Random } from '../random.js';
import { USER_ACTIVITIES, type UserActivity } from './activities.js';
import { addCustomer } from './customer-work.js';
import { Journal, type JournalSummary } from './journal.js';
import { KnownRows } from './known-rows.js';
import { texts } from './texts.js';
import { UserSession } from './user-session.js';

export type TrafficOptions = {
  /** The old CRM, with {@link createLegacySchema} applied and no rows. */
  readonly url: string;
  readonly seed: number;
  readonly users: number;
  /** Mean pause of a user between two transactions, in milliseconds. */
  readonly pauseMs: number;
  readonly clock: Clock;
};

/** Every fourth user commits asynchronously. */
const ASYNCHRONOUS_EVERY = 4;

/** At most this many accounts are there before the users start. */
const FIRST_ACCOUNTS = 30;

/**
 * Simulated users of the old CRM. Each has a connection and random choices of its own; first each does everything once,
 * in an order of its own, then at random by weight, until told to stop.
 */
export class Traffic {
  readonly #journal = new Journal();
  readonly #stop = new AbortController();
  readonly #options: TrafficOptions;
  readonly #known = new KnownRows();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(options: TrafficOptions) {
    this.#options = options;
    // Each user's pause listens.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Adds the staff and the first customers, then sends the users to work. */
  static async start(options: TrafficOptions): Promise<Traffic> {
    invariant(options.users > 0, 'traffic needs at least one user');
    const traffic = new Traffic(options);
    await traffic.#addStaff();
    const first = traffic.#session(-1);
    for (let account = 0; account < FIRST_ACCOUNTS; account++) await addCustomer(first);
    await first.close();
    const users = Array.from({ length: options.users }, (_, number) => traffic.#work(number));
    traffic.#running = Promise.allSettled(users).then((results) => {
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    });
    // A user who fails stops the others; the error itself is told by stop().
    traffic.#running.catch(() => {
      traffic.#stop.abort();
    });
    return traffic;
  }

  /** True once the users were stopped, or one of them failed. */
  get ended(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Rows committed so far. */
  get rows(): number {
    return this.#journal.rows;
  }

  summary(): JournalSummary {
    return this.#journal.summary();
  }

  /** Lets each user finish what he is doing; then nobody writes any more. Rejects if a user met an error that users do not meet. */
  async stop(): Promise<JournalSummary> {
    this.#stop.abort();
    await this.#running;
    return this.#journal.summary();
  }

  async #addStaff(): Promise<void> {
    const random = new Random(this.#options.seed);
    const client = new pg.Client({ connectionString: this.#options.url });
    await client.connect();
    try {
      for (let id = 1; id <= this.#options.users; id++) {
        await client.query('INSERT INTO users (id, login, full_name, email, preferences) VALUES ($1, $2, $3, $4, $5)', [
          id,
          `user${String(id)}`,
          `${texts.firstName(random)} ${texts.lastName(random)}`,
          random.oneIn(5) ? null : `user${String(id)}@example.com`,
          texts.json(random),
        ]);
        this.#known.users.add(id);
      }
    } finally {
      await client.end();
    }
  }

  async #work(number: number): Promise<void> {
    const { pauseMs, clock } = this.#options;
    const session = this.#session(number);
    const choice = new Random(this.#options.seed).fork(10_000 + number);
    const rehearsal = choice.shuffled(USER_ACTIVITIES);
    try {
      while (!this.#stop.signal.aborted) {
        const activity = rehearsal.pop() ?? pickByWeight(choice);
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

  #session(number: number): UserSession {
    return new UserSession({
      url: this.#options.url,
      number,
      random: new Random(this.#options.seed).fork(number),
      known: this.#known,
      journal: this.#journal,
      clock: this.#options.clock,
      asynchronousCommit: number % ASYNCHRONOUS_EVERY === ASYNCHRONOUS_EVERY - 1,
    });
  }
}

const TOTAL_WEIGHT = USER_ACTIVITIES.reduce((sum, activity) => sum + activity.weight, 0);

function pickByWeight(random: Random): UserActivity {
  let rest = random.fraction() * TOTAL_WEIGHT;
  for (const activity of USER_ACTIVITIES) {
    rest -= activity.weight;
    if (rest < 0) return activity;
  }
  return USER_ACTIVITIES[0] as UserActivity;
}
