import { ChangeoverError } from '@changeover/core';
import { openControl, probeControl } from '@changeover/control-postgres';
import { mappingHash, type Mapping } from '@changeover/mapping';

import { notRefused } from '../activate/asked-for.js';

type Begun = { readonly migration: string; readonly controlUrl: string };

/** MAPPING_NOT_ACTIVE if another mapping than this one was activated last, as the control database knows. Makes nothing there. */
export async function requireActiveMapping(mapping: Mapping, { migration, controlUrl }: Begun): Promise<void> {
  const { hasSchema, mayUse } = await probeControl(controlUrl);
  if (!hasSchema || !mayUse) return;
  await using control = await openControl({ url: controlUrl });
  const active = (await notRefused(control, migration)).at(-1)?.hash;
  const ours = mappingHash(mapping);
  if (active === undefined || active === ours) return;
  throw new ChangeoverError(
    'MAPPING_NOT_ACTIVE',
    `the mapping (${ours.slice(0, 12)}) has changed: that of ${migration} is another one (${active.slice(0, 12)})`,
    { facts: { migration, active, ours } },
  );
}
