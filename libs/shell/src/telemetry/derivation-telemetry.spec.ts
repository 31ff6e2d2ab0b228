import { SetClock } from '../test/set-clock.js';
import { DerivationTelemetry } from './derivation-telemetry.js';

test('the first derivation is told with its rate and what is left, as long as it is under way', () => {
  const clock = new SetClock();
  const derivation = new DerivationTelemetry(clock);
  expect(derivation.lines()).toEqual({});
  // Another process had come so far.
  derivation.take({ table: 'public.a', rows: 1000, expected: 4000, finished: false });
  expect(derivation.lines()).toEqual({ deriving: '25 % (public.a), 0 rows/s' });
  clock.time += 2000;
  derivation.take({ table: 'public.b', rows: 3000, expected: 4000, finished: false });
  expect(derivation.lines()).toEqual({ deriving: '75 % (public.b), 1,000 rows/s, 1 s left' });
  // There is more than was expected.
  derivation.take({ table: 'public.b', rows: 5000, expected: 4000, finished: false });
  expect(derivation.lines()).toEqual({ deriving: '99 % (public.b), 2,000 rows/s, 0 s left' });
  derivation.take({ table: '', rows: 5000, expected: 4000, finished: true });
  expect(derivation.lines()).toEqual({});
});
