import type { Position } from '@changeover/core';

import { UpstreamAcker } from './upstream-acker.js';

const at = (n: number): Position => `00000000/0000000${String(n)}` as Position;

describe('what the source is told', () => {
  it('stays where it was whatever is received', () => {
    const acker = new UpstreamAcker(at(1));
    acker.delivered(at(5));
    expect(acker.acknowledged).toBe(at(1));
  });

  it('moves forward only', () => {
    const acker = new UpstreamAcker(at(1));
    acker.delivered(at(5));
    acker.acknowledge(at(4));
    acker.acknowledge(at(2));
    expect(acker.acknowledged).toBe(at(4));
  });

  it('is never something the reader was not given', () => {
    const acker = new UpstreamAcker(at(1));
    acker.delivered(at(3));
    acker.acknowledge(at(3));
    expect(() => {
      acker.acknowledge(at(4));
    }).toThrow('has only told of');
    expect(acker.acknowledged).toBe(at(3));
  });
});
