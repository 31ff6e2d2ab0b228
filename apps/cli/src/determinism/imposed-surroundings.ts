// Imported first by a process that derives: whatever is loaded behind it finds the clock and the random numbers that the process was given.
// Time zone and locale are the environment's. A clock that is moved by being looked at, and not by time, says the same in two runs that do the same.
import { syncBuiltinESMExports } from 'node:module';

import type { Surroundings } from './surroundings.js';

const { clock, seed } = JSON.parse(process.argv[2] as string) as Surroundings;
const NANOSECONDS = 1_000_000n;

let elapsed = 0;
const sinceStart = (): number => (elapsed += clock.step);
const now = (): number => clock.start + sinceStart();

const RealDate = Date;
const ImposedDate = new Proxy(RealDate, {
  construct: (target, given: unknown[], newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
  // Called without `new` it gives a text.
  apply: () => new RealDate(now()).toString(),
});
RealDate.now = now;
RealDate.prototype.constructor = ImposedDate;
globalThis.Date = ImposedDate;

// What is written without saying when is written of now.
for (const method of ['format', 'formatToParts'] as const) {
  const original = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, method) as PropertyDescriptor;
  const write = function (this: Intl.DateTimeFormat, at: Date | number = now()): unknown {
    const real = (original.get?.call(this) ?? (original.value as typeof write).bind(this)) as (at: Date | number) => unknown;
    return real(at);
  };
  Object.defineProperty(
    Intl.DateTimeFormat.prototype,
    method,
    original.get === undefined
      ? { ...original, value: write }
      : {
          ...original,
          get(this: Intl.DateTimeFormat) {
            return write.bind(this);
          },
        },
  );
}

performance.now = sinceStart;
Object.defineProperty(performance, 'timeOrigin', { value: clock.start });
const hrtime = (before: readonly [number, number] = [0, 0]): [number, number] => {
  const at = sinceStart() * Number(NANOSECONDS) - (before[0] * 1e9 + before[1]);
  return [Math.floor(at / 1e9), at % 1e9];
};
process.hrtime = Object.assign(hrtime, { bigint: () => BigInt(sinceStart()) * NANOSECONDS });

let state = seed;
/** Mulberry32: even enough, and the same from the same seed. */
Math.random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

syncBuiltinESMExports();
