import { ChangeoverError, invariant, SystemClock, type Clock } from '@changeover/core';
import { MessageStore, type Retention, type StoredMessage, type StreamName } from '@changeover/events';

import { BrokerLink, type Leader } from './broker-link.js';
import { createTopic, deleteTopic, readRetention } from './create-topic.js';
import { judge } from './log-error.js';
import { readPartition } from './read-partition.js';
import { withDefaults, type CompleteSettings, type KafkaLogSettings } from './settings.js';
import { StreamAppender } from './stream-appender.js';

/**
 * Streams as Kafka topics of one partition, whose offsets are ours. An append resolves when all in-sync replicas
 * have it (acks=all). No consumer group, nothing committed: positions live with what the readers do.
 *
 * Each append stream and each reader has connections of its own, as an open fetch keeps a connection busy.
 * Append below 6 MiB: above, "as a whole or not at all" does not hold ({@link StreamAppender.append}).
 */
export class KafkaMessageStore extends MessageStore {
  readonly #settings: CompleteSettings;
  readonly #clock: Clock;
  readonly #appenders = new Map<StreamName, StreamAppender>();
  readonly #appending = new Set<StreamName>();
  /** At rest and ready: short reads (of one record, of the tail) come often. */
  readonly #idle = new Map<StreamName, BrokerLink>();
  /** All that may hold connections. */
  readonly #links = new Set<BrokerLink>();
  readonly #endReaders = new Set<() => void>();
  readonly #stopping = new AbortController();

  constructor(settings: KafkaLogSettings, clock: Clock = new SystemClock()) {
    super();
    this.#settings = withDefaults(settings);
    this.#clock = clock;
  }

  async create(stream: StreamName): Promise<'created' | 'exists'> {
    const doing = `looking for topic ${stream}`;
    const link = this.#takeLink(stream);
    try {
      // Asked first, as a running migration need not have the right to create.
      const exists = await link.call({ doing, signal: this.#stopping.signal, doubtMs: 0 }, onePartition(stream)).catch(unlessMissing);
      if (exists) return 'exists';
      const created = await createTopic(this.#settings, stream).catch((error: unknown) => {
        throw judge(error, `creating topic ${stream}`).error;
      });
      await link.call({ doing, signal: this.#stopping.signal, doubtMs: this.#settings.patienceMs }, onePartition(stream));
      return created ? 'created' : 'exists';
    } finally {
      this.#returnLink(link);
    }
  }

  async retention(stream: StreamName): Promise<Retention> {
    try {
      return await readRetention(this.#settings, stream);
    } catch (error) {
      throw judge(error, `reading the settings of topic ${stream}`).error;
    }
  }

  async remove(stream: StreamName): Promise<void> {
    await deleteTopic(this.#settings, stream).catch((error: unknown) => {
      const judged = judge(error, `deleting topic ${stream}`).error;
      if (judged.code !== 'LOG_MISSING') throw judged;
    });
  }

  async bounds(stream: StreamName): Promise<{ readonly start: number; readonly end: number }> {
    const link = this.#takeLink(stream);
    try {
      return await link.call({ doing: `looking at ${stream}`, signal: this.#stopping.signal }, async ({ cluster }) => {
        const offsetAt = async (fromBeginning: boolean): Promise<number> => {
          const [topic] = await cluster.fetchTopicsOffset([{ topic: stream, partitions: [{ partition: 0 }], fromBeginning }]);
          return Number(topic?.partitions[0]?.offset);
        };
        return { start: await offsetAt(true), end: await offsetAt(false) };
      });
    } finally {
      this.#returnLink(link);
    }
  }

  async append(stream: StreamName, messages: readonly Buffer[]): Promise<number> {
    invariant(messages.length > 0, 'an append needs a message');
    invariant(!this.#appending.has(stream), `an append to ${stream} is under way`);
    this.#appending.add(stream);
    try {
      return await this.#appenderOf(stream).append(messages, this.#stopping.signal);
    } finally {
      this.#appending.delete(stream);
    }
  }

  async *read(
    stream: StreamName,
    from: number,
    options: { readonly signal: AbortSignal; readonly until?: number },
  ): AsyncGenerator<readonly StoredMessage[]> {
    const { signal, until = Infinity } = options;
    if (signal.aborted || this.#stopping.signal.aborted) return;
    const link = this.#takeLink(stream);
    const ending = new AbortController();
    const end = (): void => {
      ending.abort();
      link.close();
    };
    signal.addEventListener('abort', end, { once: true });
    this.#endReaders.add(end);
    let complete = false;
    try {
      yield* readPartition(link, {
        from,
        until,
        signal: ending.signal,
        fetchBytes: Math.ceil(this.#settings.readAheadBytes / 2),
        requestMs: this.#settings.requestMs,
      });
      complete = true;
    } catch (error) {
      // Whatever the abort broke is no error of the log.
      if (!ending.signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', end);
      this.#endReaders.delete(end);
      if (complete && !ending.signal.aborted) {
        this.#returnLink(link);
      } else {
        // A fetch may still be under way on it, and would try again.
        end();
        this.#links.delete(link);
      }
    }
  }
  stop(): Promise<void> {
    this.#stopping.abort();
    for (const end of this.#endReaders) end();
    for (const link of this.#links) link.close();
    this.#links.clear();
    this.#idle.clear();
    return Promise.resolve();
  }

  #appenderOf(stream: StreamName): StreamAppender {
    let appender = this.#appenders.get(stream);
    if (appender === undefined) {
      appender = new StreamAppender(this.#takeLink(stream), this.#settings.requestMs);
      this.#appenders.set(stream, appender);
    }
    return appender;
  }

  #takeLink(stream: StreamName): BrokerLink {
    if (this.#stopping.signal.aborted) throw new ChangeoverError('LOG_UNREACHABLE', 'the message store was stopped');
    let link = this.#idle.get(stream);
    this.#idle.delete(stream);
    link ??= new BrokerLink({ settings: this.#settings, clock: this.#clock, stream });
    this.#links.add(link);
    return link;
  }

  #returnLink(link: BrokerLink): void {
    if (this.#stopping.signal.aborted || this.#idle.has(link.stream)) {
      link.close();
      this.#links.delete(link);
    } else {
      this.#idle.set(link.stream, link);
    }
  }
}

/** Our offsets are those of one partition: a topic with more would be read in part. */
function onePartition(stream: StreamName): (leader: Leader) => Promise<boolean> {
  return ({ cluster }) => {
    const partitions = cluster.findTopicPartitionMetadata(stream).length;
    if (partitions !== 1) {
      throw new ChangeoverError('BAD_SETTINGS', `topic ${stream} has ${String(partitions)} partitions: a stream needs exactly one`, {
        facts: { stream, partitions },
      });
    }
    return Promise.resolve(true);
  };
}

function unlessMissing(error: unknown): false {
  if (error instanceof ChangeoverError && error.code === 'LOG_MISSING') return false;
  throw error;
}
