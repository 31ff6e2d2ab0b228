import { mkdtemp, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bytesBelow } from './disk-usage.js';

const MB = 1_000_000;

it('files take what is on the disk: those below, the wanted ones, without their holes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-disk-'));
  try {
    await mkdir(join(folder, 'inner', 'most'), { recursive: true });
    await writeFile(join(folder, 'one.log'), Buffer.alloc(MB, 1));
    await writeFile(join(folder, 'inner', 'most', 'two.log'), Buffer.alloc(2 * MB, 1));
    const hole = await open(join(folder, 'inner', 'hole.index'), 'w');
    await hole.truncate(50 * MB);
    await hole.close();
    expect(Math.round((await bytesBelow(folder)) / MB)).toBe(3);
    expect(Math.round((await bytesBelow(folder, (path) => path.endsWith('two.log'))) / MB)).toBe(2);
  } finally {
    await rm(folder, { recursive: true });
  }
});
