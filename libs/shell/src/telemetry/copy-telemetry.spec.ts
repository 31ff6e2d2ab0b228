import { Clock } from '@changeover/core';

import { CopyTelemetry } from './copy-telemetry.js';

class SetClock extends Clock {
  ms = 0;

  override now(): number {
    return this.ms;
  }

  override monotonic(): number {
    return this.ms;
  }

  override sleep(): Promise<void> {
    return Promise.resolve();
  }
}

test('each copy has its percentage, rate and time left, and all of them together', () => {
  const clock = new SetClock();
  const copies = new CopyTelemetry(clock);
  const copy = (table: string, rows: number, estimate: number | null, finished = false): void => {
    copies.take({ table, rows, bytes: rows, estimate: estimate === null ? null : { rows: estimate, bytes: 1 }, finished });
  };
  copy('public.a', 1000, 5000);
  clock.ms = 2000;
  copy('public.a', 2000, 5000);
  expect(copies.lines()).toEqual({ 'copying public.a': '40 %, 500 rows/s, 6 s left' });
  copy('public.b', 0, 1000);
  expect(copies.lines()['copying in all']).toBe('33 %, 500 rows/s, 8 s left');
  copy('public.c', 10, null);
  expect(copies.lines()['copying public.c']).toBe('10 rows, 0 rows/s');
  // More than was estimated, and not yet at the end.
  copy('public.a', 6000, 5000);
  expect(copies.lines()['copying public.a']).toBe('99 %, 2,500 rows/s, 0 s left');
  copy('public.a', 6001, 5000, true);
  copy('public.c', 10, null, true);
  expect(copies.lines()).toEqual({ 'copying public.b': '0 %, 0 rows/s' });
  expect(copies.rows).toBe(5001);
});
