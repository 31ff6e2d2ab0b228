import { ChangeoverError } from '@changeover/core';
import { openControl, probeControl } from '@changeover/control-postgres';
import { mappingHash, type Mapping } from '@changeover/mapping';

type Begun = { readonly migration: string; readonly controlUrl: string };

/** MAPPING_NOT_ACTIVE if the migration was begun with another mapping than this one, as the control database knows. Makes nothing there. */
export async function requireActiveMapping(mapping: Mapping, { migration, controlUrl }: Begun): Promise<void> {
  const { hasSchema, mayUse } = await probeControl(controlUrl);
  if (!hasSchema || !mayUse) return;
  await using control = await openControl({ url: controlUrl });
  const activation = (await control.requests.after(migration, 0)).find(({ kind }) => kind === 'activate-mapping');
  if (activation === undefined) return;
  const { hash: active } = activation.payload as { readonly hash: string };
  const ours = mappingHash(mapping);
  if (active === ours) return;
  throw new ChangeoverError(
    'MAPPING_NOT_ACTIVE',
    `the mapping (${ours.slice(0, 12)}) has changed: ${migration} was begun with another one (${active.slice(0, 12)})`,
    { facts: { migration, active, ours } },
  );
}
