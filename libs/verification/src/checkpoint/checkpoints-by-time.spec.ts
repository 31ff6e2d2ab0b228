import { ChangeoverError, Clock } from '@changeover/core';
import { Checkpoints, type Checkpoint, type ListedCheckpoint, type Whereabouts } from '@changeover/events';

import { deleteOlder, makeByTime, nameAfter } from './checkpoints-by-time.js';

const HOUR = 3_600_000;
const PARKED = { at: 'friday' } as unknown as NonNullable<Whereabouts['parked']>;

class Kept extends Checkpoints {
  listed: ListedCheckpoint[] = [];
  where: Whereabouts | null = { progress: {} as Whereabouts['progress'], parked: null };

  made(name: string, made_ms: number): void {
    this.listed.push({ name, made_ms } as Checkpoint);
  }

  get names(): readonly string[] {
    return this.listed.map(({ name }) => name);
  }

  list(): Promise<readonly ListedCheckpoint[]> {
    return Promise.resolve(this.listed);
  }

  delete(name: string): Promise<void> {
    this.listed = this.listed.filter((one) => one.name !== name);
    return Promise.resolve();
  }

  whereabouts(): Promise<Whereabouts | null> {
    return Promise.resolve(this.where);
  }

  placeOf = (): never => this.#unasked();
  add = (): never => this.#unasked();
  find = (): never => this.#unasked();
  stop = (): never => this.#unasked();

  #unasked(): never {
    throw new TypeError('nobody asks for that');
  }
}

/** Time passes when somebody sleeps, and only then; ends everything at the end. */
class PassingClock extends Clock {
  #now = Date.UTC(2026, 0, 5);
  readonly #end: AbortController;
  readonly #lasts: number;

  constructor(end: AbortController, lasts: number) {
    super();
    this.#end = end;
    this.#lasts = this.#now + lasts;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      setImmediate(() => {
        if (signal?.aborted !== true) {
          this.#now += ms;
          if (this.#now >= this.#lasts) this.#end.abort();
        }
        done();
      });
    });
  }
}

type Scene = { readonly kept: Kept; readonly troubles: string[]; readonly clock: Clock };

async function during(
  hours: number,
  { kept = new Kept(), ...given }: { readonly kept?: Kept; readonly create?: (scene: Scene, until: AbortSignal) => Promise<void> },
): Promise<Scene> {
  const end = new AbortController();
  const scene: Scene = { kept, troubles: [], clock: new PassingClock(end, hours * HOUR) };
  await makeByTime(
    {
      ...{ everyMs: HOUR, keep: 3, checkpoints: kept, clock: scene.clock },
      create: async (name, until) => {
        await given.create?.(scene, until);
        kept.made(name, scene.clock.now());
      },
      onTrouble: ({ code }) => scene.troubles.push(code),
    },
    end.signal,
  );
  return scene;
}

const DAY = Date.UTC(2026, 0, 5);

describe('checkpoints by the clock', () => {
  it('are made each time that the last one is old enough, and only the last ones stay', async () => {
    const kept = new Kept();
    kept.made('friday', DAY - 99 * HOUR);
    kept.made(nameAfter(DAY - HOUR / 2), DAY - HOUR / 2);
    const { troubles } = await during(5.2, { kept });
    expect([kept.names, troubles]).toEqual([['friday', ...[2.5, 3.5, 4.5].map((hours) => nameAfter(DAY + hours * HOUR))], []]);
  });

  it('are not made while the target is parked, nor before anything was loaded', async () => {
    for (const where of [null, { progress: {} as Whereabouts['progress'], parked: PARKED }]) {
      const kept = new Kept();
      kept.where = where;
      const { troubles } = await during(3, { kept });
      expect([kept.names, troubles]).toEqual([[], []]);
    }
  });

  it('are tried again where one cannot be made, and it is told', async () => {
    let tries = 0;
    const { kept, troubles } = await during(0.5, {
      create: () => (++tries < 3 ? Promise.reject(new ChangeoverError('TARGET_BUSY', 'busy')) : Promise.resolve()),
    });
    expect([troubles, kept.names]).toEqual([['TARGET_BUSY', 'TARGET_BUSY'], [nameAfter(DAY + 60_000)]]);
  });

  it('give up where the barrier does not come', async () => {
    const { kept, troubles } = await during(0.02, {
      create: (_, until) =>
        new Promise((_resolve, reject) => {
          until.addEventListener('abort', () => {
            reject(until.reason as Error);
          });
        }),
    });
    expect([kept.names, troubles]).toEqual([[], ['TIMED_OUT']]);
  });

  it('do not wait for a time to come where the clock was put back', async () => {
    const kept = new Kept();
    kept.made(nameAfter(DAY + 99 * HOUR), DAY + 99 * HOUR);
    await during(1.1, { kept });
    expect(kept.names.slice(1)).toEqual([nameAfter(DAY), nameAfter(DAY + HOUR)]);
  });

  it('leave the one where the target is parked', async () => {
    const kept = new Kept();
    const names = [1, 2, 3].map((hour) => nameAfter(DAY + hour * HOUR));
    for (const name of names) kept.made(name, DAY);
    kept.where = { progress: {} as Whereabouts['progress'], parked: { ...PARKED, at: names[0] as string } };
    expect(await deleteOlder(kept, 1)).toEqual([names[1]]);
    expect(kept.names).toEqual([names[0], names[2]]);
  });
});
