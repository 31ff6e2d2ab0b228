import { ChangeoverError, Clock, IdSource } from '@changeover/core';

import { supervise, type Retry, type SupervisedLoop } from './supervise.js';

/** Sleeping takes no time and moves the clock. */
class JumpingClock extends Clock {
  time = 0;
  readonly slept: number[] = [];

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted !== true) {
      this.slept.push(ms);
      this.time += ms;
    }
    return Promise.resolve();
  }
}

class FixedIds extends IdSource {
  constructor(readonly start: string) {
    super();
  }

  uuid(): string {
    return `${this.start}-0000-4000-8000-000000000000`;
  }
}

const away = (): ChangeoverError => new ChangeoverError('TARGET_UNREACHABLE', 'away');

function setUp(random = 'ffffffff') {
  const clock = new JumpingClock();
  const stop = new AbortController();
  const retries: Retry[] = [];
  const run = (loop: SupervisedLoop['run']): Promise<void> =>
    supervise({ run: loop }, { signal: stop.signal, clock, ids: new FixedIds(random), onRetry: (retry) => retries.push(retry) });
  return { clock, stop, retries, run };
}

/** A loop that fails `times` times, then resolves. */
function failing(times: number, each: (run: number, onHealthy: () => void) => void = () => undefined): SupervisedLoop['run'] {
  let runs = 0;
  return (_signal, onHealthy) => {
    each(++runs, onHealthy);
    return runs <= times ? Promise.reject(away()) : Promise.resolve();
  };
}

test('an error of policy retry runs the loop again after a delay that doubles up to ten seconds', async () => {
  const { clock, retries, run } = setUp();
  await run(failing(8));
  expect(clock.slept).toEqual([250, 500, 1000, 2000, 4000, 8000, 10000, 10000]);
  expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('half of a delay is random', async () => {
  const { clock, run } = setUp('00000000');
  await run(failing(3));
  expect(clock.slept).toEqual([125, 250, 500]);
});

test('the longer it waits, the louder it is', async () => {
  const { retries, run } = setUp();
  await run(failing(14));
  const changes = retries.filter(({ loudness }, index) => loudness !== retries[index - 1]?.loudness);
  expect(changes.map(({ loudness, troubledMs }) => [loudness, troubledMs])).toEqual([
    ['info', 0],
    ['warn', 7750],
    ['error', 65750],
  ]);
});

test('health begins anew: said by the loop, or shown by a run of a minute', async () => {
  const { clock, retries, run } = setUp();
  await run(
    failing(7, (runs, onHealthy) => {
      if (runs === 3) onHealthy();
      if (runs === 6) clock.time += 60_000;
    }),
  );
  expect(clock.slept).toEqual([250, 500, 250, 500, 1000, 250, 500]);
  expect(retries[5]).toMatchObject({ attempt: 1, troubledMs: 0, loudness: 'info' });
});

test('an error of policy stop, and one that is not ours, rejects at once', async () => {
  const { clock, run } = setUp();
  await expect(run(() => Promise.reject(new ChangeoverError('LOG_GAP', 'gap')))).rejects.toMatchObject({ code: 'LOG_GAP' });
  await expect(run(() => Promise.reject(new TypeError('bug')))).rejects.toMatchObject({ code: 'INTERNAL', cause: expect.any(TypeError) });
  expect(clock.slept).toEqual([]);
});

test('after an abort nothing is tried again, but an error of policy stop still counts', async () => {
  const { clock, stop, retries, run } = setUp();
  const aborting = (error: ChangeoverError) => (): Promise<void> => {
    stop.abort();
    return Promise.reject(error);
  };
  await run(aborting(away()));
  expect([clock.slept, retries]).toEqual([[], []]);
  const again = setUp();
  await expect(
    again.run(() => {
      again.stop.abort();
      return Promise.reject(new ChangeoverError('FENCED', 'f'));
    }),
  ).rejects.toMatchObject({ code: 'FENCED' });
});

test('an abort during the delay ends it', async () => {
  const { stop, clock, run } = setUp();
  clock.sleep = () => {
    stop.abort();
    return Promise.resolve();
  };
  let runs = 0;
  await run(
    failing(5, (count) => {
      runs = count;
    }),
  );
  expect(runs).toBe(1);
});
