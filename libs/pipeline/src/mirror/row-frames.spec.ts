import { formatRows, lineOf, parseRows, type Frame, type Line } from '@changeover/events';

import { RowFrames } from './row-frames.js';

const line = (...cells: readonly (string | null)[]): Line => lineOf(formatRows([cells]));

describe('frames out of rows', () => {
  it('are runs of one operation, each row with what it was; what came out the same is not in them', () => {
    const frames: Omit<Frame, 'schemaSeq'>[] = [];
    const out = new RowFrames((frame) => frames.push(frame));
    out.add(null, line('1', 'a'));
    out.add(null, line('2', null));
    out.add(line('1', 'a'), line('1', 'b'));
    out.add(line('2', null), line('2', null));
    out.add(line('2', null), line('3', null));
    out.add(line('3', null), null);
    expect(frames.length).toBe(2);
    out.append('4\tÄ\\t');
    out.append('5\t\\N');
    out.add(null, line('6', null));
    out.end();
    out.end();
    expect(frames.map(({ op, before, rowCount, rows }) => [op, before, rowCount, parseRows(rows)])).toEqual([
      [
        'c',
        'none',
        2,
        [
          ['1', 'a'],
          ['2', null],
        ],
      ],
      [
        'u',
        'full',
        2,
        [
          ['1', 'a'],
          ['1', 'b'],
          ['2', null],
          ['3', null],
        ],
      ],
      ['d', 'full', 1, [['3', null]]],
      [
        'c',
        'none',
        3,
        [
          ['4', 'Ä\t'],
          ['5', null],
          ['6', null],
        ],
      ],
    ]);
  });

  it('are cut where they grow large', () => {
    const sizes: number[] = [];
    const out = new RowFrames(({ rowCount }) => sizes.push(rowCount));
    for (let i = 0; i < 100; i++) out.add(null, line(String(i), 'x'.repeat(2000)));
    out.end();
    expect([sizes.length > 2, sizes.reduce((sum, rows) => sum + rows, 0)]).toEqual([true, 100]);
  });
});
