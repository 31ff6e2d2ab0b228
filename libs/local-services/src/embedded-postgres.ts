import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ChangeoverError, RandomIdSource } from '@changeover/core';

import type { PostgresMajor } from './choose-service.js';
import { runnableBinaries } from './embedded-binaries.js';
import { freePort } from './free-port.js';
import { endOfFile, OwnedProcess } from './owned-process.js';
import { RunningPostgres, type ServerLife } from './running-server.js';
import { namedDirectory, serverUser, type ServerUser, temporaryDirectory } from './server-user.js';
import { untilPostgresAnswers } from './until-answers.js';

export type EmbeddedPostgresOptions = {
  readonly major: PostgresMajor;
  readonly settings: Readonly<Record<string, string>>;
  readonly dataDir?: string | undefined;
  readonly port?: number | undefined;
};

/** PostgreSQL from npm. Its own processes are started directly: the package's class can neither kill nor restart. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<RunningPostgres> {
  const user = await serverUser();
  const home =
    options.dataDir === undefined ? await temporaryDirectory('changeover-pg-', user) : await namedDirectory(options.dataDir, user);
  const server = new EmbeddedPostgres(options, await runnableBinaries(options.major, user), home, user);
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await server.remove();
    throw error;
  }
  return new RunningPostgres(server, server.url, options.major);
}

class EmbeddedPostgres implements ServerLife {
  readonly origin = 'embedded';
  readonly #options: EmbeddedPostgresOptions;
  readonly #binaries: string;
  readonly #home: string;
  readonly #user: ServerUser | undefined;
  #process: OwnedProcess | undefined;
  #port: number;
  #password = '';

  constructor(options: EmbeddedPostgresOptions, binaries: string, home: string, user: ServerUser | undefined) {
    this.#options = options;
    this.#binaries = binaries;
    this.#home = home;
    this.#user = user;
    this.#port = options.port ?? 0;
  }

  get url(): string {
    return `postgres://postgres:${this.#password}@127.0.0.1:${String(this.#port)}/postgres`;
  }

  pid(): number | undefined {
    return this.#process?.alive === true ? this.#process.pid : undefined;
  }

  /** Makes the cluster, unless a named directory already holds one. */
  async initialise(): Promise<void> {
    const passwordFile = join(this.#home, 'password');
    if (existsSync(join(this.#data, 'PG_VERSION'))) {
      this.#password = await readFile(passwordFile, 'utf8');
      return;
    }
    this.#password = new RandomIdSource().uuid();
    await writeFile(passwordFile, this.#password, { mode: 0o600 });
    if (this.#user !== undefined) await chown(passwordFile, this.#user.uid, this.#user.gid);
    const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C';
    const args = [
      '-D',
      this.#data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      `--locale=${locale}`,
      '--no-sync',
    ];
    await promisify(execFile)(join(this.#binaries, 'bin/initdb'), args, { cwd: this.#home, ...this.#user }).catch((cause: unknown) => {
      throw new ChangeoverError('SERVICE_MISSING', `initdb of PostgreSQL ${String(this.#options.major)} failed: ${String(cause)}`, {
        cause,
      });
    });
  }

  async start(): Promise<void> {
    // Kept over restarts: clients reconnect to the address they know.
    if (this.#port === 0) this.#port = await freePort();
    const settings: Readonly<Record<string, string>> = {
      listen_addresses: '127.0.0.1',
      port: String(this.#port),
      // Nobody needs one, and its path has a length limit that deep directories break.
      unix_socket_directories: '',
      ...this.#options.settings,
    };
    const before = this.#process;
    this.#process = await OwnedProcess.spawn({
      command: join(this.#binaries, 'bin/postgres'),
      args: ['-D', this.#data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: this.#home,
      logFile: this.#log,
      user: this.#user,
      orphanSignal: 'QUIT',
      orphanedData: this.#options.dataDir === undefined ? this.#home : undefined,
    });
    before?.release();
    const started = this.#process;
    await untilPostgresAnswers(this.url, {
      what: `PostgreSQL ${String(this.#options.major)}`,
      alive: () => started.alive,
      lastWords: () => endOfFile(this.#log),
    });
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGINT');
  }

  async remove(): Promise<void> {
    const temporary = this.#options.dataDir === undefined;
    await this.#process?.end(temporary ? 'SIGQUIT' : 'SIGINT');
    if (temporary) await rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
    this.#process?.release();
  }

  get #data(): string {
    return join(this.#home, 'data');
  }

  get #log(): string {
    return join(this.#home, 'server.log');
  }
}
