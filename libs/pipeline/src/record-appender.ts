import type { LogWriter, RecordPart, RecordRef } from '@changeover/events';

/** A part to append, and what to do when the record that it completes is durable. */
export type QueuedPart = { readonly part: RecordPart; readonly onDurable?: (ref: RecordRef) => void };

type Queued = QueuedPart | 'abandon';

/**
 * Group commit: what comes while an append is under way goes out with the next one, so one small record waits for
 * nobody and many share one round trip. One append at a time, in order; bounded by bytes.
 */
export class RecordAppender {
  readonly #writer: LogWriter;
  readonly #maxQueuedBytes: number;
  readonly #onAppended: (endedInsideRecord: boolean) => void;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | null = null;
  /** The first error: the writer is of no use any more, and what is added from then on is forgotten. */
  #failure: { readonly error: unknown } | null = null;
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;

  /** `onAppended` runs after each append, before any `onDurable` of it. */
  constructor(options: {
    readonly writer: LogWriter;
    readonly maxQueuedBytes: number;
    readonly onAppended: (endedInsideRecord: boolean) => void;
  }) {
    this.#writer = options.writer;
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#onAppended = options.onAppended;
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
  }

  /** Rejects with the error of a failed append, as soon as it is known; never resolves. */
  get failed(): Promise<never> {
    return this.#failed;
  }

  /** Queues parts that go out in one append, if they fit one. Never waits: call {@link ready} from time to time. */
  add(parts: readonly QueuedPart[]): void {
    if (this.#failure !== null) return;
    for (const queued of parts) {
      this.#queue.push(queued);
      this.#queuedBytes += bytesOf(queued.part);
    }
    this.#running ??= this.#run();
  }

  /** Forgets the unfinished record behind what was added so far. */
  abandon(): void {
    if (this.#failure !== null) return;
    this.#queue.push('abandon');
    this.#running ??= this.#run();
  }

  /** Resolves at once while there is room, else when there is room again. Rejects with the error of a failed append. */
  async ready(): Promise<void> {
    this.#throwFailure();
    while (this.#queuedBytes > this.#maxQueuedBytes && this.#running !== null) {
      await this.#running;
      this.#throwFailure();
    }
  }

  /** Resolves when everything that was added is durable. */
  async drain(): Promise<void> {
    while (this.#running !== null) await this.#running;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #run(): Promise<void> {
    try {
      // One turn of the event loop: what the same batch adds goes out together.
      await Promise.resolve();
      while (this.#queue.length > 0) await this.#appendQueued();
    } catch (error) {
      this.#failure = { error };
      this.#fail(error);
    } finally {
      this.#running = null;
    }
  }

  async #appendQueued(): Promise<void> {
    const stop = this.#queue.indexOf('abandon');
    if (stop === 0) {
      this.#queue.shift();
      this.#writer.abandon();
      return;
    }
    const taken = (stop === -1 ? this.#queue : this.#queue.slice(0, stop)) as Exclude<Queued, 'abandon'>[];
    this.#queue = stop === -1 ? [] : this.#queue.slice(stop);
    const refs = await this.#writer.append(taken.map((queued) => queued.part));
    this.#onAppended(taken.at(-1)?.part.last === false);
    let record = 0;
    for (const { part, onDurable } of taken) {
      this.#queuedBytes -= bytesOf(part);
      if (!part.last) continue;
      // Counted first: an optional call without a function does not evaluate its argument.
      const ref = refs[record++] as RecordRef;
      onDurable?.(ref);
    }
  }
}

function bytesOf(part: RecordPart): number {
  let bytes = 0;
  for (const piece of part.body) bytes += piece.length;
  return bytes;
}
