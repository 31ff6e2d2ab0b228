/**
 * Pulls from an async iterable in the background, up to a bound, so that its source works while we do. `next` gives
 * everything that is there: the batch grows with the backlog.
 */
export class ReadAhead<T> implements AsyncDisposable {
  readonly #iterator: AsyncIterator<readonly T[]>;
  readonly #sizeOf: (item: T) => number;
  readonly #maxSize: number;
  #items: T[] = [];
  #size = 0;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #wakeReader: (() => void) | null = null;
  #wakePuller: (() => void) | null = null;
  readonly #pulling: Promise<void>;

  constructor(options: { readonly source: AsyncIterable<readonly T[]>; readonly sizeOf: (item: T) => number; readonly maxSize: number }) {
    this.#iterator = options.source[Symbol.asyncIterator]();
    this.#sizeOf = options.sizeOf;
    this.#maxSize = options.maxSize;
    this.#pulling = this.#pull();
  }

  /** All items that are there, at least one; null at the end. Rejects, after what came before it was given, with the source's error. */
  async next(): Promise<readonly T[] | null> {
    while (this.#items.length === 0) {
      if (this.#failure !== null) throw this.#failure.error;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
    const items = this.#items;
    this.#items = [];
    this.#size = 0;
    this.#wakePuller?.();
    return items;
  }

  /** Lets `next` reject with this, behind what is there already: who waits here must also hear of trouble elsewhere. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wakeReader?.();
  }

  /** Ends the source. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#wakePuller?.();
    await this.#iterator.return?.();
    await this.#pulling;
  }

  async #pull(): Promise<void> {
    try {
      while (!this.#ended) {
        const result = await this.#iterator.next();
        if (result.done === true) break;
        for (const item of result.value) {
          this.#items.push(item);
          this.#size += this.#sizeOf(item);
        }
        this.#wakeReader?.();
        while (this.#size >= this.#maxSize && !this.#ended) await new Promise<void>((resolve) => (this.#wakePuller = resolve));
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#ended = true;
      this.#wakeReader?.();
    }
  }
}
