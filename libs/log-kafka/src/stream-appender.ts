import { ChangeoverError } from '@changeover/core';
import kafkajs from 'kafkajs';

import type { BrokerLink, Leader } from './broker-link.js';

type Producer = { readonly id: string; readonly epoch: number };

const { GZIP, None } = kafkajs.CompressionTypes;
/** Below this, compressing costs more time than it saves on the wire. */
const COMPRESS_ABOVE = 8 * 1024;
/** A send is one record batch, and the topic takes batches of up to 8 MiB ({@link MAX_BATCH_BYTES}). */
const MAX_SEND_BYTES = 6 * 1024 * 1024;
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const SEQUENCES = 2 ** 31;

/**
 * Appends to one stream as an idempotent producer, one send in flight.
 *
 * The broker drops a batch whose (producer, first sequence) it has; so a send that got no answer is repeated under
 * the same numbers, and nothing is lost or doubled. The numbers move on only with an answer. That is what kafkajs's
 * producer gets wrong when sends overlap: it takes numbers back on any error, a waiting send reuses them, and the
 * broker acknowledges a batch that it never stored.
 *
 * When a send is given up (rejected), nobody knows whether its numbers are taken: the producer is forgotten, and the
 * next append begins with a new one. What was given up may still be stored, once.
 */
export class StreamAppender {
  readonly #link: BrokerLink;
  readonly #requestMs: number;
  #producer: Producer | undefined;
  #sequence = 0;

  constructor(link: BrokerLink, requestMs: number) {
    this.#link = link;
    this.#requestMs = requestMs;
  }

  /** Offset of the first message. Above 6 MiB several sends: then a rejected append may have been stored in part. */
  async append(messages: readonly Buffer[], signal: AbortSignal): Promise<number> {
    try {
      let first: number | undefined;
      for (const send of cutIntoSends(messages)) {
        const offset = await this.#send(send, signal);
        first ??= offset;
      }
      return first as number;
    } catch (error) {
      this.#producer = undefined;
      this.#link.close();
      throw error;
    }
  }

  async #send(messages: readonly Buffer[], signal: AbortSignal): Promise<number> {
    const values = messages.map((value) => ({ value }));
    const compression = sizeOf(messages) > COMPRESS_ABOVE ? GZIP : None;
    const offset = await this.#link.call({ doing: `appending to ${this.#link.stream}`, signal }, async ({ broker }) => {
      this.#producer ??= await this.#newProducer(broker);
      const { topics } = await broker.produce({
        topicData: [{ topic: this.#link.stream, partitions: [{ partition: 0, firstSequence: this.#sequence, messages: values }] }],
        producerId: this.#producer.id,
        producerEpoch: this.#producer.epoch,
        acks: -1,
        // The broker gives up waiting for its replicas before we give up waiting for the broker.
        timeout: Math.ceil(this.#requestMs * 0.8),
        compression,
      });
      return Number(topics[0]?.partitions[0]?.baseOffset);
    });
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new ChangeoverError('LOG_UNREACHABLE', `appending to ${this.#link.stream}: the broker gave no offset`);
    }
    this.#sequence = (this.#sequence + messages.length) % SEQUENCES;
    return offset;
  }

  async #newProducer(broker: Leader['broker']): Promise<Producer> {
    const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout: this.#requestMs });
    this.#sequence = 0;
    return { id: producerId, epoch: producerEpoch };
  }
}

function* cutIntoSends(messages: readonly Buffer[]): Generator<readonly Buffer[]> {
  let begin = 0;
  let bytes = 0;
  for (let i = 0; i < messages.length; i++) {
    const size = (messages[i] as Buffer).length;
    if (i > begin && bytes + size > MAX_SEND_BYTES) {
      yield messages.slice(begin, i);
      begin = i;
      bytes = 0;
    }
    bytes += size;
  }
  yield begin === 0 ? messages : messages.slice(begin);
}

function sizeOf(messages: readonly Buffer[]): number {
  return messages.reduce((bytes, message) => bytes + message.length, 0);
}
