import { gzipSync } from 'node:zlib';

import { ChangeoverError } from '@changeover/core';
import fc from 'fast-check';

import { checksumOf, decodeBatch, splitBatches } from './record-batches.js';

describe('record batches', () => {
  it('gives back the values of batches, plain and compressed, one behind the other', async () => {
    const values = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 30 });
    const batches = fc.array(fc.record({ values, compressed: fc.boolean() }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 0, max: 2 ** 40 }), async (given, begin) => {
        let offset = begin;
        const encoded = given.map((batch) => {
          const bytes = encodeBatch(offset, batch.values, { compressed: batch.compressed });
          offset += batch.values.length;
          return bytes;
        });
        const split = splitBatches(Buffer.concat(encoded));
        const messages = (await Promise.all(split.map(decodeBatch))).flat();
        expect(messages.map((message) => message.offset)).toEqual(Array.from({ length: offset - begin }, (_, i) => begin + i));
        expect(messages.map(({ bytes }) => bytes.toString('hex'))).toEqual(
          given.flatMap((batch) => batch.values.map((value) => Buffer.from(value).toString('hex'))),
        );
        expect(split.at(-1)?.lastOffset).toBe(offset - 1);
      }),
    );
  });

  it('leaves out a batch that the broker cut off', () => {
    const whole = encodeBatch(7, [Buffer.from('a')]);
    const cut = encodeBatch(8, [Buffer.from('b')]);
    for (let length = 0; length < cut.length; length++) {
      expect(splitBatches(Buffer.concat([whole, cut.subarray(0, length)])).map(({ firstOffset }) => firstOffset)).toEqual([7]);
    }
  });

  it('finds each changed byte behind the checksum', async () => {
    const good = encodeBatch(0, [Buffer.from('some value'), Buffer.from('another')], { compressed: true });
    for (let at = 21; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x40;
      await expect(decodeAll(bad)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
      // Behind attributes and number of messages: so who wants to go on knows where.
      if (at >= 27) await expect(decodeAll(bad)).rejects.toMatchObject({ facts: { offset: 0, messages: 2 } });
    }
  });

  it('finds a batch whose checksum is right and whose form is wrong', async () => {
    await expect(decodeAll(encodeBatch(0, [Buffer.from('a')], { count: 2 }))).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await expect(decodeAll(encodeBatch(0, [Buffer.from('a')], { attributes: 1 }))).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });

  it('refuses what is not ours: other codecs, transactions, other formats', () => {
    expect(codeOf(() => splitBatches(encodeBatch(0, [Buffer.from('a')], { attributes: 4 })))).toBe('BAD_SETTINGS');
    expect(codeOf(() => splitBatches(encodeBatch(0, [Buffer.from('a')], { attributes: 0x10 })))).toBe('LOG_CORRUPT');
    const old = encodeBatch(0, [Buffer.from('a')]);
    old[16] = 1;
    expect(codeOf(() => splitBatches(old))).toBe('LOG_CORRUPT');
  });
});

type Form = { readonly compressed?: boolean; readonly count?: number; readonly attributes?: number };

/** A batch as a producer writes it: https://kafka.apache.org/documentation/#recordbatch */
function encodeBatch(firstOffset: number, values: readonly Uint8Array[], form: Form = {}): Buffer {
  const records = Buffer.concat(values.map((value, i) => encodeRecord(i, value)));
  const compressed = form.compressed === true;
  const body = Buffer.concat([Buffer.alloc(40), compressed ? gzipSync(records) : records]);
  body.writeInt16BE(form.attributes ?? (compressed ? 1 : 0), 0);
  body.writeInt32BE(values.length - 1, 2);
  body.writeInt32BE(form.count ?? values.length, 36);
  const head = Buffer.alloc(21);
  head.writeBigInt64BE(BigInt(firstOffset), 0);
  head.writeInt32BE(9 + body.length, 8);
  head.writeInt8(2, 16);
  head.writeUInt32BE(checksumOf(body), 17);
  return Buffer.concat([head, body]);
}

function encodeRecord(offsetDelta: number, value: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from([0]), varint(300), varint(offsetDelta), varint(-1), varint(value.length), value, varint(0)]);
  return Buffer.concat([varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

async function decodeAll(bytes: Buffer): Promise<void> {
  for (const batch of splitBatches(bytes)) await decodeBatch(batch);
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof ChangeoverError ? error.code : 'not ours';
  }
}
