import { ChangeoverError, invariant } from '@changeover/core';
import { MessageStore, type Retention, type StoredMessage, type StreamName } from '@changeover/events';

/**
 * What becomes of an append.
 * `store`: the usual. `hold`: it is stored when the test says so, and answers then. `lose-answer`: stored, but rejects.
 * `refuse`: rejects, and nothing is stored, unless the test lets it land later. `double`: stored twice, answers with the first.
 */
export type AppendFate = 'store' | 'hold' | 'lose-answer' | 'refuse' | 'double';

/** An append that did not go the usual way. */
export type CaughtAppend = {
  readonly stream: StreamName;
  readonly messages: readonly Buffer[];
  /** Stores it now, behind all that is there. A held append then resolves; a refused one lands late, unheard. */
  land(): void;
  /** Lets a held append reject with LOG_UNREACHABLE; it may still land. */
  reject(): void;
};

type MemoryStream = { first: number; readonly messages: StoredMessage[] };

/** What several instances share, as several processes share a broker. Its hooks change what happens to appends. */
export class MemoryStorage {
  /** Asked for each append while it is set. */
  onAppend: ((stream: StreamName, messages: readonly Buffer[]) => AppendFate) | undefined;
  /** Appends that were held or refused, in order. */
  readonly caught: CaughtAppend[] = [];

  readonly #streams = new Map<StreamName, MemoryStream>();
  readonly #waiting = new Set<() => void>();
  readonly #watching = new Set<() => void>();

  create(stream: StreamName): 'created' | 'exists' {
    if (this.#streams.has(stream)) return 'exists';
    this.#streams.set(stream, { first: 0, messages: [] });
    return 'created';
  }

  /** @throws ChangeoverError LOG_MISSING */
  get(stream: StreamName): MemoryStream {
    const found = this.#streams.get(stream);
    if (found === undefined) throw new ChangeoverError('LOG_MISSING', `stream ${stream} does not exist`, { facts: { stream } });
    return found;
  }

  put(stream: StreamName, messages: readonly Buffer[]): number {
    const found = this.get(stream);
    const offset = found.first + found.messages.length;
    for (const [i, bytes] of messages.entries()) found.messages.push({ offset: offset + i, bytes: Buffer.from(bytes) });
    this.#wakeAll(this.#waiting);
    return offset;
  }

  /** Puts an append aside for the test. */
  catch(append: CaughtAppend): void {
    this.caught.push(append);
    this.#wakeAll(this.#watching);
  }

  /** Resolves with the append that was held or refused as number `index`. */
  async whenCaught(index = 0): Promise<CaughtAppend> {
    while (this.caught[index] === undefined) await new Promise<void>((resolve) => this.#watching.add(resolve));
    return this.caught[index];
  }

  drop(stream: StreamName): void {
    this.#streams.delete(stream);
    this.#wakeAll(this.#waiting);
  }

  /** Deletes what lies before `before`. */
  truncate(stream: StreamName, before: number): void {
    const found = this.get(stream);
    found.messages.splice(0, before - found.first);
    found.first = before;
  }

  /** Deletes what lies at and behind `end`, as a store that lost its last writes. */
  loseEnd(stream: StreamName, end: number): void {
    const found = this.get(stream);
    found.messages.splice(end - found.first);
  }

  /** Resolves when something may have changed, or by the returned function. */
  changed(): { readonly promise: Promise<void>; readonly wake: () => void } {
    let wake = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.add(wake);
    return { promise, wake };
  }

  #wakeAll(waiting: Set<() => void>): void {
    const woken = [...waiting];
    waiting.clear();
    for (const wake of woken) wake();
  }
}

/** The {@link MessageStore} of tests that need none: everything in memory, faults on demand ({@link MemoryStorage.onAppend}). */
export class InMemoryMessageStore extends MessageStore {
  readonly storage: MemoryStorage;
  readonly #appending = new Map<StreamName, () => void>();
  readonly #readers = new Set<() => void>();
  #stopped = false;

