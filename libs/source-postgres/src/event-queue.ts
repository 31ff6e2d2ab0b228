import { invariant, type ChangeoverError } from '@changeover/core';
import type { SourceEvent } from '@changeover/events';

/** A batch is closed at this size, so that a reader works in small steps however much was read ahead. */
const BATCH_BYTES = 1024 * 1024;
/** What an event costs beside its rows: small, but a million empty ones are not nothing. */
const EVENT_BYTES = 128;

type Batch = { readonly events: SourceEvent[]; bytes: number };

/**
 * Events between the socket, which pushes, and one reader, who pulls. It never refuses an event; its owner watches
 * {@link full} after pushing and stops reading until `onRoom`.
 */
export class EventQueue {
  readonly #limit: number;
  readonly #onRoom: () => void;
  #batches: Batch[] = [];
  #bytes = 0;
  #most = 0;
  #error: ChangeoverError | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(limitBytes: number, onRoom: () => void) {
    this.#limit = limitBytes;
    this.#onRoom = onRoom;
  }

  get full(): boolean {
    return this.#bytes >= this.#limit;
  }

  /** The most bytes that ever waited here. */
  get mostBytes(): number {
    return this.#most;
  }

  push(event: SourceEvent): void {
    const bytes = EVENT_BYTES + (event.type === 'rows' || event.type === 'chunk' ? event.rows.length : 0);
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes >= BATCH_BYTES) {
      batch = { events: [], bytes: 0 };
      this.#batches.push(batch);
    }
    if (event.type === 'keepalive' && batch.events.at(-1)?.type === 'keepalive') {
      // Only the last one says anything; without this an idle source would fill the queue of a reader that waits.
      batch.events[batch.events.length - 1] = event;
      return;
    }
    batch.events.push(event);
    batch.bytes += bytes;
    this.#bytes += bytes;
    if (this.#bytes > this.#most) this.#most = this.#bytes;
    this.#wakeReader();
  }

  /** Ends the stream at once: what still waits is forgotten, the source sends it again to the next holder. */
  fail(error: ChangeoverError): void {
    this.#error ??= error;
    this.#forget();
  }

  close(): void {
    this.#closed = true;
    this.#forget();
  }

  /** The next batch, or `null` when `signal` aborts or the queue was closed. Rejects with the error that ended the stream. */
  async take(signal: AbortSignal): Promise<readonly SourceEvent[] | null> {
    invariant(this.#wake === undefined, 'two readers of one stream');
    while (!signal.aborted && !this.#closed) {
      if (this.#error !== undefined) throw this.#error;
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        const before = this.#bytes;
        this.#bytes -= batch.bytes;
        if (before >= this.#limit && this.#bytes < this.#limit) this.#onRoom();
        return batch.events;
      }
      await this.#pushed(signal);
    }
    return null;
  }

  #pushed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #forget(): void {
    this.#batches = [];
    this.#bytes = 0;
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#wake?.();
  }
}
