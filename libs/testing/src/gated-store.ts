import { MessageStore, type Retention, type StoredMessage, type StreamName } from '@changeover/events';

type Held = { readonly land: () => void };

/**
 * A store whose appends can be held on their way and land later, as a paused process's or a slow network's do; and from whose
 * reads a message can be taken away, as a damaged store's.
 */
export class GatedStore extends MessageStore {
  readonly #inner: MessageStore;
  #closed = false;
  #held: Held[] = [];
  #arrival: (() => void) | null = null;
  readonly removed = new Set<number>();
  /** What readers get instead of a message. */
  exchange: (message: StoredMessage) => StoredMessage = (message) => message;

  constructor(inner: MessageStore) {
    super();
    this.#inner = inner;
  }

  /** From now on appends wait at the gate. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when an append waits at the gate. */
  async arrival(): Promise<void> {
    if (this.#held.length > 0) return;
    await new Promise<void>((resolve) => (this.#arrival = resolve));
  }

  /** Lets everything that waits go on, and what comes after it. */
  open(): void {
    this.#closed = false;
    const held = this.#held;
    this.#held = [];
    for (const { land } of held) land();
  }

  create(stream: StreamName): Promise<'created' | 'exists'> {
    return this.#inner.create(stream);
  }

  retention(stream: StreamName): Promise<Retention> {
    return this.#inner.retention(stream);
  }

  remove(stream: StreamName): Promise<void> {
    return this.#inner.remove(stream);
  }

  bounds(stream: StreamName): Promise<{ readonly start: number; readonly end: number }> {
    return this.#inner.bounds(stream);
  }

  async append(stream: StreamName, messages: readonly Buffer[]): Promise<number> {
    if (this.#closed) {
      await new Promise<void>((resolve) => {
        this.#held.push({ land: resolve });
        this.#arrival?.();
      });
    }
    return this.#inner.append(stream, messages);
  }

  async *read(
    stream: StreamName,
    from: number,
    options: { readonly signal: AbortSignal; readonly until?: number },
  ): AsyncIterable<readonly StoredMessage[]> {
    for await (const batch of this.#inner.read(stream, from, options)) {
      const kept = batch.filter((message) => !this.removed.has(message.offset)).map((message) => this.exchange(message));
      if (kept.length > 0) yield kept;
    }
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }
}
