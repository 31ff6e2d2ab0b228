import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { RandomIdSource } from '@changeover/core';

import { containerHost, containerLife } from './docker-container.js';
import type { EmbeddedPostgresOptions } from './embedded-postgres.js';
import { freePort } from './free-port.js';
import { RunningPostgres } from './running-server.js';
import { untilPostgresAnswers } from './until-answers.js';

const DATA_IN_CONTAINER = '/changeover';

export async function startDockerPostgres(options: EmbeddedPostgresOptions): Promise<RunningPostgres> {
  const { GenericContainer } = await import('testcontainers');
  const port = options.port ?? (await freePort());
  const password = options.dataDir === undefined ? new RandomIdSource().uuid() : await keptPassword(resolve(options.dataDir));
  const url = `postgres://postgres:${password}@${await containerHost()}:${String(port)}/postgres`;
  const container = new GenericContainer(`postgres:${String(options.major)}`)
    .withEnvironment({ POSTGRES_PASSWORD: password, PGDATA: `${DATA_IN_CONTAINER}/data` })
    .withExposedPorts({ container: 5432, host: port })
    .withCommand(['postgres', ...Object.entries(options.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]);
  if (options.dataDir !== undefined) container.withBindMounts([{ source: resolve(options.dataDir), target: DATA_IN_CONTAINER }]);
  const what = `PostgreSQL ${String(options.major)} in a container`;
  const life = await containerLife(container, () =>
    untilPostgresAnswers(url, { what, alive: () => true, lastWords: () => Promise.resolve('see the container’s log') }),
  );
  return new RunningPostgres(life, url, options.major);
}

/** A cluster remembers its password, so it lies beside the data. */
async function keptPassword(directory: string): Promise<string> {
  const file = join(directory, 'password');
  if (existsSync(file)) return readFile(file, 'utf8');
  const password = new RandomIdSource().uuid();
  await mkdir(directory, { recursive: true });
  await writeFile(file, password, { mode: 0o600 });
  return password;
}
