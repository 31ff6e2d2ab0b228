import { noCrash } from '@changeover/core';
import type { BarrierPlace, EventLog, LogEntry, TargetReader, Whereabouts } from '@changeover/events';

import { KeptCheckpoints } from '../test/kept-checkpoints.js';
import { PassingClock } from '../test/passing-clock.js';
import { createCheckpoint, type CreateCheckpointOptions } from './create-checkpoint.js';

const MINUTE = 60_000;
const RECORD = { header: { kind: 'progress', seq: 1, part: 1, last: true, mapping: 'm' }, at: 0 } as LogEntry;
const PLACE = { place: { writes: { seq: 1, at: 0, logId: 'log' } }, forms: {}, totals: {}, exchanges: 0 } as unknown as BarrierPlace;

describe('a checkpoint', () => {
  it('is given up when its barrier does not come to the target', async () => {
    const { made, kept, clock, begun } = scene({ place: null, summing: 0 });
    await expect(made).rejects.toMatchObject({ code: 'TIMED_OUT' });
    expect([kept.names, Math.round((clock.now() - begun) / MINUTE)]).toEqual([[], 3]);
  });

  it('may take as long as it takes to sum up what was written', async () => {
    const { made, kept, clock, begun } = scene({ place: PLACE, summing: 600 * MINUTE });
    await made;
    expect([kept.names, clock.now() - begun]).toEqual([['friday'], 600 * MINUTE]);
  });
});

/** What is read of the log takes `summing` ms. */
function scene({ place, summing }: { readonly place: BarrierPlace | null; readonly summing: number }) {
  const end = new AbortController();
  const clock = new PassingClock(0, { lasts: 24 * 60 * MINUTE, end });
  const kept = new KeptCheckpoints();
  kept.place = place;
  kept.where = { progress: {} as Whereabouts['progress'], parked: null };
  const log: Pick<EventLog, 'fetch' | 'read'> = {
    fetch: () => Promise.resolve(RECORD),
    async *read(_stream, _after, until) {
      await clock.sleep(summing, until);
      if (!until.aborted) yield [{ type: 'entry', entry: RECORD }];
    },
  };
  const hold = { snapshot: () => Promise.resolve({ [Symbol.asyncDispose]: nothing }), [Symbol.asyncDispose]: nothing };
  const target = { hold: () => Promise.resolve(hold) } as unknown as TargetReader;
  const options: CreateCheckpointOptions = {
    ...{ name: 'friday', changes: 'm.changes', writes: 'm.writes', log: log as EventLog, target, checkpoints: kept, clock },
    ...{
      read: false,
      patienceMs: 3 * MINUTE,
      crashPoint: noCrash,
      onStep: () => undefined,
      requestBarrier: () => Promise.resolve('token'),
    },
  };
  return { made: createCheckpoint(options, end.signal), kept, clock, begun: clock.now() };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}
