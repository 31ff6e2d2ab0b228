import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';

import { ChangeoverError } from '@changeover/core';
import type { StoredMessage } from '@changeover/events';
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';

/** One record batch (format 2) as it lies in a fetch response, still compressed. */
export type RecordBatch = {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly compressed: boolean;
  /** From the attributes on: what the checksum covers. */
  readonly bytes: Buffer;
  readonly crc: number;
};

/*
 * firstOffset int64 | length int32 | leaderEpoch int32 | magic int8 | crc uint32 | attributes int16 |
 * lastOffsetDelta int32 | firstTimestamp int64 | maxTimestamp int64 | producerId int64 | producerEpoch int16 |
 * firstSequence int32 | count int32 | records
 * https://kafka.apache.org/documentation/#recordbatch
 */
const LENGTH_AT = 8;
const BEHIND_LENGTH = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const COUNT_IN_BODY = 36;
const RECORDS_IN_BODY = 40;
const HEADER_BYTES = ATTRIBUTES_AT + RECORDS_IN_BODY;

const CODEC_MASK = 0x07;
const CODEC_NONE = 0;
const CODEC_GZIP = 1;
const TRANSACTION_MASK = 0x30;

/** Up to this many bytes inflating here is quicker than the hop to zlib's thread. */
const INFLATE_HERE = 16 * 1024;
const inflate = promisify(gunzip);

/** The whole batches of a response; the broker may cut the last one off where its limit was. */
export function splitBatches(records: Buffer): readonly RecordBatch[] {
  const batches: RecordBatch[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= records.length) {
    const end = at + BEHIND_LENGTH + records.readInt32BE(at + LENGTH_AT);
    if (end > records.length) break;
    const firstOffset = Number(records.readBigInt64BE(at));
    const magic = records.readInt8(at + MAGIC_AT);
    if (magic !== 2) throw corrupt(firstOffset, `has message format ${String(magic)}, which we do not write`);
    const attributes = records.readInt16BE(at + ATTRIBUTES_AT);
    if ((attributes & TRANSACTION_MASK) !== 0) throw corrupt(firstOffset, 'belongs to a Kafka transaction, which we do not use');
    const codec = attributes & CODEC_MASK;
    if (codec !== CODEC_NONE && codec !== CODEC_GZIP) {
      throw new ChangeoverError(
        'BAD_SETTINGS',
        `the broker compresses with codec ${String(codec)}: set compression.type=producer on the topic`,
        {
          facts: { offset: firstOffset, codec },
        },
      );
    }
    batches.push({
      firstOffset,
      lastOffset: firstOffset + records.readInt32BE(at + ATTRIBUTES_AT + 2),
      compressed: codec === CODEC_GZIP,
      bytes: records.subarray(at + ATTRIBUTES_AT, end),
      crc: records.readUInt32BE(at + CRC_AT),
    });
    at = end;
  }
  return batches;
}

/** A batch's messages; they share its memory. LOG_CORRUPT if its checksum or its form is wrong. */
export async function decodeBatch(batch: RecordBatch): Promise<StoredMessage[]> {
  const { firstOffset, lastOffset } = batch;
  const messages = lastOffset - firstOffset + 1;
  if (checksumOf(batch.bytes) !== batch.crc) throw corrupt(firstOffset, 'does not match its checksum', { messages });
  const body = batch.bytes.subarray(RECORDS_IN_BODY);
  try {
    const records = batch.compressed ? await unpack(body) : body;
    return decodeRecords(records, firstOffset, batch.bytes.readInt32BE(COUNT_IN_BODY));
  } catch (cause) {
    throw cause instanceof ChangeoverError ? cause : corrupt(firstOffset, 'cannot be decoded', { messages, cause });
  }
}

/** CRC-32C of a batch from its attributes on. */
export function checksumOf(bytes: Buffer): number {
  return crc32C(bytes);
}

function unpack(bytes: Buffer): Buffer | Promise<Buffer> {
  return bytes.length <= INFLATE_HERE ? gunzipSync(bytes) : inflate(bytes);
}

/** length varint | attributes int8 | timestampDelta varlong | offsetDelta varint | key | value | headers */
function decodeRecords(records: Buffer, firstOffset: number, count: number): StoredMessage[] {
  const messages: StoredMessage[] = [];
  const reader = new VarintReader(records);
  for (let i = 0; i < count; i++) {
    const length = reader.next();
    const end = reader.at + length;
    if (length <= 0 || end > records.length) throw corrupt(firstOffset, 'ends inside a record');
    reader.skip(1);
    reader.skipVarint();
    const offset = firstOffset + reader.next();
    // A key is none of ours; its length is -1.
    reader.skip(Math.max(0, reader.next()));
    const valueLength = Math.max(0, reader.next());
    if (reader.at + valueLength > end) throw corrupt(offset, 'has a value that is longer than its record');
    messages.push({ offset, bytes: records.subarray(reader.at, reader.at + valueLength) });
    reader.at = end;
  }
  return messages;
}

/** Zigzag-encoded variable-length integers of up to 32 bits. Past the end it reads zeros: the caller checks lengths. */
class VarintReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): number {
    let value = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = this.#bytes[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80 && shift < 35);
    return (value >>> 1) ^ -(value & 1);
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  skipVarint(): void {
    while ((this.#bytes[this.at++] ?? 0) >= 0x80);
  }
}

/** `messages`: how many the batch says that it has, though of damaged bytes: enough to go on behind it, not to be trusted. */
function corrupt(
  offset: number,
  what: string,
  { messages, cause }: { readonly messages?: number; readonly cause?: unknown } = {},
): ChangeoverError {
  const facts = { offset, ...(messages !== undefined && { messages }) };
  return new ChangeoverError('LOG_CORRUPT', `the batch at offset ${String(offset)} ${what}`, { facts, cause });
}
