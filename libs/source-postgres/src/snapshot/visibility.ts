import { ChangeoverError } from '@changeover/core';

const SNAPSHOT = /^(\d+):(\d+):([\d,]*)$/;
const EPOCH = 2 ** 32;

/** The session's snapshot as {@link Visibility.of} reads it. */
export const CURRENT_SNAPSHOT = 'SELECT pg_current_snapshot()::text AS snapshot';

/**
 * Which transactions a snapshot shows (`pg_current_snapshot()`, "xmin:xmax:xip_list",
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT). Nothing else tells: transactions
 * become visible in another order than they are logged, so comparing LSNs loses rows.
 */
export class Visibility {
  readonly #next: number;
  readonly #running: ReadonlySet<number>;

  private constructor(next: number, running: ReadonlySet<number>) {
    this.#next = next;
    this.#running = running;
  }

  static of(text: string): Visibility {
    const [, , next, running] = SNAPSHOT.exec(text) ?? [];
    if (next === undefined || running === undefined)
      throw new ChangeoverError('SOURCE_DATA', 'the source gave something else where a snapshot was expected');
    return new Visibility(Number(next), new Set(running === '' ? [] : running.split(',').map(Number)));
  }

  /** `txId` as the stream has it, with 32 bits: of the snapshot's 64-bit ids the one meant is the nearest. */
  sees(txId: string): boolean {
    const behind = (((this.#next - Number(txId)) % EPOCH) + EPOCH) % EPOCH;
    const id = this.#next - (behind >= EPOCH / 2 ? behind - EPOCH : behind);
    return id < this.#next && !this.#running.has(id);
  }
}
