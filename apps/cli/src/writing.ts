import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { ChangeoverError } from '@changeover/core';

/** What the place that the user chose can be to blame for. */
const REASONS = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'not permitted'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the quota is used up'],
  ['EEXIST', 'a file has that name'],
  ['ENOENT', 'the folder does not exist'],
  ['ENOTDIR', 'a part of the path is no folder'],
  ['EISDIR', 'it is a folder'],
]);

/** Does `write`, which writes to `path`. BAD_SETTINGS if nothing can be written there. */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
    const reason = REASONS.get(code);
    if (reason === undefined) throw cause;
    throw new ChangeoverError('BAD_SETTINGS', `${path} cannot be written: ${reason} (${code})`, { facts: { path, reason: code }, cause });
  }
}

/** BAD_SETTINGS if nothing can be written to `path`, or there is no folder for it: asked before work whose report would be lost with it. */
export async function expectWritable(path: string): Promise<void> {
  await writing(path, async () => {
    const there = await stat(path).catch(() => null);
    if (there?.isDirectory() === true) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    // With the stop at the end of the path a file in the folder's place is none either.
    await access(there === null ? `${dirname(path)}/.` : path, constants.W_OK);
  });
}
