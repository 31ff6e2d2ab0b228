import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isNativeError } from 'node:util/types';

import { ChangeoverError } from '@changeover/core';
import { IDENTITY, parseMapping, type Mapping } from '@changeover/mapping';
import { createJiti } from 'jiti';

/**
 * The mapping that the file gives: JSON, or TypeScript or JavaScript with a default export. Without a file every table keeps its names.
 * MAPPING_INVALID if it cannot be loaded or does not fit.
 */
export async function loadMapping(file: string | undefined): Promise<Mapping> {
  if (file === undefined) return IDENTITY;
  try {
    return parseMapping(file.endsWith('.json') ? JSON.parse(await readFile(file, 'utf8')) : await importDefault(file));
  } catch (cause) {
    if (cause instanceof ChangeoverError) throw new ChangeoverError(cause.code, `${file}: ${cause.message}`, { facts: cause.facts, cause });
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new ChangeoverError('MAPPING_INVALID', `the mapping ${file} cannot be loaded: ${reason}`, { cause });
  }
}

/** A mapping may stand anywhere, also where no node_modules is near: our own package is found from here. */
async function importDefault(file: string): Promise<unknown> {
  const alias = { '@changeover/mapping': fileURLToPath(import.meta.resolve('@changeover/mapping')) };
  const jiti = createJiti(import.meta.url, { alias, moduleCache: false, fsCache: false });
  return jiti.import(file, { default: true });
}
