import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import type { StateSettings } from '@changeover/shell';
import { stateFolder } from '@changeover/shell';

import { writing } from '../writing.js';

/** A folder for a state beside the one that transform has, which goes when it is disposed of. */
export type ScratchFolder = AsyncDisposable & {
  readonly path: string;
  /** The folder, with nothing in it that was there before; takes away what processes left that are not there any more. */
  readonly empty: () => Promise<string>;
  /** From now on it stays: another process may go on with what is in it. */
  readonly keep: () => void;
};

const MARK = '.verify-';

/** What others left stays until it is emptied: who fails before that has taken nothing away that somebody may go on with. */
export async function openScratchFolder(settings: StateSettings, name: string): Promise<ScratchFolder> {
  return folderAt((await foldersOf(settings, name)).path, () => removeLeftFolders(settings, name));
}

/** For somebody who needs none himself. */
export async function removeLeftFolders(settings: StateSettings, name: string): Promise<void> {
  const { home, left } = await foldersOf(settings, name);
  await writing(home, async () => {
    for (const one of left) await rm(one, { recursive: true, force: true });
  });
}

/** What a process left that is not there any more, the last of them; null: nothing. */
export async function openLeftFolder(settings: StateSettings, name: string): Promise<ScratchFolder | null> {
  const { home, path, left } = await foldersOf(settings, name);
  return writing(home, async () => {
    const changed = await Promise.all(left.map(async (one) => ({ one, ms: (await stat(one)).mtimeMs })));
    const last = changed.sort((a, b) => b.ms - a.ms)[0]?.one;
    if (last === undefined) return null;
    if (last !== path) await rename(last, path);
    return folderAt(path);
  });
}

async function foldersOf(settings: StateSettings, name: string) {
  const ours = stateFolder(settings, name);
  const home = dirname(ours);
  // Of this machine: containers that share a folder may have processes of the same number.
  const prefix = `${name}${MARK}${hostname()}-`;
  const left = await writing(home, async () => {
    await mkdir(home, { recursive: true });
    return (await readdir(home)).filter((one) => one.startsWith(prefix) && !isAlive(Number(one.slice(prefix.length))));
  });
  return { home, path: join(home, `${prefix}${String(process.pid)}`), left: left.map((one) => join(home, one)) };
}

/** `makeRoom`: left out where what is in it is ours from the beginning. */
function folderAt(path: string, makeRoom?: () => Promise<void>): ScratchFolder {
  // A process before us may have had our number.
  let isToGo = makeRoom === undefined;
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  return {
    path,
    empty: async () => {
      await makeRoom?.();
      isToGo = true;
      await remove();
      return path;
    },
    keep: () => {
      isToGo = false;
    },
    [Symbol.asyncDispose]: async () => {
      if (isToGo) await remove();
    },
  };
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
