import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SystemClock } from '@changeover/core';

import { LmdbStateStore } from './lmdb-state-store.js';
import { StateOwner } from './test/state-owner.js';
import { NUMBERED_ENTRIES } from './test/numbers.js';

const clock = new SystemClock();
const ALL = Buffer.alloc(0);

describe('a state whose owner', () => {
  let folder: string;
  const owners: StateOwner[] = [];
  const stores: LmdbStateStore[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changeover-state-'));
  });
  afterEach(async () => {
    for (const owner of owners.splice(0)) await owner[Symbol.asyncDispose]();
    for (const store of stores.splice(0)) await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function owner(): Promise<StateOwner> {
    const started = new StateOwner(folder, 'own');
    owners.push(started);
    expect(await started.next()).toBe('open');
    return started;
  }

  /** Stands inside a transaction, with LMDB's lock, as a writer that was stopped there. */
  async function holder(): Promise<StateOwner> {
    const started = new StateOwner(join(folder, '1'), 'hold');
    owners.push(started);
    await started.stands();
    return started;
  }

  async function open(): Promise<LmdbStateStore> {
    const store = await LmdbStateStore.open({ folder, name: 'test', patience: 500 });
    stores.push(store);
    return store;
  }

  const contentOf = (store: LmdbStateStore): string[] =>
    [...store.entries(ALL, null)].map(({ key, value }) => `${String(key)}=${String(value)}`);

  it('was stopped is taken over, and wakes without a say', async () => {
    const first = await owner();
    await first.ask('put a committed');
    expect(await first.ask('commit first')).toBe('committed');
    await first.ask('put a late');
    await first.pause();
    const second = await open();
    expect(second.place?.toString()).toBe('first');
    second.put(Buffer.from('b'), Buffer.from('second'));
    await second.commit(Buffer.from('second'));
    first.resume();
    expect(await first.ask('commit late')).toBe('STATE_FENCED');
    expect(contentOf(second)).toEqual(['a=committed', 'b=second']);
    expect(await readdir(folder)).toEqual(['1']);
    await second[Symbol.asyncDispose]();
    const again = await open();
    expect([again.place?.toString(), again.lost, ...contentOf(again)]).toEqual(['second', null, 'a=committed', 'b=second']);
  });

  it('was stopped inside a transaction is taken over, in a new folder with all that was committed', async () => {
    const first = await owner();
    await first.ask('put a committed');
    expect(await first.ask('commit first')).toBe('committed');
    const lock = await holder();
    await first.ask('put a late');
    first.tell('commit late');
    const second = await open();
    expect([second.place?.toString(), second.lost, ...contentOf(second)]).toEqual(['first', null, 'a=committed']);
    expect(await readdir(folder)).toEqual(['2']);
    second.put(Buffer.from('b'), Buffer.from('second'));
    await second.commit(Buffer.from('second'));
    lock.resume();
    expect(await lock.next()).toBe('released');
    expect(await first.next()).toBe('STATE_FENCED');
    expect(contentOf(second)).toEqual(['a=committed', 'b=second']);
    await second[Symbol.asyncDispose]();
    const again = await open();
    expect([again.place?.toString(), ...contentOf(again)]).toEqual(['second', 'a=committed', 'b=second']);
  });

  it('was stopped inside a transaction, over a file that cannot be copied, is taken over with nothing', async () => {
    const first = await owner();
    for (let i = 0; i < 2000; i++) first.tell(`put key${String(i)} ${'x'.repeat(100)}`);
    for (let i = 0; i < 2000; i++) await first.next();
    expect(await first.ask('commit first')).toBe('committed');
    await holder();
    await truncate(join(folder, '1', 'data.mdb'), 3 * 4096);
    const second = await open();
    expect([second.place, second.lost, contentOf(second)]).toEqual([null, 'held', []]);
    second.put(Buffer.from('b'), Buffer.from('second'));
    await second.commit(Buffer.from('second'));
    expect(contentOf(second)).toEqual(['b=second']);
  });

  it.each(['owner', 'writer'] as const)(
    'loses its %s to a kill holds one commit, whole',
    async (victim) => {
      const rounds = 10;
      for (let round = 0; round < rounds; round++) {
        const first = await owner();
        const writer = await first.writerPid();
        first.tell('commitOn');
        let acknowledged = 0;
        let [before, now] = [0, 0];
        for (let i = 0; i < 5; i++) {
          acknowledged = Number(await first.next());
          [before, now] = [now, clock.monotonic()];
        }
        // It commits without a pause: each round meets it in another tenth of a commit.
        await clock.sleep(((now - before) * round) / rounds);
        process.kill(victim === 'owner' ? first.pid : writer, 'SIGKILL');
        for (let line = await first.next(); line !== undefined; line = await first.next()) {
          if (line === 'STATE_UNAVAILABLE') break;
          acknowledged = Number(line);
        }
        await first[Symbol.asyncDispose]();
        const second = await open();
        const place = Number(second.place?.toString());
        // The last one may have been made and not been said.
        expect([acknowledged, acknowledged + 1]).toContain(place);
        expect(second.lost).toBeNull();
        const values = [...second.entries(ALL, null)].map(({ value }) => value.toString());
        expect(values).toEqual(Array.from({ length: NUMBERED_ENTRIES }, () => String(place)));
        expect(second.members(Buffer.from(`set ${String(place)}`), null, Infinity)).toHaveLength(NUMBERED_ENTRIES);
        expect(second.members(Buffer.from(`set ${String(place + 1)}`), null, Infinity)).toEqual([]);
        await second.clear();
        await second[Symbol.asyncDispose]();
      }
    },
    60_000,
  );
});
