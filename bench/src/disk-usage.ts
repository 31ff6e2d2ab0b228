import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const SECTOR = 512;

/** What files below a folder take on disk: of a file with holes, what is there. Those whose paths are not `wanted` do not count. */
export async function bytesBelow(folder: string, wanted: (path: string) => boolean = () => true): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && wanted(path)) bytes += ((await stat(path).catch(() => undefined))?.blocks ?? 0) * SECTOR;
  }
  return bytes;
}
