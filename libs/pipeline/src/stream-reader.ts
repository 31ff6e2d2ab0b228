import { ChangeoverError, type Clock } from '@changeover/core';
import type { EventLog, LogItem, ReadPosition, StreamName } from '@changeover/events';

import { ReadAhead } from './read-ahead.js';

export type StreamReaderOptions = {
  readonly log: EventLog;
  readonly stream: StreamName;
  /** Null: from the beginning; the stream may not be there yet, then its writer is waited for. */
  readonly from: ReadPosition | null;
  /** Bytes read ahead. */
  readonly maxQueuedBytes: number;
  readonly clock: Clock;
};

const WAIT_FOR_WRITER_MS = 250;
/** What an item takes beside its body: the header as an object has more than twice its JSON. */
const ITEM_BYTES = 1536;

/** What a role reads of the stream before it, read ahead until `signal` aborts. */
export function readStreamAhead(options: StreamReaderOptions, signal: AbortSignal): ReadAhead<LogItem> {
  return new ReadAhead<LogItem>({
    source: readOnceMade(options, signal),
    sizeOf: (item) => (item.type === 'entry' ? item.entry.body.length + ITEM_BYTES : 0),
    maxSize: options.maxQueuedBytes,
  });
}

/** A stream of which something was read is missing if it is not there; before that it was not made yet. */
async function* readOnceMade({ log, stream, from, clock }: StreamReaderOptions, signal: AbortSignal): AsyncIterable<readonly LogItem[]> {
  let begun = from !== null;
  while (!signal.aborted) {
    try {
      for await (const items of log.read(stream, from, signal)) {
        begun = true;
        yield items;
      }
      return;
    } catch (error) {
      if (begun || !(error instanceof ChangeoverError) || error.code !== 'LOG_MISSING') throw error;
      await clock.sleep(WAIT_FOR_WRITER_MS, signal);
    }
  }
}
