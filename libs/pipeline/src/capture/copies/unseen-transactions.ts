import type { HeldSource } from '@changeover/events';

/**
 * Which transactions stand in the log, or are on their way into it, that a reader of the source may not see yet: never one too few.
 *
 * The source is asked from time to time. Its answer holds what it gave before the question; what capture took from it since the question was put is added,
 * because the answer may be older than that.
 */
export class UnseenTransactions {
  #answered: readonly string[];
  /** Taken since the question was put of which `#answered` is the answer. */
  #since: string[] = [];
  /** Taken since the question was put that is being answered. */
  #later: string[] | null = null;
  #asking: Promise<void> | null = null;

  /** `unseen`: of earlier holds. */
  constructor(unseen: readonly string[]) {
    this.#answered = unseen;
  }

  /** A transaction is on its way into the log. */
  took(txId: string): void {
    this.#since.push(txId);
    this.#later?.push(txId);
  }

  /** Asks the source anew. */
  look(held: HeldSource): Promise<void> {
    return (this.#asking ??= this.#ask(held).finally(() => (this.#asking = null)));
  }

  toJSON(): readonly string[] {
    return [...new Set([...this.#answered, ...this.#since])];
  }

  async #ask(held: HeldSource): Promise<void> {
    const later: string[] = [];
    this.#later = later;
    this.#answered = await held.unseen();
    this.#since = later;
    this.#later = null;
  }
}
