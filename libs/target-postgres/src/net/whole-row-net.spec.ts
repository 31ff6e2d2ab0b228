import { lineOf } from '@changeover/events';

import { WholeRowNet } from './whole-row-net.js';

test('rows that came and went again take no room, however many there are', () => {
  const net = new WholeRowNet();
  for (let row = 0; row < 100; row++) {
    const line = lineOf(Buffer.from(`row ${String(row)}\n`));
    net.add(1, line, 1);
    expect([net.bytes > 0, net.rows().length]).toEqual([true, 1]);
    net.add(2, line, -1);
    expect([net.bytes, net.rows()]).toEqual([0, []]);
  }
});
