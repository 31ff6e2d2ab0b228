import { createHash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';
import type { RequestQueue } from '@changeover/control-postgres';
import { mappingHash, type Mapping } from '@changeover/mapping';

/**
 * Asks for the activation of the migration's first mapping, unless one was asked for before. The request's id follows from the migration, so it counts once, whoever asks;
 * with another mapping than the first one, or the one that was asked for last, it is refused (MAPPING_NOT_ACTIVE).
 */
export async function activateFirstMapping(requests: RequestQueue, migration: string, mapping: Mapping): Promise<void> {
  const hash = mappingHash(mapping);
  try {
    await requests.submit({ migration, id: firstActivationId(migration), kind: 'activate-mapping', payload: { hash, mapping } });
  } catch (error) {
    if (!(error instanceof ChangeoverError) || error.code !== 'REQUEST_CONFLICT') throw error;
    // Which one is in force, the log says; a process may have to start before it has come to that.
    const asked = await mappingsAskedFor(requests, migration);
    if (asked.some((one) => one.hash === hash)) return;
    const last = asked.at(-1)?.hash ?? null;
    throw new ChangeoverError(
      'MAPPING_NOT_ACTIVE',
      `the mapping file holds one that was never activated in ${migration} (${hash.slice(0, 12)}); the last one that was asked for is ${last?.slice(0, 12) ?? 'not known'}`,
      { facts: { migration, lastAskedFor: last, ours: hash }, cause: error },
    );
  }
}

/** A mapping whose activation was asked for, and the id of the request. */
export type AskedFor = { readonly id: string; readonly hash: string; readonly mapping: unknown };

/** All of them, in the order in which they count. */
export async function mappingsAskedFor(requests: RequestQueue, migration: string): Promise<readonly AskedFor[]> {
  return (await requests.ofKind(migration, 'activate-mapping')).map(({ id, payload }) => {
    const { hash, mapping } = payload as Omit<AskedFor, 'id'>;
    return { id, hash, mapping };
  });
}

/** A UUID of version 8 (RFC 9562): of our own making, the same for the same migration. */
function firstActivationId(migration: string): string {
  const hex = createHash('sha256').update(`first mapping of ${migration}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
