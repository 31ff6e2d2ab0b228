import { summarise } from './lag-probe.js';
import { Random } from './random.js';

const draw = (random: Random): number[] => Array.from({ length: 50 }, () => random.fraction());

describe('seeded choices', () => {
  it('are the same for the same seed and others for another', () => {
    expect(draw(new Random(5))).toEqual(draw(new Random(5)));
    expect(draw(new Random(5))).not.toEqual(draw(new Random(6)));
    expect(draw(new Random(5).fork(1))).toEqual(draw(new Random(5).fork(1)));
    expect(draw(new Random(5).fork(1))).not.toEqual(draw(new Random(5).fork(2)));
  });

  it('reach every number of a range and none beside it', () => {
    const random = new Random(1);
    expect(new Set(Array.from({ length: 1_000 }, () => random.integer(3, 7)))).toEqual(new Set([3, 4, 5, 6, 7]));
  });

  it('shuffle without losing anything', () => {
    const items = Array.from({ length: 30 }, (_, item) => item);
    expect(new Random(2).shuffled(items)).not.toEqual(items);
    expect(new Set(new Random(2).shuffled(items))).toEqual(new Set(items));
  });

  it('make UUIDs that PostgreSQL takes', () => {
    expect(new Random(3).uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/u);
  });
});

describe('percentiles', () => {
  it('are values that were measured, by the nearest rank', () => {
    const lags = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(summarise(lags)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
    expect(summarise([4])).toEqual({ count: 1, p50: 4, p99: 4, max: 4 });
    expect(summarise([]).p50).toBeNaN();
  });
});
