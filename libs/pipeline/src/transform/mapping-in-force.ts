import { ChangeoverError } from '@changeover/core';
import { decodeJsonBody, type EventLog, type RecordRef, type StreamName } from '@changeover/events';
import { mappingHash, parseMapping, type Converters, type Mapping } from '@changeover/mapping';

import { otherMapping } from './other-mapping.js';
import type { RefusedActivation } from './transform-place.js';

/** The mapping in force, and the record of `changes` that activated it. */
export type ActiveMapping = { readonly ref: RecordRef; readonly hash: string; readonly mapping: Mapping };

/** What the log tells there: a mapping is plain data, so nobody needs its file to do again what was done under it. */
export async function mappingAt(log: EventLog, changes: StreamName, ref: RecordRef, converters: Converters): Promise<ActiveMapping> {
  const { hash, mapping } = decodeJsonBody('mapping-activated', await log.fetch(changes, ref));
  return { ref, hash, mapping: parseMapping(mapping, converters) };
}

/** ACTIVATION_REFUSED, of one that the log tells and that came to nothing. */
export function refusedActivation({ hash, seq, code, reason }: RefusedActivation): ChangeoverError {
  const message = `mapping ${hash.slice(0, 12)} was refused at record ${String(seq)} of changes, and the one before it stays in force: ${code}: ${reason}`;
  return new ChangeoverError('ACTIVATION_REFUSED', message, { facts: { mapping: hash, record: seq, refusedAs: code } });
}

/** What is new is derived only where the mapping's file is at hand, as it is now. MAPPING_NOT_ACTIVE where that is another one. */
export async function requireOurs(hash: string, file: () => Promise<Mapping>): Promise<void> {
  const ours = mappingHash(await file());
  if (ours !== hash) throw otherMapping(hash, ours);
}
