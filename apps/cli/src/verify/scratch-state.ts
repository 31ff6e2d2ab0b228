import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import type { StateSettings } from '@changeover/shell';
import { stateFolder } from '@changeover/shell';

import { writing } from '../writing.js';

/** A folder for a state beside the one that transform has, which goes when it is disposed of. */
export type ScratchFolder = AsyncDisposable & {
  readonly path: string;
  /** The folder, with nothing in it that was there before. */
  readonly empty: () => Promise<string>;
  /** From now on it stays: another process may go on with what is in it. */
  readonly keep: () => void;
};

const MARK = '.verify-';

/** Takes away what processes left that are not there any more. */
export async function openScratchFolder(settings: StateSettings, name: string): Promise<ScratchFolder> {
  return folderAt(await removeLeftFolders(settings, name));
}

/** The same, for somebody who needs none; gives where one of this process would be. */
export async function removeLeftFolders(settings: StateSettings, name: string): Promise<string> {
  const { home, path, left } = await foldersOf(settings, name);
  await writing(home, async () => {
    for (const one of left) await rm(one, { recursive: true, force: true });
  });
  return path;
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

function folderAt(path: string): ScratchFolder {
  let isKept = false;
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  return {
    path,
    empty: () => remove().then(() => path),
    keep: () => {
      isKept = true;
    },
    [Symbol.asyncDispose]: async () => {
      if (!isKept) await remove();
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
