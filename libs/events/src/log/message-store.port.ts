/** The name of a stream: `<migration>.changes` or `<migration>.writes`. Matches `^[a-z0-9][a-z0-9._-]{0,200}$`. */
export type StreamName = string;

export type StoredMessage = {
  /** Place in the store: ascends in the order of storage, may have holes. A hint for everybody but the store. */
  readonly offset: number;
  readonly bytes: Buffer;
};

/** What a store takes away by itself: messages older than so many milliseconds, or more bytes than these; null: nothing for that reason. */
export type Retention = { readonly ms: number | null; readonly bytes: number | null };

/**
 * A kept, totally ordered list of opaque messages per stream: what Kafka (one partition) and a database table have
 * in common. It knows nothing of fences, sequences or parts; {@link SequencedLog} builds those on top, once.
 *
 * Contract, checked by `messageStoreContract` for every adapter:
 * - **Order.** All readers see the same messages at the same offsets, in ascending order; what a reader has seen
 *   never moves, and nothing appears before it later.
 * - **Append** stores the messages one behind the other, in order, as a whole or not at all, and resolves with the offset of the
 *   first once they survive a crash of the store (Kafka: acks=all; PostgreSQL: synchronous commit). Offsets of one
 *   append are contiguous. A rejected append may have been stored all the same ("wrote, but the answer was lost"),
 *   and may even land later. Duplicates of a whole append are allowed; a change of order is not.
 * - **Concurrency.** Several processes may append; then their appends interleave whole. One adapter instance
 *   has at most one append per stream under way: a second call meanwhile rejects with INTERNAL.
 * - **Memory.** A reader holds at most `readAheadBytes` of undelivered messages, plus one message.
 *
 * Errors: LOG_UNREACHABLE (try again), LOG_DENIED, LOG_MISSING (the stream does not exist), LOG_TRUNCATED
 * (`from` lies before the first message still kept, or behind the end), LOG_CORRUPT (the store itself says so).
 */
export abstract class MessageStore {
  /** Creates the stream unless it exists. Says which of the two it was. */
  abstract create(stream: StreamName): Promise<'created' | 'exists'>;

  /** The offset of the first message kept, and the one that the next message will get. Equal: empty. */
  abstract bounds(stream: StreamName): Promise<{ readonly start: number; readonly end: number }>;

  /** What of the stream is not kept for ever. */
  abstract retention(stream: StreamName): Promise<Retention>;

  abstract append(stream: StreamName, messages: readonly Buffer[]): Promise<number>;

  /**
   * Messages from offset `from` on, in non-empty batches as they arrive; waits at the end for more, without polling
   * for luck (Kafka: long fetch; PostgreSQL: NOTIFY). Ends when `signal` aborts, or, with `until`, after the last
   * message below that offset was delivered. Each call is a reader of its own.
   */
  abstract read(
    stream: StreamName,
    from: number,
    options: { readonly signal: AbortSignal; readonly until?: number },
  ): AsyncIterable<readonly StoredMessage[]>;

  /** Deletes the stream with all that is in it, if it exists: for one that nobody reads or writes any more. */
  abstract remove(stream: StreamName): Promise<void>;

  /** Releases connections. Reads under way end; an append under way rejects. */
  abstract stop(): Promise<void>;
}
