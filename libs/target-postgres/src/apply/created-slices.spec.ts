import { parseRows, type Frame } from '@changeover/events';

import { Writes, type Row } from '../test/writes.js';
import { cut, rowsIn } from './created-slices.js';

const writes = new Writes();
const table = writes.table('t', ['id', 'a']);
const rows = (from: number, count: number): Row[] => Array.from({ length: count }, (_, at) => [String(from + at), 'a\n\t\\']);
const created = (...frames: Frame[]) => ({
  schema: table.schema,
  frames: frames.map((frame, at) => ({ seq: at + 1, schema: table.schema, frame })),
});

describe('new rows cut into pieces', () => {
  it('are all there, in their order, each with the record it came in', () => {
    const pieces = cut(created(table.c(...rows(1, 5)), table.c(), table.c(...rows(6, 1)), table.c(...rows(7, 4))), 3);
    expect(pieces.map(rowsIn)).toEqual([3, 3, 3, 1]);
    expect(
      pieces.map(({ frames }) => frames.map(({ seq, frame }) => [seq, frame.rowCount, ...parseRows(frame.rows).map(([id]) => id)])),
    ).toEqual([
      [[1, 3, '1', '2', '3']],
      [
        [1, 2, '4', '5'],
        [3, 1, '6'],
      ],
      [[4, 3, '7', '8', '9']],
      [[4, 1, '10']],
    ]);
    expect(parseRows(pieces[1]?.frames[0]?.frame.rows as Buffer)[0]).toEqual(rows(4, 1)[0]);
  });

  it.each([-1, 1])('stop where a frame’s number of rows is not that of its lines (%i)', (wrong) => {
    const frame = table.c(...rows(1, 5));
    expect(() => cut(created({ ...frame, rowCount: 5 + wrong }), 3)).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error);
  });
});
