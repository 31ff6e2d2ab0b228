import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { LmdbStateStore } from './lmdb-state-store.js';
import { emptyStoredState, storedStateBytes } from './stored-state.js';
import { contentOf, StateBed } from './test/state-bed.js';

const PAGE = 4096;

/** Where LMDB's pages have their flags, and the one of a page that only leads to others. */
const FLAGS = 18;
const BRANCH = 1;

/** Behind it are the places of a page's nodes, counted from there; a node begins with the number of the page that it leads to. */
const HEADER = 24;
const isBranch = (bytes: Buffer, at: number): boolean => bytes.readUInt16LE(at + FLAGS) === BRANCH;

async function fill(bed: StateBed, entries = 3): Promise<LmdbStateStore> {
  const store = await bed.open();
  for (let i = 0; i < entries; i++) store.put(Buffer.from(`key ${String(i)}`), Buffer.alloc(300, i));
  store.addMember(Buffer.from('set'), Buffer.from('member'));
  await store.commit(Buffer.from('filled'));
  return store;
}

describe('a stored state', () => {
  let bed: StateBed;
  beforeEach(async () => {
    bed = await StateBed.make();
  });
  afterEach(() => bed[Symbol.asyncDispose]());

  const empty = () => emptyStoredState({ folder: bed.folder, name: 'test' });

  it('that is not there is not made', async () => {
    const none = join(bed.folder, 'none');
    expect(await storedStateBytes(none)).toBeNull();
    expect(await storedStateBytes(bed.folder)).toBeNull();
    await emptyStoredState({ folder: none, name: 'test' });
    await empty();
    expect(await readdir(bed.folder)).toEqual([]);
  });

  it('has a size, is emptied as a whole, and begins without a place', async () => {
    await (await fill(bed, 100))[Symbol.asyncDispose]();
    const { size } = await stat(join(bed.folder, '1', 'data.mdb'));
    expect(size).toBeGreaterThan(100 * 300);
    expect(await storedStateBytes(bed.folder)).toBeGreaterThanOrEqual(size);
    await empty();
    const store = await bed.open();
    expect([store.lost, store.place, contentOf(store), store.members(Buffer.from('set'), null, 1)]).toEqual([null, null, [], []]);
  });

  it('is emptied under its owner, who can commit nothing more', async () => {
    const owner = await fill(bed);
    await empty();
    owner.put(Buffer.from('late'), Buffer.from('late'));
    await expect(owner.commit(Buffer.from('late'))).rejects.toMatchObject({ code: 'STATE_FENCED' });
    expect((await bed.open()).place).toBeNull();
  });

  it('is not touched where its folder holds somebody else’s files', async () => {
    await (await fill(bed))[Symbol.asyncDispose]();
    await mkdir(join(bed.folder, '2'));
    await writeFile(join(bed.folder, '2', 'photo'), 'theirs');
    await expect(empty()).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE', message: expect.stringContaining(join('2', 'photo')) });
    expect(await readFile(join(bed.folder, '2', 'photo'), 'utf8')).toBe('theirs');
    await rm(join(bed.folder, '2'), { recursive: true });
    expect((await bed.open()).place?.toString()).toBe('filled');
  });

  it('is emptied without being read: where a page leads to itself, LMDB would not come to an end', async () => {
    await (await fill(bed, 20_000))[Symbol.asyncDispose]();
    const file = join(bed.folder, '1', 'data.mdb');
    const bytes = await readFile(file);
    let circles = 0;
    for (let at = 2 * PAGE; at < bytes.length; at += PAGE) {
      if (!isBranch(bytes, at)) continue;
      const first = at + HEADER + bytes.readUInt16LE(at + HEADER);
      bytes.writeUInt32LE(at / PAGE, first);
      circles++;
    }
    expect(circles).toBeGreaterThan(3);
    await writeFile(file, bytes);
    await empty();
    const store = await bed.open();
    expect([store.place, contentOf(store)]).toEqual([null, []]);
  });

  it.each([0x00, 0x5a, 0xff])('whose tree holds nothing but %d, which nobody has noticed yet, begins anew', async (byte) => {
    await (await fill(bed, 20_000))[Symbol.asyncDispose]();
    const file = join(bed.folder, '1', 'data.mdb');
    const bytes = await readFile(file);
    const branches = Array.from({ length: bytes.length / PAGE }, (_, page) => page * PAGE).filter(
      (at) => at >= 2 * PAGE && isBranch(bytes, at),
    );
    expect(branches.length).toBeGreaterThan(3);
    for (const at of branches) bytes.fill(byte, at, at + PAGE);
    await writeFile(file, bytes);
    await empty();
    const store = await bed.open();
    expect([store.place, contentOf(store)]).toEqual([null, []]);
  });
});
