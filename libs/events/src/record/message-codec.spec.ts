import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Position } from '@changeover/core';

import { encodeFrameHeader } from '../frame/frame-codec.js';
import { formatRows } from '../frame/copy-text.js';
import type { AnyHeader } from './header.js';
import { decodeMessage, encodeMessage, MESSAGE_VERSION } from './message-codec.js';

/**
 * What version 1 wrote must be read for ever. A sample is never changed: a new form of the message gets a new version, a line in
 * the codec's history and samples of its own.
 */
const samples: Readonly<Record<string, { readonly header: AnyHeader; readonly body: readonly Uint8Array[] }>> = {
  fence: { header: { kind: 'fence', logId: '0b7e2a4c', epoch: 3, writerId: 'w', fenceAt: -1 }, body: [] },
  transaction: {
    header: {
      kind: 'transaction',
      logId: '0b7e2a4c',
      epoch: 3,
      seq: 42,
      part: 1,
      last: true,
      follows: '00000000/0153A4A0' as Position,
      prev: '00112233445566778899aabbccddeeff',
      fenceAt: 17,
      pos: '00000000/0153CEA1' as Position,
      txId: '745',
      ts_ms: 1_790_000_000_123,
      rows: 1,
      schemas: [{ seq: 2, at: 5 }],
      progress: { seq: 40, at: 58 },
    },
    body: [
      encodeFrameHeader({ op: 'u', before: 'key', partial: true, schemaSeq: 2, rowCount: 1 }, 19),
      formatRows([
        ['1', undefined, undefined],
        ['2', 'tab\t', null],
      ]),
    ],
  },
  'snapshot-chunk': {
    header: {
      kind: 'snapshot-chunk',
      logId: '0b7e2a4c',
      epoch: 3,
      seq: 43,
      part: 1,
      last: true,
      follows: '00000000/0153CEA1' as Position,
      prev: '00112233445566778899aabbccddeeff',
      fenceAt: 17,
      pos: '00000000/0153CF18' as Position,
      ts_ms: 1_790_000_000_124,
      rows: 2,
      schemas: [{ seq: 2, at: 5 }],
      progress: { seq: 40, at: 58 },
    },
    body: [
      encodeFrameHeader({ op: 'r', before: 'none', partial: false, schemaSeq: 2, rowCount: 2 }, 19),
      formatRows([
        ['1', 'a', null],
        ['2', 'b\n', 'large'],
      ]),
    ],
  },
};

const path = (name: string): string => join(import.meta.dirname, `../../golden/v${String(MESSAGE_VERSION)}-${name}.hex`);

describe('the message format', () => {
  it.each(Object.entries(samples))('writes and reads the golden sample of a %s', (name, { header, body }) => {
    const golden = Buffer.from(readFileSync(path(name), 'utf8').trim(), 'hex');
    expect(encodeMessage(header, body).bytes.toString('hex')).toBe(golden.toString('hex'));
    const decoded = decodeMessage(golden, 0);
    expect(decoded.header).toEqual(header);
    expect(decoded.body).toEqual(Buffer.concat(body));
  });

  it('notices every changed bit with LOG_CORRUPT', () => {
    const { header, body } = samples['transaction'] as (typeof samples)[string];
    const { bytes } = encodeMessage(header, body);
    for (let index = 0; index < bytes.length; index++) {
      const damaged = Buffer.from(bytes);
      damaged[index] = (damaged[index] as number) ^ 1;
      expect(() => decodeMessage(damaged, 7)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }));
    }
    expect(() => decodeMessage(bytes.subarray(0, bytes.length - 1), 7)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }));
  });
});
