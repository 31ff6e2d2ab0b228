import { ChangeoverError } from '@changeover/core';

/** The log says that another mapping is active than this process has. Both are given by hash. */
export function otherMapping(active: string, ours: string): ChangeoverError {
  const message = `the mapping in force is ${active.slice(0, 12)}, and the mapping file holds another one (${ours.slice(0, 12)})`;
  return new ChangeoverError('MAPPING_NOT_ACTIVE', message, { facts: { active, ours } });
}
