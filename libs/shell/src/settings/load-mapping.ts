import { readFile } from 'node:fs/promises';
import { isNativeError } from 'node:util/types';

import { ChangeoverError, SystemClock, type Clock } from '@changeover/core';
import * as mapping from '@changeover/mapping';
import { createJiti } from 'jiti';

import { functionPlaces } from './function-places.js';

/** A mapping is data: whatever takes longer waits for something that nobody will bring. */
const PATIENCE_MS = 20_000;

/**
 * The mapping that the file gives: JSON, or TypeScript or JavaScript with a default export. Without a file every table keeps its names.
 * MAPPING_INVALID if it cannot be loaded, never comes to its end or does not fit.
 */
export async function loadMapping(file: string | undefined, clock: Clock = new SystemClock()): Promise<mapping.Mapping> {
  if (file === undefined) return mapping.IDENTITY;
  // Not before: it brings along much of what whoever reads no mapping needs nothing of.
  const cleaning = await import('@changeover/cleaning');
  const ours = { '@changeover/mapping': mapping, '@changeover/cleaning': cleaning };
  try {
    const given: unknown = file.endsWith('.json')
      ? JSON.parse(await readFile(file, 'utf8'))
      : await inTime(importDefault(file, ours), clock);
    const wrong = mapping.wrongFunctions(given);
    if (wrong.length > 0) throw new ChangeoverError('MAPPING_INVALID', await functionWords(file, wrong));
    return mapping.parseMapping(given, cleaning.CONVERTERS);
  } catch (cause) {
    if (cause instanceof ChangeoverError) throw new ChangeoverError(cause.code, `${file}: ${cause.message}`, { facts: cause.facts, cause });
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new ChangeoverError('MAPPING_INVALID', `the mapping ${file} cannot be loaded: ${reason}`, { cause });
  }
}

/** With the place of each problem in the file where the function is written; where nobody can tell, that in its text. */
async function functionWords(file: string, wrong: readonly mapping.WrongFunction[]): Promise<string> {
  const places = await functionPlaces(file, wrong);
  const problems = wrong.map(({ custom, part, problem: { message, line, column } }, index) => {
    const text = part === 'fn' ? custom : `the inverse of ${custom}`;
    const place = places[index] ?? `line ${String(line)}, column ${String(column)} of it`;
    return `${place} (${text}): ${message}`;
  });
  return `its own functions have ${String(problems.length)} problem(s): ${problems.join('; ')}`;
}

/** A mapping may stand anywhere, also where no node_modules is near: our own packages are given to it. */
async function importDefault(file: string, virtualModules: Readonly<Record<string, unknown>>): Promise<unknown> {
  const jiti = createJiti(import.meta.url, { virtualModules, moduleCache: false, fsCache: false });
  return jiti.import(file, { default: true });
}

async function inTime(loading: Promise<unknown>, clock: Clock): Promise<unknown> {
  const done = new AbortController();
  try {
    const late = clock.sleep(PATIENCE_MS, done.signal).then(() => null);
    const loaded = await Promise.race([loading.then((value) => ({ value })), late]);
    if (loaded !== null) return loaded.value;
    const what = `it has not come to its end after ${String(PATIENCE_MS / 1_000)} s. Take out what it waits for (a top-level await)`;
    throw new ChangeoverError('MAPPING_INVALID', what);
  } finally {
    done.abort();
  }
}
