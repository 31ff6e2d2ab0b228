import { ChangeoverError } from '@changeover/core';
import fc from 'fast-check';

import { formatRows } from './copy-text.js';
import { encodeFrameHeader, FrameReader } from './frame-codec.js';
import { FRAME_HEADER_BYTES, type Frame } from './frame.js';

const frame: fc.Arbitrary<Frame> = fc
  .record({
    op: fc.constantFrom('c', 'u', 'd', 'r', 't'),
    before: fc.constantFrom('none', 'key', 'full'),
    partial: fc.boolean(),
    schemaSeq: fc.nat(2 ** 40),
    rows: fc.array(fc.array(fc.option(fc.string()), { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  })
  .map(({ rows, ...rest }) => ({
    ...rest,
    rowCount: rows.length,
    rows: formatRows(rows.map((row) => row.map((text) => text?.toWellFormed() ?? null))),
  }));

function encode(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.flatMap((one) => [encodeFrameHeader(one, one.rows.length), one.rows]));
}

/** Cuts bytes at the given places, as the parts of a record are. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

describe('frames', () => {
  it('come out as they went in, wherever the parts were cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 8 }), (frames, places) => {
        const reader = new FrameReader();
        const found = cut(encode(frames), places).flatMap((part) => reader.push(part));
        reader.end();
        expect(found).toEqual(frames);
      }),
    );
  });

  it('stop with LOG_CORRUPT where a record ends inside a frame, or begins with what nobody wrote', () => {
    const bytes = encode([{ op: 'c', before: 'none', partial: false, schemaSeq: 1, rowCount: 1, rows: formatRows([['a']]) }]);
    const reader = new FrameReader();
    reader.push(bytes.subarray(0, bytes.length - 1));
    expect(() => reader.end()).toThrow(ChangeoverError);
    expect(() => new FrameReader().push(Buffer.alloc(FRAME_HEADER_BYTES))).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }));
  });
});
