import { ChangeoverError } from '@changeover/core';
import type { StoredMessage } from '@changeover/events';
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';

/** How a block's bytes are stored: as they are, or as one raw deflate stream. Numbers are on disk: never reuse one. */
export const CODEC_NONE = 0;
export const CODEC_DEFLATE = 1;

export type EncodedBlock = {
  readonly messageCount: number;
  readonly codec: number;
  readonly data: Buffer;
};

export type StoredBlock = EncodedBlock & { readonly firstOffset: number };

/** Below this there is nothing to be gained. */
const COMPRESS_ABOVE = 2 * 1024;
/** Below this the hop to zlib's thread costs more than the work. */
const THREAD_ABOVE = 16 * 1024;
/** There is one hop for each piece of output of this size. */
const CHUNK_BYTES = 128 * 1024;
const BLOCK_BYTES = 1024 * 1024;
const LENGTH_BYTES = 4;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** The messages of one append as blocks of about 1 MB before compression, or one larger message. */
export async function encodeBlocks(messages: readonly Buffer[]): Promise<readonly EncodedBlock[]> {
  const blocks: EncodedBlock[] = [];
  let begin = 0;
  let bytes = 0;
  for (let i = 0; i < messages.length; i++) {
    const size = LENGTH_BYTES + (messages[i] as Buffer).length;
    if (i > begin && bytes + size > BLOCK_BYTES) {
      blocks.push(await encodeBlock(messages.slice(begin, i), bytes));
      begin = i;
      bytes = 0;
    }
    bytes += size;
  }
  blocks.push(await encodeBlock(begin === 0 ? messages : messages.slice(begin), bytes));
  return blocks;
}

/** Each message behind its length (32 bits, big-endian). */
async function encodeBlock(messages: readonly Buffer[], bytes: number): Promise<EncodedBlock> {
  const raw = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const message of messages) {
    at = raw.writeUInt32BE(message.length, at);
    at += message.copy(raw, at);
  }
  const messageCount = messages.length;
  if (bytes > COMPRESS_ABOVE) {
    const data = await (bytes > THREAD_ABOVE ? deflate(raw, { level: 1 }) : deflateRawSync(raw, { level: 1 }));
    if (data.length < bytes) return { messageCount, codec: CODEC_DEFLATE, data };
  }
  return { messageCount, codec: CODEC_NONE, data: raw };
}

/** A block's messages; they share its memory. LOG_CORRUPT if the bytes are not what was stored. */
export async function decodeBlock(block: StoredBlock): Promise<StoredMessage[]> {
  const raw = await rawBytes(block);
  const messages: StoredMessage[] = [];
  let at = 0;
  for (let i = 0; i < block.messageCount; i++) {
    if (at + LENGTH_BYTES > raw.length) throw corrupt(block, 'ends before its last message');
    const begin = at + LENGTH_BYTES;
    at = begin + raw.readUInt32BE(at);
    if (at > raw.length) throw corrupt(block, 'ends inside a message');
    messages.push({ offset: block.firstOffset + i, bytes: raw.subarray(begin, at) });
  }
  if (at !== raw.length) throw corrupt(block, 'is longer than its messages');
  return messages;
}

async function rawBytes(block: StoredBlock): Promise<Buffer> {
  if (block.codec === CODEC_NONE) return block.data;
  if (block.codec !== CODEC_DEFLATE) throw corrupt(block, `has the unknown codec ${String(block.codec)}`);
  try {
    return block.data.length > THREAD_ABOVE ? await inflate(block.data, { chunkSize: CHUNK_BYTES }) : inflateRawSync(block.data);
  } catch (error) {
    throw corrupt(block, 'cannot be decompressed', error);
  }
}

function corrupt(block: StoredBlock, what: string, cause?: unknown): ChangeoverError {
  return new ChangeoverError('LOG_CORRUPT', `the block at offset ${String(block.firstOffset)} ${what}`, {
    facts: { offset: block.firstOffset, messages: block.messageCount },
    cause,
  });
}
