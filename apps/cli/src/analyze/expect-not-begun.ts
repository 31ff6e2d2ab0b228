import { mappingsAskedFor } from '@changeover/app-transform';
import { openControl, probeControl } from '@changeover/control-postgres';
import { ChangeoverError } from '@changeover/core';
import type { CliSettings } from '@changeover/shell';

import { lookIntoOwnServices } from '../services/own-services.js';

/** The mapping of `init`, as it is, may be the one in force: then its file must stay. FILE_EXISTS where the migration has begun with any. */
export async function expectNotBegun(
  settings: CliSettings,
  { folder, file }: { readonly folder: string; readonly file: string },
): Promise<void> {
  await using services = await lookIntoOwnServices(settings, folder);
  const { migration, control } = services.settings;
  if (control.url === undefined || !(await probeControl(control.url)).hasSchema) return;
  await using opened = await openControl({ url: control.url });
  if ((await mappingsAskedFor(opened.requests, migration)).length === 0) return;
  throw new ChangeoverError('FILE_EXISTS', `${file} exists, and ${migration} has begun with a mapping: name another file, or --force`, {
    facts: { file },
  });
}
