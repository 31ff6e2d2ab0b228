import { Crew, type WorkOptions } from '../../traffic/crew.js';
import { Journal, type JournalSummary } from '../../traffic/journal.js';
import { connectTo } from '../../stage/connect.js';
import { LATER_ACTIVITIES, MOVE_ACTIVITIES } from './activities.js';
import { MOVE_KINDS, type MoveKind } from './kinds.js';
import { KnownCrm } from './known-crm.js';

/** The people who work in the old CRM, as it is filled, from the first second of the move on. */
export class MoveTraffic {
  readonly #journal: Journal<MoveKind>;
  readonly #crew: Crew<MoveKind, KnownCrm>;

  private constructor(journal: Journal<MoveKind>, crew: Crew<MoveKind, KnownCrm>) {
    this.#journal = journal;
    this.#crew = crew;
  }

  static async start(options: WorkOptions): Promise<MoveTraffic> {
    await using client = await connectTo(options.url);
    const known = await KnownCrm.load(client);
    const journal = new Journal(Object.keys(MOVE_KINDS) as MoveKind[]);
    return new MoveTraffic(journal, new Crew({ ...options, known, journal, activities: MOVE_ACTIVITIES }));
  }

  /** True once the users were stopped, or one of them failed. */
  get ended(): boolean {
    return this.#crew.ended;
  }

  /** Rows committed so far. */
  get rows(): number {
    return this.#journal.rows;
  }

  /** Transactions committed so far. */
  get transactions(): number {
    return this.#journal.committed;
  }

  /** The new CRM has got its first rows: from now on they do everything. */
  arrived(): void {
    this.#crew.alsoDo(LATER_ACTIVITIES);
  }

  /** Lets each user finish what he is doing; then nobody writes any more. Rejects if a user met an error that users do not meet. */
  async stop(): Promise<JournalSummary<MoveKind>> {
    await this.#crew.stop();
    return this.#journal.summary();
  }
}
