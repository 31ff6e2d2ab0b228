import { ChangeoverError, type Clock } from '@changeover/core';
import type { Whereabouts } from '@changeover/events';

import { KeptCheckpoints } from '../test/kept-checkpoints.js';
import { PassingClock } from '../test/passing-clock.js';
import { deleteOlder, makeByTime, nameAfter } from './checkpoints-by-time.js';

const HOUR = 3_600_000;
const DAY = Date.UTC(2026, 0, 5);
const PARKED = { at: 'friday' } as unknown as NonNullable<Whereabouts['parked']>;

type Scene = { readonly kept: KeptCheckpoints; readonly troubles: string[]; readonly clock: Clock };

async function during(
  hours: number,
  { kept = new KeptCheckpoints(), ...given }: { readonly kept?: KeptCheckpoints; readonly create?: (scene: Scene) => Promise<void> },
): Promise<Scene> {
  const end = new AbortController();
  const scene: Scene = { kept, troubles: [], clock: new PassingClock(DAY, { lasts: hours * HOUR, end }) };
  await makeByTime(
    {
      ...{ everyMs: HOUR, keep: 3, checkpoints: kept, clock: scene.clock },
      create: async (name) => {
        await given.create?.(scene);
        kept.made(name, scene.clock.now());
      },
      onTrouble: ({ code }) => scene.troubles.push(code),
    },
    end.signal,
  );
  return scene;
}

describe('checkpoints by the clock', () => {
  it('are made each time that the last one is old enough, and only the last ones stay', async () => {
    const kept = new KeptCheckpoints();
    kept.made('friday', DAY - 99 * HOUR);
    kept.made(nameAfter(DAY - HOUR / 2), DAY - HOUR / 2);
    const { troubles } = await during(5.2, { kept });
    expect([kept.names, troubles]).toEqual([['friday', ...[2.5, 3.5, 4.5].map((hours) => nameAfter(DAY + hours * HOUR))], []]);
  });

  it('are not made while the target is parked, nor before anything was loaded', async () => {
    for (const where of [null, { progress: {} as Whereabouts['progress'], parked: PARKED }]) {
      const kept = new KeptCheckpoints();
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

  it('do not wait for a time to come where the clock was put back', async () => {
    const kept = new KeptCheckpoints();
    kept.made(nameAfter(DAY + 99 * HOUR), DAY + 99 * HOUR);
    await during(1.1, { kept });
    expect(kept.names.slice(1)).toEqual([nameAfter(DAY), nameAfter(DAY + HOUR)]);
  });

  it('leave the one where the target is parked', async () => {
    const kept = new KeptCheckpoints();
    const names = [1, 2, 3].map((hour) => nameAfter(DAY + hour * HOUR));
    for (const name of names) kept.made(name, DAY);
    kept.where = { progress: {} as Whereabouts['progress'], parked: { ...PARKED, at: names[0] as string } };
    expect(await deleteOlder(kept, 1)).toEqual([names[1]]);
    expect(kept.names).toEqual([names[0], names[2]]);
  });
});
