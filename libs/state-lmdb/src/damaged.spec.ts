import { mkdir, mkdtemp, open as openFile, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LmdbStateStore } from './lmdb-state-store.js';
import { StateOwner } from './test/state-owner.js';

const ALL = Buffer.alloc(0);
const PAGE = 4096;
/** Where LMDB's pages have their flags, and the one of a page that only leads to others. */
const FLAGS = 18;
const BRANCH = 1;

describe('a state whose file', () => {
  let folder: string;
  let file: string;
  let opened: LmdbStateStore | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'changeover-state-'));
    file = join(folder, '1', 'data.mdb');
  });
  afterEach(async () => {
    await opened?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function open(name = 'test'): Promise<LmdbStateStore> {
    opened = await LmdbStateStore.open({ folder, name });
    return opened;
  }

  /** Some megabytes, small values and large ones. */
  async function fill(): Promise<void> {
    const store = await open();
    for (let i = 0; i < 5000; i++) store.put(Buffer.from(`key ${String(i)}`), Buffer.alloc(i % 1000 === 0 ? 100_000 : 300, i));
    await store.commit(Buffer.from('filled'));
    await store[Symbol.asyncDispose]();
  }

  /** As a kill leaves it. */
  async function leaveOpen(): Promise<void> {
    await using owner = new StateOwner(folder, 'own');
    expect(await owner.next()).toBe('open');
  }

  async function overwrite(from: number, bytes: Buffer): Promise<void> {
    const handle = await openFile(file, 'r+');
    await handle.write(bytes, 0, bytes.length, from);
    await handle.close();
  }

  async function expectNew(lost: 'damaged' | 'other format', name?: string): Promise<void> {
    const store = await open(name);
    expect([store.lost, store.place, [...store.entries(ALL, null)].length]).toEqual([lost, null, 0]);
    store.put(Buffer.from('key 1'), Buffer.from('new'));
    await store.commit(Buffer.from('new'));
    expect(store.get(Buffer.from('key 1'))?.toString()).toBe('new');
    expect(await readdir(folder)).toEqual(['2']);
    await store[Symbol.asyncDispose]();
    expect((await open(name)).lost).toBeNull();
  }

  it('is whole is used, also as a kill leaves it', async () => {
    await fill();
    await leaveOpen();
    const store = await open();
    expect([store.lost, store.place?.toString(), [...store.entries(ALL, null)].length]).toEqual([null, 'filled', 5000]);
  });

  it.each([0, 1, PAGE, 2 * PAGE, 3 * PAGE])('was cut to %d bytes begins anew', async (length) => {
    await fill();
    await truncate(file, length);
    await expectNew('damaged');
  });

  it('lost its second half begins anew', async () => {
    await fill();
    await truncate(file, Math.trunc((await stat(file)).size / 2));
    await expectNew('damaged');
  });

  it('lost a few pages at its end begins anew', async () => {
    await fill();
    await truncate(file, (await stat(file)).size - 20 * PAGE);
    await expectNew('damaged');
  });

  it('has another header begins anew', async () => {
    await fill();
    await overwrite(0, Buffer.alloc(2 * PAGE, 0x5a));
    await expectNew('damaged');
  });

  it.each([0x00, 0x5a, 0xff])('has pages overwritten with %d, and was not closed, begins anew', async (byte) => {
    await fill();
    await leaveOpen();
    const { size } = await stat(file);
    await overwrite(2 * PAGE, Buffer.alloc(size - 2 * PAGE, byte));
    await expectNew('damaged');
  });

  it.each([0x00, 0x5a, 0xff])('has the pages of its trees overwritten with %d, and was not closed, begins anew', async (byte) => {
    await fill();
    await leaveOpen();
    const bytes = await readFile(file);
    const places = Array.from({ length: bytes.length / PAGE }, (_, page) => page * PAGE);
    const trees = places.filter((at) => at >= 2 * PAGE && bytes.readUInt16LE(at + FLAGS) === BRANCH);
    expect(trees).not.toEqual([]);
    for (const at of trees) await overwrite(at, Buffer.alloc(PAGE, byte));
    await expectNew('damaged');
  });

  it('lost a few pages at its end, with spilled changes among them, begins anew', async () => {
    await fill();
    {
      await using owner = new StateOwner(folder, 'own');
      expect(await owner.next()).toBe('open');
      for (let i = 0; i < 5000; i++) owner.tell(`put key${String(i)} spilled`);
      for (let i = 0; i < 5000; i++) await owner.next();
      expect(await owner.ask('spill')).toBe('done');
    }
    await truncate(file, (await stat(file)).size - 20 * PAGE);
    await expectNew('damaged');
  });

  it('is gone begins anew', async () => {
    await fill();
    await rm(file);
    await expectNew('damaged');
  });

  it('belongs to another name begins anew', async () => {
    await fill();
    await expectNew('other format', 'another');
  });

  it('was half copied by somebody who ended is used', async () => {
    await fill();
    await mkdir(join(folder, '2-0000'));
    const store = await open();
    expect([store.lost, store.place?.toString()]).toEqual([null, 'filled']);
    await store.commit(Buffer.from('next'));
    expect(await readdir(folder)).toEqual(['1']);
  });
});
