import { HELD_TABLE, type Frame } from '@changeover/events';

import { Writes, type Row } from '../test/writes.js';
import type { Segment } from './net-row.js';
import { netRows, segmentsOf } from './segments.js';

const writes = new Writes();
const a = writes.table('a', ['id', 'x']);
const wider = writes.table('a', ['id', 'x', 'y']);
const b = writes.table('b', ['id', 'x']);
const bag = writes.table('bag', ['x'], { keys: 0, identity: 'none' });
const held = writes.table(
  'changeover.held',
  HELD_TABLE.columns.map(({ name }) => name),
  { keys: 3, identity: 'full' },
);

const place = (frames: readonly Frame[]) => frames.map((frame, at) => ({ seq: at + 1, schema: writes.lookup(frame.schemaSeq), frame }));

/** By table: the number of frames that are left as they came, or of net rows. */
function outcome(segments: readonly Segment[]): string[][] {
  return segments.map(({ truncated, changes }) => [
    ...truncated.map(({ table }) => `empty ${table}`),
    ...changes.map(({ schema, rows, created }) =>
      created === undefined ? `${schema.table}: ${String(rows.length)} rows` : `${schema.table}: ${String(created.length)} frames`,
    ),
  ]);
}

describe('the segments of a batch', () => {
  it.each<[string, readonly Frame[], readonly string[][]]>([
    ['leave what only comes', [a.c(['1', 'x'], ['2', 'x']), b.c(['1', 'y']), a.c(['3', 'x'])], [['a: 2 frames', 'b: 1 rows']]],
    ['also without a key', [bag.c(['x'], ['x'], ['x'])], [['bag: 1 frames']]],
    ['not few rows', [a.c(['1', 'x'], ['2', 'x'])], [['a: 2 rows']]],
    ['not where a row changes', [a.c(['1', 'x'], ['2', 'x'], ['3', 'x']), a.u(['1', 'z'])], [['a: 3 rows']]],
    ['not where one goes, before or after', [a.d(['9']), a.c(['1', 'x'], ['2', 'x'], ['9', 'x']), a.d(['1'])], [['a: 2 rows']]],
    ['not where the form changes', [a.c(['1', 'x'], ['2', 'x'], ['3', 'x']), wider.c(['4', 'x', 'y'])], [['a: 3 rows'], ['a: 1 rows']]],
    ['not beside a truncate', [b.t(), a.c(['1', 'x'], ['2', 'x'], ['3', 'x'])], [['empty b', 'a: 3 rows']]],
    [
      'not the list of held rows',
      [held.c(...['1', '2', '3'].map((key): Row => ['m', 't', key, ...Array<null>(9).fill(null)]))],
      [['held: 3 rows']],
    ],
    ['of nothing are none', [], []],
  ])('%s', (_, frames, expected) => {
    expect(outcome(segmentsOf(place(frames), 3))).toEqual(expected);
  });

  it('come to the same rows, left or netted', () => {
    const placed = place([a.c(['1', 'x'], ['2', 'x']), b.u(['1', 'y']), a.c(['3', 'x'])]);
    const rows = ([segment]: readonly Segment[]) =>
      Object.fromEntries(
        (segment as Segment).changes.map(({ schema, rows: some, created }) => [
          schema.table,
          created === undefined ? some : netRows(created),
        ]),
      );
    expect(rows(segmentsOf(placed, 3))).toEqual(rows(segmentsOf(placed, Infinity)));
    expect(outcome(segmentsOf(placed, 3))).toEqual([['a: 2 frames', 'b: 1 rows']]);
  });
});
