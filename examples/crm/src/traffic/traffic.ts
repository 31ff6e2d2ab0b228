import pg from 'pg';

import { Random } from '../random.js';
import { USER_ACTIVITIES } from './activities.js';
import { CHANGE_KINDS, type ChangeKind } from './change-kinds.js';
import { Crew, type WorkOptions } from './crew.js';
import { addCustomer } from './customer-work.js';
import { Journal, type JournalSummary } from './journal.js';
import { KnownRows } from './known-rows.js';
import { texts } from './texts.js';
import { UserSession } from './user-session.js';

/** `url`: the old CRM, with {@link createLegacySchema} applied and no rows. */
export type TrafficOptions = WorkOptions;

/** At most this many accounts are there before the users start. */
const FIRST_ACCOUNTS = 30;

/** A company that begins with an empty CRM: staff and first customers, then a {@link Crew} that does all that is hard to follow. */
export class Traffic {
  readonly #journal = new Journal(Object.keys(CHANGE_KINDS) as ChangeKind[]);
  readonly #options: TrafficOptions;
  readonly #known = new KnownRows();
  #crew: Crew | undefined;

  private constructor(options: TrafficOptions) {
    this.#options = options;
  }

  /** Adds the staff and the first customers, then sends the users to work. */
  static async start(options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic(options);
    await traffic.#addStaff();
    await traffic.#addCustomers();
    traffic.#crew = new Crew({ ...options, known: traffic.#known, journal: traffic.#journal, activities: USER_ACTIVITIES });
    return traffic;
  }

  /** True once the users were stopped, or one of them failed. */
  get ended(): boolean {
    return this.#crew?.ended === true;
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
    await this.#crew?.stop();
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

  async #addCustomers(): Promise<void> {
    const { url, seed, clock } = this.#options;
    const random = new Random(seed).fork(-1);
    const session = new UserSession({
      url,
      number: -1,
      random,
      known: this.#known,
      journal: this.#journal,
      clock,
      asynchronousCommit: false,
    });
    for (let account = 0; account < FIRST_ACCOUNTS; account++) await addCustomer(session);
    await session.close();
  }
}
