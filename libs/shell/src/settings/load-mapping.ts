import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { isNativeError } from 'node:util/types';
import { Worker } from 'node:worker_threads';

import { ChangeoverError, SystemClock, type Clock, type ErrorCode, type ErrorFacts } from '@changeover/core';
import * as mapping from '@changeover/mapping';

import { functionPlaces } from './function-places.js';

/** A mapping is data: whatever takes longer waits for something that nobody will bring. */
const PATIENCE_MS = 20_000;

/** Specs run what is not built: it is the same thread. */
const THREAD = new URL('../../dist/settings/mapping-thread.js', import.meta.url);

/** What the thread says that loads a mapping. */
export type LoadedElsewhere =
  | { readonly mapping: mapping.Mapping }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string; readonly facts: ErrorFacts } };

/** Whether this process, or thread, has loaded a mapping that is a program: of JavaScript, and what it imports, it would find what it found then. */
let hasImported = false;

/**
 * The mapping that the file gives, as it is now: JSON, or TypeScript or JavaScript with a default export. Without a file every table keeps its names.
 * MAPPING_INVALID if it cannot be loaded, never comes to its end or does not fit.
 */
export async function loadMapping(file: string | undefined, clock: Clock = new SystemClock()): Promise<mapping.Mapping> {
  if (file === undefined) return mapping.IDENTITY;
  if (hasImported && !file.endsWith('.json')) return loadElsewhere(file, clock);
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
    throw about(file, cause);
  }
}

function about(file: string, cause: unknown): ChangeoverError {
  if (cause instanceof ChangeoverError) return new ChangeoverError(cause.code, `${file}: ${cause.message}`, { facts: cause.facts, cause });
  const reason = isNativeError(cause) ? `${placeIn(file, cause)}${withoutRequireStack(cause.message)}` : String(cause);
  return new ChangeoverError('MAPPING_INVALID', `the mapping ${file} cannot be loaded: ${reason}`, { cause });
}

/** Where it was thrown: the first frame that is of the mapping's own files. Empty for what whoever loads them has thrown. */
function placeIn(file: string, { stack = '' }: Error): string {
  const folder = `${dirname(resolve(file))}${sep}`;
  for (const [, path = '', line = '', column = ''] of stack.matchAll(/^ +at (?:.* \()?(?:file:\/\/)?(\/.*?):(\d+):(\d+)\)?$/gmu)) {
    const own = path.startsWith(folder) ? path.slice(folder.length) : null;
    if (own !== null && !own.includes('node_modules')) return `${own}:${line}:${column}: `;
  }
  return '';
}

/** What Node says behind it are files of ours, which help nobody. */
function withoutRequireStack(message: string): string {
  return message.replace(/\nRequire stack:\n[^]*$/u, '');
}

/** In a thread, which imports everything anew. */
async function loadElsewhere(file: string, clock: Clock): Promise<mapping.Mapping> {
  const worker = new Worker(THREAD, { workerData: file });
  // What goes wrong in it behind the mapping is not ours.
  worker.on('error', () => undefined);
  const ended = once(worker, 'exit').then(() => {
    throw new ChangeoverError('MAPPING_INVALID', 'it ends the process that loads it');
  });
  try {
    const said = inTime(Promise.race([once(worker, 'message'), ended]), clock).catch((cause: unknown) => {
      throw about(file, cause);
    });
    const [loaded] = (await said) as [LoadedElsewhere];
    if ('mapping' in loaded) return loaded.mapping;
    const { code, message, facts } = loaded.failed;
    throw new ChangeoverError(code, message, { facts });
  } finally {
    await worker.terminate();
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
  hasImported = true;
  const { createJiti } = await import('jiti');
  const jiti = createJiti(import.meta.url, { virtualModules, moduleCache: false, fsCache: false });
  const module = await jiti.import<object & { readonly [Symbol.toStringTag]?: string }>(file);
  const isCommonJs = !Object.hasOwn(module, '__esModule') && module[Symbol.toStringTag] !== 'Module' && Object.keys(module).length > 0;
  // Either would be a mapping without rules, under which all that is written goes. Asked of the module itself, what is exported as undefined would be the module again.
  const exported = Object.getOwnPropertyDescriptor(module, 'default');
  const isNothing = exported !== undefined && (exported.get === undefined ? exported.value : exported.get.call(module)) === undefined;
  if (isNothing)
    throw new ChangeoverError(
      'MAPPING_INVALID',
      'its default export is undefined: what it names may be spelled otherwise where it is imported from',
    );
  if (!('default' in module) && !isCommonJs) {
    throw new ChangeoverError('MAPPING_INVALID', 'it has no default export: end it with `export default defineMapping({ … });`');
  }
  return 'default' in module ? module.default : module;
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
