import { ChangeoverError } from '@changeover/core';
import type { StoredMessage, StreamName } from '@changeover/events';
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js';

import type { BrokerLink } from './broker-link.js';
import { fetchResponse } from './fetch-response.js';
import { decodeBatch, splitBatches, type RecordBatch } from './record-batches.js';

export type ReadRequest = {
  readonly from: number;
  readonly until: number;
  readonly signal: AbortSignal;
  /** Bytes of one fetch; two are held at most: one being delivered, the next. A larger batch comes whole. */
  readonly fetchBytes: number;
  readonly requestMs: number;
};

/** How long the broker keeps an empty fetch open, in ms. It answers at once when something arrives. */
const WAIT_MS = 250;
/** Small batches (one per source transaction) are handed over together up to about this many bytes. */
const HAND_OVER_BYTES = 256 * 1024;

/**
 * The reader of one stream. While a fetch is delivered the next one is under way, so at the end of the stream it
 * already waits at the broker when a message arrives.
 *
 * Our topics have no holes: an offset that is not the expected one means that records are gone.
 */
export async function* readPartition(link: BrokerLink, request: ReadRequest): AsyncGenerator<readonly StoredMessage[]> {
  const { until, signal } = request;
  let expected = request.from;
  let asked: Promise<readonly RecordBatch[]> | undefined;
  while (expected < until && !signal.aborted) {
    const batches = await (asked ?? fetchFrom(link, expected, request));
    asked = undefined;
    const begin = expected;
    const last = batches.at(-1);
    expected = Math.max(expected, last === undefined ? 0 : last.lastOffset + 1);
    if (expected < until) {
      asked = fetchFrom(link, expected, request);
      // It is awaited in the next turn, or never: an error nobody waits for must not end the process.
      asked.catch(() => undefined);
    }
    yield* deliver(link.stream, batches, begin, until);
  }
}

function fetchFrom(link: BrokerLink, offset: number, request: ReadRequest): Promise<readonly RecordBatch[]> {
  const { fetchBytes, requestMs, signal } = request;
  return link
    .call({ doing: `reading ${link.stream} from offset ${String(offset)}`, signal }, async ({ broker }) => {
      const { records } = await broker.connectionPool.send({
        request: fetchRequest({
          replicaId: -1,
          isolationLevel: 0,
          maxWaitTime: WAIT_MS,
          minBytes: 1,
          maxBytes: fetchBytes,
          topics: [{ topic: link.stream, partitions: [{ partition: 0, fetchOffset: String(offset), maxBytes: fetchBytes }] }],
        }),
        response: fetchResponse,
        requestTimeout: requestMs,
      });
      return records;
    })
    .then(splitBatches);
}

async function* deliver(
  stream: StreamName,
  batches: readonly RecordBatch[],
  begin: number,
  until: number,
): AsyncGenerator<readonly StoredMessage[]> {
  let expected = begin;
  let ready: StoredMessage[] = [];
  let bytes = 0;
  for (const batch of batches) {
    if (batch.lastOffset < begin) continue;
    if (batch.firstOffset >= until) break;
    for (const message of await decodeBatch(batch)) {
      // The broker gives whole batches: the first one may begin before the place that was asked for.
      if (message.offset < begin) continue;
      if (message.offset >= until) break;
      if (message.offset !== expected) throw gap(stream, expected, message.offset);
      expected += 1;
      ready.push(message);
    }
    bytes += batch.bytes.length;
    if (ready.length > 0 && (batch.compressed || bytes >= HAND_OVER_BYTES)) {
      yield ready;
      ready = [];
      bytes = 0;
    }
  }
  if (ready.length > 0) yield ready;
}

function gap(stream: StreamName, from: number, start: number): ChangeoverError {
  return new ChangeoverError(
    'LOG_TRUNCATED',
    `stream ${stream} goes on at offset ${String(start)}; the next one was to be ${String(from)}`,
    {
      facts: { stream, from, start },
    },
  );
}
