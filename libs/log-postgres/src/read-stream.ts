import { ChangeoverError } from '@changeover/core';
import type { StoredMessage, StreamName } from '@changeover/events';

import { CODEC_NONE, decodeBlock, type StoredBlock } from './block-codec.js';
import { streamMissing } from './log-error.js';
import { channelOf, LOCATE, PAGE } from './schema.js';
import type { Session } from './session.js';

export type ReadRequest = {
  readonly stream: StreamName;
  readonly from: number;
  readonly until: number;
  /** Aborts with the caller's signal and with the store's end. */
  readonly signal: AbortSignal;
  /** Stored bytes that one query may bring; two of them are held at most: one being delivered, the next. */
  readonly pageBytes: number;
  readonly pollMs: number;
};

type Located = {
  readonly id: string;
  readonly stream_end: string;
  readonly stream_start: string | null;
  readonly block_start: string | null;
};
type PageRow = {
  readonly stream_end: string;
  readonly first_offset: string | null;
  readonly message_count: number;
  readonly codec: number;
  readonly data: Buffer;
};
type Page = { readonly end: number; readonly blocks: readonly StoredBlock[] };

/** Small blocks (one per source transaction) are handed over together up to about this many bytes. */
const BATCH_BYTES = 256 * 1024;

/**
 * The reader of one stream: a page is asked for while the one before is being delivered; at the end it waits for
 * NOTIFY. It listens before it looks, so nothing can fall between looking and waiting.
 */
export async function* readStream(session: Session, request: ReadRequest): AsyncGenerator<readonly StoredMessage[]> {
  const { stream, from, until, signal, pollMs } = request;
  const located = await locate(session, stream, from);
  if (located.end < until) await session.listen(channelOf(located.id));

  let expected = located.blockStart;
  let asked: Promise<Page> | undefined;
  while (expected < until && !signal.aborted) {
    const page = await (asked ?? fetchPage(session, located.id, expected, request));
    asked = undefined;
    const begin = expected;
    expected = page.blocks.reduce((sum, { messageCount }) => sum + messageCount, expected);
    if (expected < page.end && expected < until) {
      asked = fetchPage(session, located.id, expected, request);
      // It is awaited in the next turn, or never: an error nobody waits for must not end the process.
      asked.catch(() => undefined);
    }
    yield* deliver(page.blocks, Math.max(from, begin), until);
    if (asked === undefined && expected < until) await session.waitForNotify(pollMs, signal);
  }
}

async function locate(session: Session, stream: StreamName, from: number): Promise<{ id: string; end: number; blockStart: number }> {
  const [row] = await session.query<Located>({ name: 'locate', text: LOCATE, values: [stream, from] });
  if (row === undefined) throw streamMissing(stream);
  const end = Number(row.stream_end);
  const start = row.stream_start === null ? end : Number(row.stream_start);
  if (from < start || from > end) throw truncated(stream, { from, start, end });
  return { id: row.id, end, blockStart: row.block_start === null ? from : Number(row.block_start) };
}

async function fetchPage(session: Session, id: string, from: number, request: ReadRequest): Promise<Page> {
  const rows = await session.query<PageRow>({
    name: 'page',
    text: PAGE,
    values: [id, from, request.pageBytes, Math.min(request.until, Number.MAX_SAFE_INTEGER)],
  });
  const [first] = rows;
  if (first === undefined) throw streamMissing(request.stream);
  const blocks: StoredBlock[] = [];
  for (const row of rows) {
    if (row.first_offset === null) break;
    blocks.push({ firstOffset: Number(row.first_offset), messageCount: row.message_count, codec: row.codec, data: row.data });
  }
  return { end: Number(first.stream_end), blocks: upToHole(blocks, from, { stream: request.stream, end: Number(first.stream_end) }) };
}

/**
 * Blocks follow each other without a hole, or some were deleted. What lies before the hole is delivered first: the next page begins with it, and
 * ends the reader.
 */
function upToHole(
  blocks: readonly StoredBlock[],
  begin: number,
  { stream, end }: { readonly stream: StreamName; readonly end: number },
): readonly StoredBlock[] {
  let expected = begin;
  for (const [index, block] of blocks.entries()) {
    if (block.firstOffset === expected) expected += block.messageCount;
    else if (index > 0) return blocks.slice(0, index);
    else throw truncated(stream, { from: begin, start: block.firstOffset, end });
  }
  if (blocks.length === 0 && end !== begin) throw truncated(stream, { from: begin, start: end, end });
  return blocks;
}

async function* deliver(blocks: readonly StoredBlock[], from: number, until: number): AsyncGenerator<readonly StoredMessage[]> {
  let batch: StoredMessage[] = [];
  let bytes = 0;
  for (const block of blocks) {
    if (block.firstOffset >= until) break;
    let messages: readonly StoredMessage[];
    try {
      messages = await decodeBlock(block);
    } catch (error) {
      if (batch.length > 0) yield batch;
      throw error;
    }
    for (const message of messages) {
      if (message.offset >= from && message.offset < until) batch.push(message);
    }
    bytes += block.data.length;
    if (block.codec !== CODEC_NONE || bytes >= BATCH_BYTES) {
      if (batch.length > 0) yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

function truncated(stream: StreamName, facts: { readonly from: number; readonly start: number; readonly end: number }): ChangeoverError {
  const { from, start, end } = facts;
  return new ChangeoverError(
    'LOG_TRUNCATED',
    `stream ${stream} keeps the messages from ${String(start)} to before ${String(end)}; the one to go on with is ${String(from)}`,
    { facts: { stream, from, start, end } },
  );
}
