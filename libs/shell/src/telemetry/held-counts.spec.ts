import { ChangeoverError } from '@changeover/core';
import { HeldRowList, type HeldTotals } from '@changeover/events';

import { Log } from '../logging/log.js';
import { SetClock } from '../test/set-clock.js';
import { HeldCounts } from './held-counts.js';
import { RoleTelemetry } from './role-telemetry.js';

/** Counts the looks; answers with as many held rows, with an error, or never. */
class CountedLooks extends HeldRowList {
  looks = 0;
  answer: 'totals' | 'error' | 'never' = 'totals';

  totals(): Promise<HeldTotals> {
    this.looks++;
    if (this.answer === 'never') return new Promise(() => undefined);
    if (this.answer === 'error') return Promise.reject(new ChangeoverError('TARGET_UNREACHABLE', 'away'));
    return Promise.resolve({ held: this.looks, waiting: 2, refused: 3 });
  }
  groups() {
    return Promise.resolve([]);
  }
  page() {
    return Promise.resolve({ rows: [], next: null });
  }
  find() {
    return Promise.resolve([]);
  }
}

function setUp() {
  const clock = new SetClock();
  const list = new CountedLooks();
  return { clock, list, counts: new HeldCounts(list, clock) };
}

test('nobody looks before somebody asks, and not again within ten seconds, however many ask', async () => {
  const { clock, list, counts } = setUp();
  expect(list.looks).toBe(0);
  const first = await Promise.all([counts.now(), counts.now(), counts.now()]);
  expect([first.map((totals) => totals?.held), list.looks]).toEqual([[1, 1, 1], 1]);
  clock.time += 9_999;
  expect([(await counts.now())?.held, list.looks]).toEqual([1, 1]);
  clock.time += 1;
  expect([(await counts.now())?.held, list.looks]).toEqual([2, 2]);
});

test('a target that does not answer holds nobody up, and what was known gets old', async () => {
  const { clock, list, counts } = setUp();
  await counts.now();
  clock.time += 10_000;
  list.answer = 'never';
  expect([(await counts.now())?.held, clock.slept.at(-1)]).toEqual([1, 1_000]);
  clock.time += 50_001;
  expect([await counts.now(7_000), clock.slept.at(-1), list.looks]).toEqual([null, 7_000, 2]);
});

test('an error makes them unknown until a look succeeds', async () => {
  const { clock, list, counts } = setUp();
  list.answer = 'error';
  expect([await counts.now(), counts.lastError]).toEqual([null, 'TARGET_UNREACHABLE']);
  list.answer = 'totals';
  expect([await counts.now(), counts.lastError]).toEqual([null, 'TARGET_UNREACHABLE']);
  clock.time += 10_000;
  expect([await counts.now(), counts.lastError]).toEqual([{ held: 2, waiting: 2, refused: 3 }, null]);
});

test('they are gauges of the role that has them, of one look, and of no other', async () => {
  const { clock, list, counts } = setUp();
  const log = Log.open({ level: 'info', migration: 'crm', role: 'load', destination: { write: () => undefined } });
  const telemetry = new RoleTelemetry({ migration: 'crm', role: 'load', log, clock });
  expect(await telemetry.registry.metrics()).not.toMatch(/^changeover_(held|waiting|open_refused)_rows\{/m);
  telemetry.heldCounts = counts;
  const metrics = await telemetry.registry.metrics();
  for (const line of ['held_rows{L} 1', 'waiting_rows{L} 2', 'open_refused_rows{L} 3'])
    expect(metrics).toContain(`changeover_${line.replace('L', 'migration="crm",role="load"')}\n`);
  expect(list.looks).toBe(1);
});
