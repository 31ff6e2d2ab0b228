import { readFile } from 'node:fs/promises';

import { SystemClock } from '@changeover/core';

import { StateBed } from './test/state-bed.js';
import { writerOf } from './test/state-owner.js';

const BOUND_MEGABYTES = 200;
const SMALL = Buffer.from('small');

const clock = new SystemClock();

describe('the process that writes the state', () => {
  /** The most that it holds in memory of its own while the work lasts. */
  async function peakDuring(work: Promise<void>, pid: number | null): Promise<number> {
    let [ended, peak] = [false, 0];
    const done = work.finally(() => (ended = true));
    while (!ended) {
      const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
      peak = Math.max(peak, Number(/^RssAnon:\s+(\d+) kB/mu.exec(status)?.[1]) / 1024);
      await clock.sleep(2);
    }
    await done;
    return peak;
  }

  it.each([
    [100_000, 1900],
    [6000, 30_000],
  ])(
    'needs little memory for spills and a discard though they change %d entries of %d bytes, and small ones between them',
    async (entries, bytes) => {
      await using bed = await StateBed.make();
      const store = await bed.open();
      const writer = await writerOf(process.pid);
      const value = Buffer.alloc(bytes, 'v');
      const putAll = (name: string, of: Buffer): void => {
        for (let i = 0; i < entries; i++) store.put(Buffer.from(`${String(i)} ${name}`), of);
      };
      for (let i = 0; i < entries; i++) {
        store.put(Buffer.from(`${String(i)} large`), value);
        store.put(Buffer.from(`${String(i)} small`), SMALL);
        if (store.pendingBytes > 4_000_000) await store.commit(Buffer.from('filling'));
      }
      await store.commit(Buffer.from('filled'));
      // A page holds two of them, beside two of the large ones, if these do not lie in pages of their own.
      putAll('small', Buffer.from('other'));
      expect(await peakDuring(store.spill(), writer)).toBeLessThan(BOUND_MEGABYTES);
      // A megabyte or two that take the place of 180.
      putAll('large', SMALL);
      expect(await peakDuring(store.spill(), writer)).toBeLessThan(BOUND_MEGABYTES);
      expect(await peakDuring(store.discard(), writer)).toBeLessThan(BOUND_MEGABYTES);
      expect([store.get(Buffer.from('0 large')), store.get(Buffer.from('0 small'))]).toEqual([value, SMALL]);
      putAll('large', SMALL);
      await store.spill();
      expect(await peakDuring(store.commit(Buffer.from('changed')), writer)).toBeLessThan(BOUND_MEGABYTES);
      expect(store.get(Buffer.from('0 large'))).toEqual(SMALL);
    },
    120_000,
  );
});
