import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { ChangeoverError } from '@changeover/core';

import { LmdbStateStore, type StateFolder } from './lmdb-state-store.js';
import { numberedFolders } from './numbered-folders.js';

/** What LMDB keeps in a folder. */
const FILES: ReadonlySet<string> = new Set(['data.mdb', 'lock.mdb']);

/** Whether there is a state in the folder, and the bytes of its files; null: none. Makes nothing, and disturbs no owner. @throws ChangeoverError STATE_UNAVAILABLE */
export async function storedStateBytes(folder: string): Promise<number | null> {
  if (!existsSync(folder)) return null;
  try {
    const sizes = await Promise.all(numberedFolders(folder).map(({ path }) => bytesIn(path)));
    return sizes.length === 0 ? null : sizes.reduce((sum, bytes) => sum + bytes, 0);
  } catch (cause) {
    throw cause instanceof ChangeoverError ? cause : new ChangeoverError('STATE_UNAVAILABLE', `cannot look into ${folder}`, { cause });
  }
}

/**
 * Forgets the state in the folder, whoever owns it: an owner that is still there is fenced (STATE_FENCED). Does nothing where there is none.
 * An empty file takes the place of what is there, which is not read: it may be damaged.
 *
 * @throws ChangeoverError STATE_UNAVAILABLE: it cannot be written, or the folder holds files that are no state's; STATE_FENCED: somebody has opened it meanwhile
 */
export async function emptyStoredState(options: StateFolder): Promise<void> {
  if ((await storedStateBytes(options.folder)) === null) return;
  await using store = await LmdbStateStore.open(options, { anew: true });
  // Where another one was quicker to make the next.
  await store.clear();
}

/** Files of somebody else would go where the folder is replaced. */
async function bytesIn(path: string): Promise<number> {
  const files = await readdir(path);
  const foreign = files.find((name) => !FILES.has(name));
  if (foreign !== undefined) {
    throw new ChangeoverError('STATE_UNAVAILABLE', `${join(path, foreign)} is no file of a state, so the folder is not touched`);
  }
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
