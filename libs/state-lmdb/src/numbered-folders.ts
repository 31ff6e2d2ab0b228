import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** `7`, and `7-<id>` while it is being filled. */
const NUMBERED = /^([1-9]\d*)(-[0-9a-f-]+)?$/u;

export type NumberedFolder = { readonly path: string; readonly number: number; readonly complete: boolean };

/** The state lies in the complete folder of the highest number; see {@link LmdbStateStore} for why there is more than one. */
export function numberedFolders(base: string): readonly NumberedFolder[] {
  return readdirSync(base).flatMap((name) => {
    const match = NUMBERED.exec(name);
    return match === null ? [] : [{ path: join(base, name), number: Number(match[1]), complete: match[2] === undefined }];
  });
}

export function currentFolder(base: string): NumberedFolder | null {
  mkdirSync(base, { recursive: true });
  const complete = numberedFolders(base).filter((folder) => folder.complete);
  return complete.reduce<NumberedFolder | null>((best, next) => (best === null || next.number > best.number ? next : best), null);
}

/** Whether the folder of this number is gone, or another one takes its place or is about to. */
export function isReplaced(base: string, number: number): boolean {
  const numbers = numberedFolders(base).map((folder) => folder.number);
  return !numbers.includes(number) || Math.max(...numbers) > number;
}
