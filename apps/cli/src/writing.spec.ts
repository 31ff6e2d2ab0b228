import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeScaffold } from './init/scaffold.js';
import { expectWritable, writing } from './writing.js';

test('a place where nothing can be written is a bad setting, with path and reason', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'changeover-writing-'));
  try {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const [place, reason] of [
      [join(folder, 'none'), 'ENOENT'],
      [file, 'ENOTDIR'],
    ] as const) {
      const settings = join(place, 'changeover.json');
      const refused = { code: 'BAD_SETTINGS', facts: { path: settings, reason } };
      await expect(writeScaffold(settings)).rejects.toMatchObject(refused);
      await expect(expectWritable(settings)).rejects.toMatchObject(refused);
    }
    await expect(expectWritable(join(folder, 'new'))).resolves.toBeUndefined();
    await expect(expectWritable(file)).resolves.toBeUndefined();
    await expect(expectWritable(folder)).rejects.toMatchObject({ code: 'BAD_SETTINGS', facts: { path: folder, reason: 'EISDIR' } });
    expect(await readdir(folder)).toEqual(['file']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('another failure stays what it is', async () => {
  const error = new Error('other');
  await expect(writing('place', () => Promise.reject(error))).rejects.toBe(error);
});
