import { ChangeoverError } from '@changeover/core';
import { MessageStore, type Retention, type StoredMessage, type StreamName } from '@changeover/events';

import type { MemoryStorage } from './in-memory-message-store.js';

/** How a step goes: `done`; `unheard`: done, but the answer is lost. */
export type StepFate = 'done' | 'unheard';

type Step = { readonly kind: 'bounds' | 'append'; readonly take: (fate: StepFate) => void };

/**
 * One process's way to a {@link MemoryStorage}: each call whose place in time matters (where the stream ends, an append) waits until
 * a test lets it happen. What lies behind a known end never changes, so reading waits for nobody.
 */
export class SteppedStore extends MessageStore {
  readonly #storage: MemoryStorage;
  #waiting: Step | null = null;
  #notice: (() => void) | null = null;

  constructor(storage: MemoryStorage) {
    super();
    this.#storage = storage;
  }

  /** The call that waits for its turn. */
  get waiting(): 'bounds' | 'append' | null {
    return this.#waiting?.kind ?? null;
  }

  /** Lets the waiting call happen. */
  step(fate: StepFate): void {
    const step = this.#waiting;
    this.#waiting = null;
    step?.take(fate);
  }

  /** Resolves when a call waits. */
  async whenWaiting(): Promise<void> {
    if (this.#waiting === null) await new Promise<void>((resolve) => (this.#notice = resolve));
  }

  override create(stream: StreamName): Promise<'created' | 'exists'> {
    return Promise.resolve(this.#storage.create(stream));
  }

  override retention(): Promise<Retention> {
    return Promise.resolve({ ms: null, bytes: null });
  }

  override remove(stream: StreamName): Promise<void> {
    this.#storage.drop(stream);
    return Promise.resolve();
  }

  override bounds(stream: StreamName): Promise<{ readonly start: number; readonly end: number }> {
    return this.#turn('bounds', () => {
      const { first, messages } = this.#storage.get(stream);
      return { start: first, end: first + messages.length };
    });
  }

  override append(stream: StreamName, messages: readonly Buffer[]): Promise<number> {
    return this.#turn('append', () => this.#storage.put(stream, messages));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
  override async *read(
    stream: StreamName,
    from: number,
    options: { readonly signal: AbortSignal; readonly until?: number },
  ): AsyncIterable<readonly StoredMessage[]> {
    const { first, messages } = this.#storage.get(stream);
    yield messages.slice(from - first, (options.until ?? Infinity) - first);
  }

  override stop(): Promise<void> {
    return Promise.resolve();
  }

  #turn<T>(kind: Step['kind'], happen: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = (fate: StepFate): void => {
        const result = happen();
        if (fate === 'done') resolve(result);
        else reject(new ChangeoverError('LOG_UNREACHABLE', 'the answer was lost'));
      };
      this.#waiting = { kind, take };
      this.#notice?.();
      this.#notice = null;
    });
  }
}
