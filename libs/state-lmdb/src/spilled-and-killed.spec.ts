import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SystemClock } from '@changeover/core';

import type { LmdbStateStore } from './lmdb-state-store.js';
import { JournalWatch } from './test/journal-watch.js';
import { SPILLED_ENTRIES } from './test/numbers.js';
import { contentOf, StateBed } from './test/state-bed.js';
import { type StateOwner, writerOf } from './test/state-owner.js';

const clock = new SystemClock();

describe('a state with spilled changes', () => {
  let bed: StateBed;
  beforeEach(async () => {
    bed = await StateBed.make();
  });
  afterEach(() => bed[Symbol.asyncDispose]());

  /** Reads on to a line. */
  async function heard(owner: StateOwner, line: string): Promise<void> {
    for (let said = await owner.next(); said !== line; said = await owner.next()) expect(said).toBeDefined();
  }

  /** The last number that it said to be committed, before it ended or could not go on. */
  async function lastCommitted(owner: StateOwner, from: number): Promise<number> {
    let last = from;
    for (let said = await owner.next(); said !== undefined && said !== 'STATE_UNAVAILABLE'; said = await owner.next()) {
      if (said.startsWith('committed ')) last = Number(said.slice('committed '.length));
    }
    return last;
  }

  /** What `spillOn` leaves at a commit, and nothing else. */
  function expectCommitted(store: LmdbStateStore, number: string): void {
    const content = new Set(contentOf(store));
    expect(content.size).toBe(SPILLED_ENTRIES);
    for (let i = 0; i < SPILLED_ENTRIES; i++) if (!content.has(`key ${String(i)}=${number}`)) expect(i).toBe('an entry');
    const members = store.members(Buffer.from('set'), null, Infinity).map(String);
    expect(members).toHaveLength(SPILLED_ENTRIES);
    expect(members.filter((member) => !member.endsWith(` of ${number}`))).toEqual([]);
    expect(store.members(Buffer.from('given up'), null, 1)).toEqual([]);
  }

  it.each([
    ['spill', 'writer'],
    ['spill', 'owner'],
    ['discard', 'writer'],
    ['discard', 'owner'],
  ] as const)(
    'goes back to its last commit when in the middle of a %s the %s is killed',
    async (what, victim) => {
      let inTheMiddle = 0;
      for (let step = 1; step <= 3; step++) {
        const first = await bed.owner();
        const writer = await first.writerPid();
        await using watch = new JournalWatch(join(bed.folder, '1'));
        first.tell('spillOn');
        await heard(first, `${what} 2`);
        // What a spill would have to undo must be there as soon as it is seen, and must not be gone before it is undone.
        const led = what === 'spill' ? 'members' : 'records';
        let count = watch[led];
        for (let i = 0; i < step; i++) count = await watch.changed(led, count);
        process.kill(victim === 'owner' ? first.pid : writer, 'SIGKILL');
        const acknowledged = await lastCommitted(first, 1);
        await first[Symbol.asyncDispose]();
        if (victim === 'owner' || watch.records > 0) inTheMiddle++;
        const second = await bed.open();
        const place = Number(second.place?.toString());
        expect([acknowledged, acknowledged + 1]).toContain(place);
        expect([second.lost, watch.records]).toEqual([null, 0]);
        expectCommitted(second, String(place));
        await second.clear();
        await second[Symbol.asyncDispose]();
      }
      expect(inTheMiddle).toBeGreaterThan(0);
    },
    120_000,
  );

  it('is committed with all of them or not at all when its writer is killed', async () => {
    for (const share of [0.1, 0.5, 0.9]) {
      const first = await bed.owner();
      const writer = await first.writerPid();
      first.tell('spillOn');
      await heard(first, 'commit 1');
      const begun = clock.monotonic();
      await heard(first, 'committed 1');
      const takes = clock.monotonic() - begun;
      await heard(first, 'commit 2');
      await clock.sleep(takes * share);
      process.kill(writer, 'SIGKILL');
      const acknowledged = await lastCommitted(first, 1);
      await first[Symbol.asyncDispose]();
      const second = await bed.open();
      const place = Number(second.place?.toString());
      expect([acknowledged, acknowledged + 1]).toContain(place);
      expectCommitted(second, String(place));
      await second.clear();
      await second[Symbol.asyncDispose]();
    }
  }, 120_000);

  it('goes on going back when the writer is killed at that', async () => {
    const first = await bed.open();
    for (let i = 0; i < SPILLED_ENTRIES; i++) {
      first.put(Buffer.from(`key ${String(i)}`), Buffer.from('1'));
      first.addMember(Buffer.from('set'), Buffer.from(`member ${String(i)} of 1`));
    }
    await first.commit(Buffer.from('1'));
    await first[Symbol.asyncDispose]();
    const spillMuch = async (): Promise<void> => {
      const state = await bed.open();
      for (const value of ['2', '3', '4']) {
        for (let i = 0; i < SPILLED_ENTRIES; i++) {
          state.put(Buffer.from(`key ${String(i * Number(value))}`), Buffer.from(value));
          state.addMember(Buffer.from('given up'), Buffer.from(`member ${String(i)} of ${value}`));
          state.removeMember(Buffer.from('set'), Buffer.from(`member ${String(i)} of 1`));
        }
        await state.spill();
      }
      await state[Symbol.asyncDispose]();
    };
    await using watch = new JournalWatch(join(bed.folder, '1'));
    let left: number[] = [];
    // Until two fell into the same going back. Where a busy machine let it end before we came, there is something to go back over again.
    for (let kill = 0; left.length < 3; kill++) {
      if (watch.records === 0) {
        await spillMuch();
        left = [watch.records];
      }
      const before = watch.records;
      const opened = bed.open();
      let writer = await writerOf(process.pid);
      // Its own start takes much longer than we do to find it.
      for (; writer === null; writer = await writerOf(process.pid)) await clock.sleep(1);
      const records = await watch.changed('records', before, opened);
      // Now at the beginning of its next transaction, now later in it.
      await clock.sleep((kill % 4) * 3);
      process.kill(writer, 'SIGKILL');
      const state = await opened.catch(() => null);
      if (state === null && records > 0) left.push(watch.records);
      await state?.[Symbol.asyncDispose]();
    }
    // Each found less to undo than the one before.
    expect(left).toEqual([...new Set(left)].sort((a, b) => b - a));
    const second = await bed.open();
    expect([second.place?.toString(), second.lost, watch.records]).toEqual(['1', null, 0]);
    expectCommitted(second, '1');
  }, 120_000);

  it('goes back to its last commit also in a new folder, when its owner was stopped inside a transaction', async () => {
    const first = await bed.owner();
    await first.ask('put a committed');
    expect(await first.ask('commit first')).toBe('committed');
    await first.ask('put a spilled');
    await first.ask('put b spilled');
    expect(await first.ask('spill')).toBe('done');
    await first.ask('put c late');
    const lock = await bed.holder();
    first.tell('spill');
    const second = await bed.open();
    expect([second.place?.toString(), second.lost, ...contentOf(second)]).toEqual(['first', null, 'a=committed']);
    expect(await readdir(bed.folder)).toEqual(['2']);
    second.put(Buffer.from('b'), Buffer.from('second'));
    await second.spill();
    lock.resume();
    expect(await lock.next()).toBe('released');
    expect(await first.next()).toBe('STATE_FENCED');
    await second.commit(Buffer.from('second'));
    await second[Symbol.asyncDispose]();
    const again = await bed.open();
    expect([again.place?.toString(), ...contentOf(again)]).toEqual(['second', 'a=committed', 'b=second']);
  });
});
