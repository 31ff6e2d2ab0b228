import fc from 'fast-check';

import { CODEC_DEFLATE, CODEC_NONE, decodeBlock, encodeBlocks, type EncodedBlock, type StoredBlock } from './block-codec.js';

describe('blocks', () => {
  it('give back their messages', async () => {
    const small = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const large = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 700_000 }))
      .map(([byte, size]) => Buffer.alloc(size, byte));
    const messages = fc.array(fc.oneof({ weight: 6, arbitrary: small }, { weight: 1, arbitrary: large }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(messages, async (given) => {
        let offset = 5;
        const decoded = [];
        for (const block of await encodeBlocks(given)) {
          decoded.push(...(await decodeBlock({ ...block, firstOffset: offset })));
          offset += block.messageCount;
        }
        expect(decoded.map((message) => message.offset)).toEqual(given.map((_, i) => 5 + i));
        expect(decoded.every(({ bytes }, i) => bytes.equals(given[i] as Buffer))).toBe(true);
      }),
    );
  });

  it('are about 1 MB before compression, or one larger message', async () => {
    const sizes = [400_000, 400_000, 400_000, 3_000_000, 10, 10];
    const blocks = await encodeBlocks(sizes.map((size) => Buffer.alloc(size)));
    expect(blocks.map(({ messageCount }) => messageCount)).toEqual([2, 1, 1, 2]);
  });

  it('are compressed where that makes them smaller', async () => {
    const codecs = async (bytes: Buffer): Promise<number[]> => (await encodeBlocks([bytes])).map(({ codec }) => codec);
    expect(await codecs(Buffer.alloc(100))).toEqual([CODEC_NONE]);
    expect(await codecs(Buffer.alloc(10_000))).toEqual([CODEC_DEFLATE]);
    expect(await codecs(globalThis.crypto.getRandomValues(Buffer.alloc(10_000)))).toEqual([CODEC_NONE]);
  });

  it.each([
    ['cut off', (block: EncodedBlock) => ({ ...block, data: block.data.subarray(0, -1) })],
    ['too long', (block: EncodedBlock) => ({ ...block, data: Buffer.concat([block.data, Buffer.alloc(1)]) })],
    ['of an unknown codec', (block: EncodedBlock) => ({ ...block, codec: 9 })],
    ['not compressed, though it says so', (block: EncodedBlock) => ({ ...block, codec: CODEC_DEFLATE })],
    ['of another count', (block: EncodedBlock) => ({ ...block, messageCount: 4 })],
  ])('that are %s are LOG_CORRUPT', async (_, change) => {
    const [block] = await encodeBlocks([Buffer.from('a'), Buffer.from('bc'), Buffer.alloc(0)]);
    const bad: StoredBlock = { ...change(block as EncodedBlock), firstOffset: 0 };
    await expect(decodeBlock(bad)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });
});