  constructor(storage: MemoryStorage = new MemoryStorage()) {
    super();
    this.storage = storage;
  }

  override async create(stream: StreamName): Promise<'created' | 'exists'> {
    await this.#turn();
    return this.storage.create(stream);
  }

  override retention(): Promise<Retention> {
    return Promise.resolve({ ms: null, bytes: null });
  }

  override async remove(stream: StreamName): Promise<void> {
    await this.#turn();
    this.storage.drop(stream);
  }

  override async bounds(stream: StreamName): Promise<{ readonly start: number; readonly end: number }> {
    await this.#turn();
    const { first, messages } = this.storage.get(stream);
    return { start: first, end: first + messages.length };
  }

  override async append(stream: StreamName, messages: readonly Buffer[]): Promise<number> {
    invariant(messages.length > 0, 'an append needs a message');
    invariant(!this.#appending.has(stream), `an append to ${stream} is under way`);
    let stop = (): void => undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop = (): void => {
        reject(unreachableStore());
      };
    });
    this.#appending.set(stream, stop);
    try {
      return await Promise.race([this.#append(stream, messages), stopped]);
    } finally {
      this.#appending.delete(stream);
    }
  }

  override async *read(
    stream: StreamName,
    from: number,
    options: { readonly signal: AbortSignal; readonly until?: number },
  ): AsyncGenerator<readonly StoredMessage[]> {
    const { signal, until = Infinity } = options;
    const ended = (): boolean => signal.aborted || this.#stopped;
    let next = from;
    while (!ended() && next < until) {
      const change = this.storage.changed();
      const { first, messages } = this.storage.get(stream);
      if (next < first || next > first + messages.length) {
        throw new ChangeoverError('LOG_TRUNCATED', `stream ${stream} does not hold offset ${String(next)}`, {
          facts: { stream, from: next },
        });
      }
      const batch = messages.slice(next - first, Math.min(until, next + 100) - first);
      next += batch.length;
      if (batch.length > 0) yield batch;
      else await this.#wait(change, signal);
    }
  }

  override async stop(): Promise<void> {
    this.#stopped = true;
    for (const stop of this.#appending.values()) stop();
    for (const wake of this.#readers) wake();
    await Promise.resolve();
  }

  async #append(stream: StreamName, messages: readonly Buffer[]): Promise<number> {
    await this.#turn();
    if (this.#stopped) throw unreachableStore();
    const fate = this.storage.onAppend?.(stream, messages) ?? 'store';
    if (fate === 'hold' || fate === 'refuse') return this.#catch(stream, messages, fate);
    const offset = this.storage.put(stream, messages);
    if (fate === 'double') this.storage.put(stream, messages);
    if (fate === 'lose-answer') throw unreachableStore();
    return offset;
  }

  #catch(stream: StreamName, messages: readonly Buffer[], fate: 'hold' | 'refuse'): Promise<number> {
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        reject(unreachableStore());
      };
      // The caller may use its buffers again once its append has rejected.
      const kept = messages.map((bytes) => Buffer.from(bytes));
      this.storage.catch({
        stream,
        messages: kept,
        land: () => {
          resolve(this.storage.put(stream, kept));
        },
        reject: refuse,
      });
      if (fate === 'refuse') refuse();
    });
  }

  /** As with a real store, nothing happens in the caller's own turn. */
  async #turn(): Promise<void> {
    if (this.#stopped) throw unreachableStore();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async #wait(change: { readonly promise: Promise<void>; readonly wake: () => void }, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', change.wake, { once: true });
    this.#readers.add(change.wake);
    await change.promise;
    this.#readers.delete(change.wake);
    signal.removeEventListener('abort', change.wake);
  }
}

function unreachableStore(): ChangeoverError {
  return new ChangeoverError('LOG_UNREACHABLE', 'the store in memory does not answer');
}
