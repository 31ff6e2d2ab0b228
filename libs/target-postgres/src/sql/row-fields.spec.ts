import { formatRows, lineOf } from '@changeover/events';

import { boolArray, RowFields } from './row-fields.js';

/** What array_recv would make of it. */
function decode(array: Buffer): { readonly type: number; readonly nulls: number; readonly elements: (Buffer | null)[] } {
  expect([array.readInt32BE(0), array.readInt32BE(16)]).toEqual([1, 1]);
  const elements: (Buffer | null)[] = [];
  let at = 20;
  while (at < array.length) {
    const length = array.readInt32BE(at);
    at += 4;
    elements.push(length === -1 ? null : array.subarray(at, at + length));
    at += Math.max(0, length);
  }
  expect(elements).toHaveLength(array.readInt32BE(12));
  return { type: array.readInt32BE(8), nulls: array.readInt32BE(4), elements };
}

const texts = (array: Buffer) => decode(array).elements.map((element) => element?.toString('utf8') ?? null);

describe('the fields of rows as arrays', () => {
  const rows = [
    ['1', 'a\tb\\\n', null],
    ['22', '', undefined],
    ['3', 'ü€😀', '\\N'],
  ] as const;
  const lines = [...rows.map((row) => lineOf(formatRows([row]))), null];
  const fields = new RowFields(lines, 3);

  it('hold the values unescaped, and null for what is null, unchanged or not there', () => {
    expect(texts(fields.textArray(0))).toEqual(['1', '22', '3', null]);
    expect(texts(fields.textArray(1))).toEqual(['a\tb\\\n', '', 'ü€😀', null]);
    expect(texts(fields.textArray(2))).toEqual([null, null, '\\N', null]);
    expect(decode(fields.textArray(0))).toMatchObject({ type: 25, nulls: 1 });
    expect(decode(new RowFields(lines.slice(0, 3), 3).textArray(0)).nulls).toBe(0);
  });

  it('tell what is unchanged', () => {
    expect(fields.unchangedFlags(1)).toBeNull();
    const flags = decode(fields.unchangedFlags(2) ?? Buffer.alloc(0));
    expect([flags.type, flags.elements.map((element) => element?.[0])]).toEqual([16, [0, 1, 0, 0]]);
  });

  it('are flags too', () => {
    expect(decode(boolArray([true, false])).elements.map((element) => element?.[0])).toEqual([1, 0]);
  });
});
