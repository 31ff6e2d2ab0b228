import type { Position } from '@changeover/core';

import type { LogEntry, ReadPosition } from '../log/event-log.port.js';
import { OriginCheck, RecordMarks } from './origins.js';

function entry(seq: number, from?: ReadPosition): LogEntry {
  const header = {
    kind: 'transaction',
    logId: 'a',
    epoch: 1,
    seq,
    part: 1,
    last: true,
    follows: '' as Position,
    prev: '',
    fenceAt: 0,
  } as const;
  return { header: { ...header, ...(from && { from }) }, body: Buffer.alloc(0), checksum: String(seq), at: seq };
}

function fromRecord(seq: number): ReadPosition {
  return { logId: 'a', epoch: 1, seq, pos: '' as Position, checksum: String(seq), at: seq };
}

test('what writes is past is forgotten, and only that: several records may be made from one', () => {
  const marks = new RecordMarks();
  for (const seq of [1, 2, 3, 4]) marks.add(entry(seq));
  const origins = new OriginCheck(marks, true);
  expect([3, 3].flatMap((seq, index) => origins.take(entry(index + 1, fromRecord(seq))))).toEqual([]);
  expect([1, 2, 3, 4].map((seq) => marks.get(seq) !== null)).toEqual([false, false, true, true]);
});
