import fc from 'fast-check';

import { Visibility } from './visibility.js';

describe('what a snapshot shows', () => {
  it('is what ended before it and was not running', () => {
    const snapshot = Visibility.of('10:20:10,14,15');
    const seen = Array.from({ length: 25 }, (_, txId) => txId).filter((txId) => snapshot.sees(String(txId)));
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 18, 19]);
    expect(Visibility.of('10:10:').sees('10')).toBe(false);
  });

  it('is told by 64 bits where the stream has 32', () => {
    const property = fc.property(
      fc.integer({ min: 2 ** 31, max: 2 ** 50 }),
      fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 5 }),
      fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
      (next, ages, distance) => {
        const running = [...new Set(ages.map((age) => next - age))];
        const id = next + distance;
        const expected = id < next && !running.includes(id);
        expect(Visibility.of(`${String(Math.min(next, ...running))}:${String(next)}:${running.join()}`).sees(String(id % 2 ** 32))).toBe(
          expected,
        );
      },
    );
    fc.assert(property);
  });

  it('is nothing that somebody made up', () => {
    expect(() => Visibility.of('10:20')).toThrow(expect.objectContaining({ code: 'SOURCE_DATA' }));
  });
});
