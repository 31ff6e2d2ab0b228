import { readFile } from 'node:fs/promises';

import { StateBed } from './test/state-bed.js';
import { writerOf } from './test/state-owner.js';

const VALUE = Buffer.alloc(3000, 'v');
const ENTRIES = 60_000;
const BOUND_MEGABYTES = 150;

describe('the process that writes the state', () => {
  /** What it holds in memory of its own; LMDB gives nothing of it back before it ends. */
  async function megabytesOf(pid: number | null): Promise<number> {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB/mu.exec(status)?.[1]) / 1024;
  }

  it('needs little memory for a spill and a discard, whatever lay there before', async () => {
    await using bed = await StateBed.make();
    const store = await bed.open();
    const writer = await writerOf(process.pid);
    for (let i = 0; i < ENTRIES; i++) {
      store.put(Buffer.from(`key ${String(i)}`), VALUE);
      if (store.pendingBytes > 4_000_000) await store.commit(Buffer.from('filling'));
    }
    await store.commit(Buffer.from('filled'));
    // Two megabytes that take the place of 180.
    for (let i = 0; i < ENTRIES; i++) store.put(Buffer.from(`key ${String(i)}`), Buffer.from('small'));
    await store.spill();
    expect(await megabytesOf(writer)).toBeLessThan(BOUND_MEGABYTES);
    await store.discard();
    expect(await megabytesOf(writer)).toBeLessThan(BOUND_MEGABYTES);
    expect(store.get(Buffer.from('key 0'))?.equals(VALUE)).toBe(true);
    for (let i = 0; i < ENTRIES; i++) store.remove(Buffer.from(`key ${String(i)}`));
    await store.spill();
    await store.commit(Buffer.from('removed'));
    expect(await megabytesOf(writer)).toBeLessThan(BOUND_MEGABYTES);
    expect([...store.entries(Buffer.alloc(0), null)]).toEqual([]);
  }, 120_000);
});
