import { existsSync } from 'node:fs';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ChangeoverError } from '@changeover/core';
import { probeControl } from '@changeover/control-postgres';
import { startPostgres } from '@changeover/local-services';
import { completeSettings, needsEmbeddedServices, type AllSettings, type CliSettings } from '@changeover/shell';

import { writing } from '../writing.js';

/** Beside the settings file: data of the services that `up` starts, and where they listen. */
const FOLDER = '.changeover';

/** What `up` leaves for the other commands, as long as it lives. Holds a password: for the owner's eyes only. */
type Whereabouts = { readonly url: string };

/** The settings with every address, and the services that were started for it. */
export type ReadyServices = AsyncDisposable & { readonly settings: AllSettings; readonly started: string | null };

const NOTHING_STARTED: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };

/**
 * Starts what the settings leave to us: one PostgreSQL for log and control database, whose data is kept.
 * ALREADY_RUNNING if another process has done so.
 */
export async function startOwnServices(settings: CliSettings, folder: string): Promise<ReadyServices> {
  if (!needsEmbeddedServices(settings)) {
    return { ...NOTHING_STARTED, settings: completeSettings(settings, { url: '' }), started: null };
  }
  await refuseIfRunning(settings, folder);
  const home = join(folder, FOLDER);
  await writing(home, async () => {
    await mkdir(home, { recursive: true });
    await access(home, constants.W_OK);
  });
  const postgres = await startPostgres({ dataDir: dataFolder(folder) });
  const file = whereaboutsFile(folder);
  await writeFile(file, JSON.stringify({ url: postgres.url } satisfies Whereabouts), { mode: 0o600 });
  return {
    settings: completeSettings(settings, { url: postgres.url }),
    started: `PostgreSQL ${String(postgres.major)} under ${home}`,
    async [Symbol.asyncDispose]() {
      await rm(file, { force: true });
      await postgres.stop();
    },
  };
}

/**
 * For who only looks: the settings with the addresses of what a migration has begun to keep here, which is started for that long if nobody
 * runs it. Before there is any such data, the settings as they are.
 */
export async function lookIntoOwnServices(
  settings: CliSettings,
  folder: string,
): Promise<AsyncDisposable & { readonly settings: CliSettings }> {
  const found = needsEmbeddedServices(settings) ? await readWhereabouts(folder) : null;
  if (found !== null && (await answers(found.url))) return { ...NOTHING_STARTED, settings: completeSettings(settings, found) };
  if (!needsEmbeddedServices(settings) || !existsSync(dataFolder(folder))) return { ...NOTHING_STARTED, settings };
  return startOwnServices(settings, folder);
}

/** The settings with every address, where somebody else runs the services. SERVICE_MISSING if nobody does. */
export async function findOwnServices(settings: CliSettings, folder: string): Promise<AllSettings> {
  if (!needsEmbeddedServices(settings)) return completeSettings(settings, { url: '' });
  const found = await readWhereabouts(folder);
  if (found !== null && (await answers(found.url))) return completeSettings(settings, found);
  throw new ChangeoverError(
    'SERVICE_MISSING',
    `nothing runs here: \`changeover up\` starts the services that ${settings.migration} needs, or log.url and control.url name others`,
  );
}

/** Two servers must not share a data directory; the lease that would tell lies in the very server that runs. */
async function refuseIfRunning({ migration }: CliSettings, folder: string): Promise<void> {
  const found = await readWhereabouts(folder);
  if (found === null || !(await answers(found.url))) return;
  throw new ChangeoverError(
    'ALREADY_RUNNING',
    `another process has started the embedded services of migration ${migration} and holds their data; stop it first, --take-over cannot`,
    { facts: { migration } },
  );
}

async function answers(url: string): Promise<boolean> {
  return probeControl(url).then(
    () => true,
    () => false,
  );
}

async function readWhereabouts(folder: string): Promise<Whereabouts | null> {
  const file = whereaboutsFile(folder);
  if (!existsSync(file)) return null;
  return JSON.parse(await readFile(file, 'utf8')) as Whereabouts;
}

function dataFolder(folder: string): string {
  return join(folder, FOLDER, 'postgres');
}

function whereaboutsFile(folder: string): string {
  return join(folder, FOLDER, 'services.json');
}
