import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { SystemClock } from '@changeover/core';

import { NUMBERED_ENTRIES } from './test/numbers.js';
import { contentOf, StateBed } from './test/state-bed.js';

const clock = new SystemClock();
const ALL = Buffer.alloc(0);

describe('a state whose owner', () => {
  let bed: StateBed;
  beforeEach(async () => {
    bed = await StateBed.make();
  });
  afterEach(() => bed[Symbol.asyncDispose]());

  it('was stopped is taken over, and wakes without a say', async () => {
    const first = await bed.owner();
    await first.ask('put a committed');
    expect(await first.ask('commit first')).toBe('committed');
    await first.ask('put a late');
    await first.pause();
    const second = await bed.open();
    expect(second.place?.toString()).toBe('first');
    second.put(Buffer.from('b'), Buffer.from('second'));
    await second.commit(Buffer.from('second'));
    first.resume();
    expect(await first.ask('commit late')).toBe('STATE_FENCED');
    expect(contentOf(second)).toEqual(['a=committed', 'b=second']);
    expect(await readdir(bed.folder)).toEqual(['1']);
    await second[Symbol.asyncDispose]();
    const again = await bed.open();
    expect([again.place?.toString(), again.lost, ...contentOf(again)]).toEqual(['second', null, 'a=committed', 'b=second']);
  });

  it('was stopped inside a transaction is taken over, in a new folder with all that was committed', async () => {
    const first = await bed.owner();
    await first.ask('put a committed');
    expect(await first.ask('commit first')).toBe('committed');
    const lock = await bed.holder();
    await first.ask('put a late');
    first.tell('commit late');
    const second = await bed.open();
    expect([second.place?.toString(), second.lost, ...contentOf(second)]).toEqual(['first', null, 'a=committed']);
    expect(await readdir(bed.folder)).toEqual(['2']);
    second.put(Buffer.from('b'), Buffer.from('second'));
    await second.commit(Buffer.from('second'));
    lock.resume();
    expect(await lock.next()).toBe('released');
    expect(await first.next()).toBe('STATE_FENCED');
    expect(contentOf(second)).toEqual(['a=committed', 'b=second']);
    await second[Symbol.asyncDispose]();
    const again = await bed.open();
    expect([again.place?.toString(), ...contentOf(again)]).toEqual(['second', 'a=committed', 'b=second']);
  });

  it('was stopped inside a transaction, over a file that cannot be copied, is taken over with nothing', async () => {
    const first = await bed.owner();
    for (let i = 0; i < 2000; i++) first.tell(`put key${String(i)} ${'x'.repeat(100)}`);
    for (let i = 0; i < 2000; i++) await first.next();
    expect(await first.ask('commit first')).toBe('committed');
    await bed.holder();
    await truncate(join(bed.folder, '1', 'data.mdb'), 3 * 4096);
    const second = await bed.open();
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
        const first = await bed.owner();
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
        const second = await bed.open();
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
