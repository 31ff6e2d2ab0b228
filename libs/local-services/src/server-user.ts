import { chown, mkdir, mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { ChangeoverError } from '@changeover/core';

export type ServerUser = { readonly uid: number; readonly gid: number };

/**
 * Who runs PostgreSQL, which refuses to run as root: `postgres` where there is one, else `nobody` (any user that
 * exists will do; none is created). Undefined where we are not root and run it ourselves.
 */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = entries.find(([entryName]) => entryName === name);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new ChangeoverError('SERVICE_MISSING', 'PostgreSQL does not run as root, and there is no user postgres or nobody to run it as');
}

/** The first directory on the way to `path` that `user` may not pass, or undefined where he gets there. */
export async function blockedAt(path: string, user: ServerUser): Promise<string | undefined> {
  const parents: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    parents.unshift(at);
    if (at === dirname(at)) break;
  }
  for (const parent of parents) {
    const found = await stat(parent).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.isDirectory() && !mayPass(found, user)) return parent;
  }
  return undefined;
}

function mayPass(directory: { readonly mode: number; readonly uid: number; readonly gid: number }, user: ServerUser): boolean {
  if (directory.uid === user.uid) return (directory.mode & 0o100) !== 0;
  if (directory.gid === user.gid) return (directory.mode & 0o010) !== 0;
  return (directory.mode & 0o001) !== 0;
}

/** A fresh directory that belongs to `user` and that he can reach, whatever TMPDIR says. */
export async function temporaryDirectory(prefix: string, user: ServerUser | undefined): Promise<string> {
  const place = await reachableTemporaryPlace(user);
  const directory = await mkdtemp(join(place, prefix));
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  return directory;
}

export async function reachableTemporaryPlace(user: ServerUser | undefined): Promise<string> {
  if (user === undefined) return tmpdir();
  for (const place of [tmpdir(), '/tmp', '/var/tmp']) if ((await blockedAt(place, user)) === undefined) return place;
  throw new ChangeoverError('SERVICE_MISSING', 'neither TMPDIR nor /tmp can be reached by the user that runs PostgreSQL');
}

/** Makes a named directory, for `user` to own. */
export async function namedDirectory(path: string, user: ServerUser | undefined): Promise<string> {
  const directory = resolve(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (user === undefined) return directory;
  const blocked = await blockedAt(dirname(directory), user);
  if (blocked !== undefined) {
    throw new ChangeoverError(
      'SERVICE_MISSING',
      `PostgreSQL does not run as root, and its user cannot pass ${blocked} to reach the data directory`,
      {
        facts: { directory },
      },
    );
  }
  await chown(directory, user.uid, user.gid);
  return directory;
}
