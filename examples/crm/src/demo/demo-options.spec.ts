import { ChangeoverError, SystemClock } from '@changeover/core';

import { parseDemoOptions } from './demo-options.js';

const parse = (...args: string[]): ReturnType<typeof parseDemoOptions> => parseDemoOptions(args, new SystemClock());

describe('the options of the demo', () => {
  it('have defaults that need no thought', () => {
    expect(parse()).toMatchObject({
      rows: 500_000,
      seconds: 15,
      users: 20,
      log: 'embedded',
      sabotage: undefined,
      threads: undefined,
      keep: false,
      json: false,
    });
  });

  it('take --sabotage with a seed, without one, and before another option', () => {
    expect(parse('--sabotage', '7')?.sabotage).toBe(7);
    expect(parse('--sabotage')?.sabotage).toEqual(expect.any(Number));
    expect(parse('--sabotage', '--kafka')).toMatchObject({ log: 'kafka', sabotage: expect.any(Number) });
  });

  it('take how many threads derive', () => {
    expect([parse('--threads', '0')?.threads, parse('--threads', '2')?.threads]).toEqual([0, 2]);
  });

  it('give nothing where help was asked for', () => {
    expect(parse('--help')).toBeUndefined();
  });

  it.each(['--rows 10', '--seconds 0', '--seconds soon', '--users 1', '--seed 1.5', '--speed 3', '--threads 17', 'surprise'])(
    'refuse %s with BAD_SETTINGS',
    (line) => {
      expect(() => parse(...line.split(' '))).toThrow(ChangeoverError);
      expect(() => parse(...line.split(' '))).toThrow(/--/u);
    },
  );
});
