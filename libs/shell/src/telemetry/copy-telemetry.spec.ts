import { SetClock } from '../test/set-clock.js';
import { CopyTelemetry } from './copy-telemetry.js';

function setUp() {
  const clock = new SetClock();
  const copies = new CopyTelemetry(clock);
  const copy = (table: string, rows: number, estimate: number | null, finished = false): void => {
    copies.take({ table, rows, bytes: 2 * rows, estimate: estimate === null ? null : { rows: estimate, bytes: 1 }, finished });
  };
  const of = (table: string) => copies.status().find((status) => status.table === table);
  return { clock, copies, copy, of };
}

test('each copy has its rows, rate and time left; those that ended are not there', () => {
  const { clock, copies, copy, of } = setUp();
  copy('public.b', 0, 9000);
  copy('public.a', 0, null);
  clock.time = 100_000;
  copy('public.b', 1000, 9000);
  // It had to wait: nobody knows yet how fast it is.
  expect(of('public.b')).toEqual({
    table: 'public.b',
    rows: 1000,
    bytes: 2000,
    estimatedRows: 9000,
    rowsPerSecond: 0,
    secondsLeft: null,
  });
  clock.time = 102_000;
  copy('public.b', 2000, 9000);
  expect(of('public.b')).toMatchObject({ rowsPerSecond: 500, secondsLeft: 14 });
  copy('public.a', 10, null);
  clock.time = 104_000;
  copy('public.a', 30, null);
  expect(of('public.a')).toMatchObject({ rows: 30, estimatedRows: null, rowsPerSecond: 10, secondsLeft: null });
  // More than was estimated, and not yet at the end.
  copy('public.b', 10_000, 9000);
  expect(of('public.b')).toMatchObject({ rowsPerSecond: 2250, secondsLeft: 0 });
  expect(copies.status().map(({ table }) => table)).toEqual(['public.a', 'public.b']);
  copy('public.b', 10_001, 9000, true);
  expect([copies.status().map(({ table }) => table), copies.left, copies.rows]).toEqual([['public.a'], 1, 10_031]);
});

test('the rate is that of the last half minute, and falls where nothing comes', () => {
  const { clock, copy, of } = setUp();
  copy('public.a', 0, 1_000_000);
  for (let second = 1; second <= 100; second++) {
    clock.time += 1000;
    copy('public.a', second <= 50 ? second * 100 : 5000 + (second - 50) * 10, 1_000_000);
  }
  expect(of('public.a')?.rowsPerSecond).toBe(10);
  clock.time += 30_000;
  expect(of('public.a')?.rowsPerSecond).toBe(5);
});

test('a copy that is begun anew, or goes on after a restart, begins with what it has', () => {
  const { clock, copies, copy, of } = setUp();
  copy('public.a', 5000, 10_000);
  clock.time = 1000;
  copy('public.a', 6000, 10_000);
  clock.time = 2000;
  copy('public.a', 7000, 10_000);
  expect(of('public.a')).toMatchObject({ rows: 7000, rowsPerSecond: 1000 });
  copy('public.a', 0, 10_000);
  expect(of('public.a')).toMatchObject({ rows: 0, rowsPerSecond: 0, secondsLeft: null });
  expect(copies.rows).toBe(2000);
});
