import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import type { StateSettings } from '@changeover/shell';
import { stateFolder } from '@changeover/shell';

import { writing } from '../writing.js';

/** A folder for a state of which nothing is kept, beside the one that transform has. */
export type ScratchFolder = AsyncDisposable & {
  /** The folder, with nothing in it that was there before. */
  readonly empty: () => Promise<string>;
};

const MARK = '.verify-';

/** Takes away what processes left that are not there any more. */
export async function openScratchFolder(settings: StateSettings, migration: string): Promise<ScratchFolder> {
  const ours = stateFolder(settings, migration);
  const home = dirname(ours);
  // Of this machine: containers that share a folder may have processes of the same number.
  const prefix = `${migration}${MARK}${hostname()}-`;
  const path = join(home, `${prefix}${String(process.pid)}`);
  await writing(home, async () => {
    await mkdir(home, { recursive: true });
    for (const name of await readdir(home))
      if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length))))
        await rm(join(home, name), { recursive: true, force: true });
  });
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  return { empty: () => remove().then(() => path), [Symbol.asyncDispose]: remove };
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
