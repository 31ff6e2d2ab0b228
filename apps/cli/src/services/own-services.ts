import { existsSync } from 'node:fs';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ChangeoverError, type Clock } from '@changeover/core';
import { probeControl } from '@changeover/control-postgres';
import { completeSettings, needsEmbeddedServices, type AllSettings, type CliSettings } from '@changeover/shell';
import { aborted } from '@changeover/shell/process';

import { writing } from '../writing.js';

/** Beside the settings file: data of the services that `up` starts, and where they listen. */
const FOLDER = '.changeover';

/** What `up` leaves for the other commands, as long as it lives. Holds a password: for the owner's eyes only. */
type Whereabouts = { readonly url: string; readonly pid: number };

/** So often in a row a server may not answer: a crash of one of its own processes keeps it away for a moment. */
const SILENCES_AT_MOST = 4;
const LOOK_MS = 5_000;

/** The settings with every address, and the services that were started for it. */
export type ReadyServices = AsyncDisposable & {
  readonly settings: AllSettings;
  readonly started: string | null;
  /** Rejects (SERVICE_MISSING) when what was started has ended; resolves when `signal` aborts. */
  watch(clock: Clock, signal: AbortSignal): Promise<void>;
};

const NOTHING_STARTED: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };

/**
 * Starts what the settings leave to us: one PostgreSQL for log and control database, whose data is kept.
 * ALREADY_RUNNING if another process has done so.
 */
export async function startOwnServices(settings: CliSettings, folder: string): Promise<ReadyServices> {
  if (!needsEmbeddedServices(settings)) {
    return {
      ...NOTHING_STARTED,
      settings: completeSettings(settings, { url: '' }),
      started: null,
      watch: (_clock, signal) => aborted(signal),
    };
  }
  await refuseIfRunning(settings, folder);
  const home = join(folder, FOLDER);
  await writing(home, async () => {
    await mkdir(home, { recursive: true });
    await access(home, constants.W_OK);
  });
  // Who finds them running does not wait for what starts them.
  const { startPostgres } = await import('@changeover/local-services');
  const postgres = await startPostgres({ dataDir: dataFolder(folder) });
  const file = whereaboutsFile(folder);
  await writeFile(file, JSON.stringify({ url: postgres.url, pid: process.pid } satisfies Whereabouts), { mode: 0o600 });
  return {
    settings: completeSettings(settings, { url: postgres.url }),
    started: `PostgreSQL ${String(postgres.major)} under ${home}`,
    watch: (clock, signal) => watchServer(postgres.url, { home, clock, signal }),
    async [Symbol.asyncDispose]() {
      // Where ours had ended, another process may have started it anew.
      if ((await readWhereabouts(folder))?.pid === process.pid) await rm(file, { force: true });
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
  if (found !== null) throw serverSilent(settings, found);
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

/** The roles would wait for it for ever: an address that nobody gave is nobody's to bring back but ours, by another start. */
async function watchServer(
  url: string,
  { home, clock, signal }: { readonly home: string; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  let silences = 0;
  while (!signal.aborted) {
    silences = (await answers(url)) ? 0 : silences + 1;
    if (silences === SILENCES_AT_MOST) {
      throw new ChangeoverError(
        'SERVICE_MISSING',
        `the PostgreSQL of our own under ${home}, which holds the log, does not answer any more (postgres/server.log there may say why); start \`changeover up\` again, it goes on where it was`,
      );
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Whoever started it did not come to say that it has ended. */
function serverSilent({ migration }: CliSettings, { pid }: Whereabouts): ChangeoverError {
  const process = isAlive(pid)
    ? 'still runs and ends within a minute; if it does not, stop it. Then start it again'
    : 'is gone without having stopped it: start it again';
  return new ChangeoverError(
    'SERVICE_MISSING',
    `the settings leave the log of ${migration} to a PostgreSQL of our own, which does not answer. \`changeover up\` (process ${String(pid)}) ${process}`,
    { facts: { migration, pid } },
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's is alive all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
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
