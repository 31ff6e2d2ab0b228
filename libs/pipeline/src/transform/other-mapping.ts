import { ChangeoverError } from '@changeover/core';

/** The log says that another mapping is active than this process has. Both are given by hash. */
export function otherMapping(active: string, ours: string): ChangeoverError {
  return new ChangeoverError('MAPPING_NOT_ACTIVE', `the active mapping is ${active.slice(0, 12)}, this process has ${ours.slice(0, 12)}`, {
    facts: { active, ours },
  });
}
