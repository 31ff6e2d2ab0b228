import { asChangeoverError, ChangeoverError, NO_POSITION } from '@changeover/core';
import { openControl, probeControl } from '@changeover/control-postgres';
import type { ChangeSource } from '@changeover/events';

import { failed, type Finding } from './finding.js';

type Begun = { readonly migration: string; readonly controlUrl: string | undefined };

/** SOURCE_LOST if the source keeps nothing any more for a migration that was begun, as the control database knows, or cannot go on. Makes nothing there. */
export async function keptFindings(source: ChangeSource, begun: Begun): Promise<readonly Finding[]> {
  try {
    if ((await source.kept()) !== null) return [];
  } catch (error) {
    return failed('source', asChangeoverError(error));
  }
  const reached = await reachedByCapture(begun);
  if (reached === null) return [];
  const message = `the source keeps nothing for us any more, although capture has followed it up to ${reached}`;
  return failed('source', new ChangeoverError('SOURCE_LOST', message, { facts: { position: reached } }));
}

/** Null: it has not begun, or nobody can say; that the control database does not answer is told of that one. */
async function reachedByCapture({ migration, controlUrl }: Begun): Promise<string | null> {
  if (controlUrl === undefined) return null;
  try {
    const { hasSchema, mayUse } = await probeControl(controlUrl);
    if (!hasSchema || !mayUse) return null;
    await using control = await openControl({ url: controlUrl });
    const capture = (await control.leases.statuses(migration)).find(({ role }) => role === 'capture');
    const position = capture?.status?.position ?? NO_POSITION;
    return position === NO_POSITION ? null : position;
  } catch {
    return null;
  }
}
