import { ChangeoverError } from '@changeover/core';

import type { MessageStore, StreamName } from '../log/message-store.port.js';
import { decodeMessage, type DecodedMessage } from '../record/message-codec.js';

type Range = { readonly start: number; readonly end: number; readonly signal: AbortSignal };

/** Fences are 64 MB apart where much is written, so what lies within 2 GB of the end is found without reading all before it. */
const MOST_FENCES = 32;

/**
 * An offset, not behind record `seq`, at which a reader can begin: a fence that counted, or the beginning of the stream. No index says where a
 * sequence lies: each fence names the one before it, so we go back along these from the end, and give up where it is far.
 */
export async function findPlaceBefore(store: MessageStore, stream: StreamName, seq: number, range: Range): Promise<number> {
  const { start, end } = range;
  if (start === end) return start;
  let until = end;
  let fenceAt = (await messageAt(store, stream, end - 1, range.signal))?.header.fenceAt ?? -1;
  for (let fences = 0; fences < MOST_FENCES && fenceAt > start; fences++) {
    const first = await firstBehind(store, stream, { ...range, start: fenceAt, end: until });
    if (first === null) return start;
    if (first.seq !== null && first.seq <= seq) return fenceAt;
    until = fenceAt;
    fenceAt = first.fenceAt;
  }
  return start;
}

/** Of the fence at `start`: which it names, and the first record of its writer. Null: no fence can be read there. */
async function firstBehind(
  store: MessageStore,
  stream: StreamName,
  { start, end, signal }: Range,
): Promise<{ readonly fenceAt: number; readonly seq: number | null } | null> {
  let fence: { readonly fenceAt: number; readonly epoch: number } | null = null;
  for await (const { header } of readable(store, stream, { start, end, signal })) {
    if (fence === null) {
      if (header.kind !== 'fence') return null;
      fence = header;
    } else if (header.kind !== 'fence' && header.epoch === fence.epoch) return { fenceAt: fence.fenceAt, seq: header.seq };
  }
  return fence === null ? null : { fenceAt: fence.fenceAt, seq: null };
}

async function messageAt(store: MessageStore, stream: StreamName, offset: number, signal: AbortSignal): Promise<DecodedMessage | null> {
  for await (const message of readable(store, stream, { start: offset, end: offset + 1, signal })) return message;
  return null;
}

/** Up to the first that cannot be read: we only look for a place to begin. */
async function* readable(store: MessageStore, stream: StreamName, { start, end, signal }: Range): AsyncGenerator<DecodedMessage> {
  try {
    for await (const batch of store.read(stream, start, { signal, until: end })) {
      for (const { bytes, offset } of batch) yield decodeMessage(bytes, offset);
    }
  } catch (error) {
    if (!(error instanceof ChangeoverError) || error.policy === 'retry') throw error;
  }
}
