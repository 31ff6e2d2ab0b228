import { createHash } from 'node:crypto';

import { ChangeoverError } from '@changeover/core';
import type { RequestQueue } from '@changeover/control-postgres';
import type { Mapping } from '@changeover/mapping';

/**
 * Asks for the activation of the migration's first mapping. The request's id follows from the migration, so it counts once, whoever asks;
 * with another mapping it is refused (MAPPING_NOT_ACTIVE).
 */
export async function activateFirstMapping(
  requests: RequestQueue,
  { migration, mapping, hash }: { readonly migration: string; readonly mapping: Mapping; readonly hash: string },
): Promise<void> {
  try {
    await requests.submit({ migration, id: firstActivationId(migration), kind: 'activate-mapping', payload: { hash, mapping } });
  } catch (error) {
    if (!(error instanceof ChangeoverError) || error.code !== 'REQUEST_CONFLICT') throw error;
    throw new ChangeoverError(
      'MAPPING_NOT_ACTIVE',
      `the mapping of this process (${hash.slice(0, 12)}) is not the one that ${migration} was begun with`,
      {
        facts: { migration, ours: hash },
        cause: error,
      },
    );
  }
}

/** A UUID of version 8 (RFC 9562): of our own making, the same for the same migration. */
function firstActivationId(migration: string): string {
  const hex = createHash('sha256').update(`first mapping of ${migration}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
