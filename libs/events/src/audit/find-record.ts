import { ChangeoverError } from '@changeover/core';

import type { MessageStore, StreamName } from '../log/message-store.port.js';
import type { RecordHeader } from '../record/header.js';
import { decodeMessage, type DecodedMessage } from '../record/message-codec.js';

type Range = { readonly start: number; readonly end: number; readonly signal: AbortSignal };
type Placed = DecodedMessage & { readonly offset: number };

/** So few messages are read one after the other. */
const FEW = 8;
/** Each window that is read is so many times as long as the one before: mostly the first message is enough. */
const GROWTH = 4;

/**
 * An offset, before all of record `seq`, at which a reader can begin: a fence that counted, a message behind it at which a record of its writer begins, or the beginning of the stream. No index says where
 * a sequence lies: each fence names the one before it, so we go back along these from the end, 64 MB apart where much is written. Between two of them what counts is of one writer, and its sequences only grow, so
 * it is found by halves. `known`: of a message that counts, of this record or one behind it; left out: none is known, and what lies behind the last fence is not halved.
 */
export async function findPlaceBefore(
  store: MessageStore,
  stream: StreamName,
  seq: number,
  { start, end, known, signal }: Range & { readonly known?: number | undefined },
): Promise<number> {
  if (start === end || seq <= 1) return start;
  let until = known === undefined ? end : known + 1;
  // The last message may be one that a fenced writer has left, which names its own fence: there may be others between the two.
  let isOfOneWriter = known !== undefined;
  let fenceAt = (await messageAt(store, stream, until - 1, signal))?.header.fenceAt ?? -1;
  while (fenceAt >= start && !signal.aborted) {
    const first = await firstBehind(store, stream, { start: fenceAt, end: until, signal });
    if (first === null || first.fenceAt >= fenceAt) return start;
    const { epoch } = first;
    if (first.seq !== null && first.seq <= seq)
      return isOfOneWriter ? nearer(store, stream, seq, { start: fenceAt, end: until, epoch, signal }) : fenceAt;
    isOfOneWriter = true;
    until = fenceAt;
    fenceAt = first.fenceAt;
  }
  return start;
}

/** Behind the fence at `start`: the last message, of those that halving meets, at which a record before `seq` begins. */
async function nearer(
  store: MessageStore,
  stream: StreamName,
  seq: number,
  { start, end, epoch, signal }: Range & { readonly epoch: number },
): Promise<number> {
  let place = start;
  let [low, high] = [start + 1, end];
  while (high - low > FEW) {
    const middle = Math.floor((low + high) / 2);
    const met = await firstOf(store, stream, epoch, { start: middle, end: high, signal });
    if (met === null || met.header.seq >= seq) {
      high = middle;
      continue;
    }
    if (met.header.part === 1) place = met.offset;
    low = met.offset + 1;
  }
  return place;
}

/** The first message of a record of this writer; what another one has left between them is passed by. */
async function firstOf(
  store: MessageStore,
  stream: StreamName,
  epoch: number,
  range: Range,
): Promise<{ readonly offset: number; readonly header: RecordHeader } | null> {
  for await (const { header, offset } of readable(store, stream, range))
    if (header.kind !== 'fence' && header.epoch === epoch) return { offset, header };
  return null;
}

/** Of the fence at `start`: which it names, its writer's epoch, and that one's first record. Null: no fence can be read there. */
async function firstBehind(
  store: MessageStore,
  stream: StreamName,
  range: Range,
): Promise<{ readonly fenceAt: number; readonly epoch: number; readonly seq: number | null } | null> {
  let fence: { readonly fenceAt: number; readonly epoch: number } | null = null;
  for await (const { header } of readable(store, stream, range)) {
    if (fence === null) {
      if (header.kind !== 'fence') return null;
      fence = { fenceAt: header.fenceAt, epoch: header.epoch };
    } else if (header.kind !== 'fence' && header.epoch === fence.epoch) return { ...fence, seq: header.seq };
  }
  return fence === null ? null : { ...fence, seq: null };
}

async function messageAt(store: MessageStore, stream: StreamName, offset: number, signal: AbortSignal): Promise<DecodedMessage | null> {
  for await (const message of readable(store, stream, { start: offset, end: offset + 1, signal })) return message;
  return null;
}

/** Up to the first that cannot be read: we only look for a place to begin. */
async function* readable(store: MessageStore, stream: StreamName, { start, end, signal }: Range): AsyncGenerator<Placed> {
  try {
    for (let from = start, size = 1; from < end && !signal.aborted; from += size, size *= GROWTH)
      for await (const batch of store.read(stream, from, { signal, until: Math.min(end, from + size) }))
        for (const { bytes, offset } of batch) yield { ...decodeMessage(bytes, offset), offset };
  } catch (error) {
    if (!(error instanceof ChangeoverError) || error.policy === 'retry') throw error;
  }
}
