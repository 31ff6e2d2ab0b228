import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import type { StateSettings } from '@changeover/shell';

import { openLeftFolder, openScratchFolder } from './scratch-state.js';

describe('a folder beside the state of transform', () => {
  let home: string;
  let settings: StateSettings;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'changeover-scratch-'));
    settings = { folder: home };
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  const nameOf = (name: string, pid: number): string => `${name}.verify-${hostname()}-${String(pid)}`;

  /** What a process has left that has ended since; `age` in seconds. */
  async function left(name: string, text: string, age: number): Promise<string> {
    const folder = nameOf(name, spawnSync(process.execPath, ['--version']).pid);
    await mkdir(join(home, folder));
    await writeFile(join(home, folder, 'data'), text);
    await utimes(join(home, folder), 1_700_000_000 - age, 1_700_000_000 - age);
    return folder;
  }

  it('goes when it is disposed of, unless it is kept; what others left goes when it is emptied', async () => {
    const others = await left('another', 'of another', 0);
    const crm = await left('crm', 'left', 0);
    await mkdir(join(home, nameOf('crm', process.pid)));
    const before = [others, crm, nameOf('crm', process.pid)].sort();
    {
      // It comes to nothing before it needs its folder.
      await using _ = await openScratchFolder(settings, 'crm');
    }
    expect((await readdir(home)).sort()).toEqual(before);
    {
      await using scratch = await openScratchFolder(settings, 'crm');
      expect((await readdir(home)).sort()).toEqual(before);
      await mkdir(await scratch.empty());
      expect((await readdir(home)).sort()).toEqual([others, nameOf('crm', process.pid)].sort());
    }
    expect(await readdir(home)).toEqual([others]);
    {
      await using scratch = await openScratchFolder(settings, 'crm');
      await mkdir(await scratch.empty());
      scratch.keep();
    }
    expect((await readdir(home)).sort()).toEqual([others, nameOf('crm', process.pid)].sort());
  });

  it('is the last that a process left which is not there any more, under our own name, and not of one that is', async () => {
    await mkdir(join(home, nameOf('crm', process.ppid)));
    expect(await openLeftFolder(settings, 'crm')).toBeNull();
    await left('crm', 'older', 20);
    await left('crm', 'last', 10);
    await left('crm', 'oldest', 30);
    {
      await using scratch = await openLeftFolder(settings, 'crm');
      expect(scratch?.path).toBe(join(home, nameOf('crm', process.pid)));
      expect(await readFile(join(scratch?.path as string, 'data'), 'utf8')).toBe('last');
      scratch?.keep();
    }
    // Of ourselves, as a process of this number before us would have left it.
    await using again = await openLeftFolder(settings, 'crm');
    expect(again?.path).toBeDefined();
  });
});
