import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { ChangeoverError, type Clock } from '@changeover/core';

/** What can be started: all in one, or one of the three processes. */
export const SERVICES = {
  up: ['../../../../apps/cli/bin/changeover.mjs', 'up'],
  capture: ['../../../../apps/capture/dist/main.js'],
  transform: ['../../../../apps/transform/dist/main.js'],
  load: ['../../../../apps/load/dist/main.js'],
} as const satisfies Record<string, readonly [file: string, ...args: string[]]>;

export type Service = keyof typeof SERVICES;

export type ServiceProcessOptions = {
  readonly service: Service;
  readonly settingsFile: string;
  /** Output and errors are appended here. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly args?: readonly string[];
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
};

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** Ends the process ($1) when its input ends before it was released, that is when our own process is gone, by whatever cause. */
const GUARD = 'read -r released || kill -KILL "$1"';

/** How long a process may take to drain before it is killed. */
const DRAIN_MS = 20_000;

/** One Changeover process, as an operator would start it. It does not outlive ours. */
export class ServiceProcess implements AsyncDisposable {
  readonly service: Service;
  readonly pid: number;
  /** Resolves when it is gone. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #options: ServiceProcessOptions;
  #exit: Exit | undefined;

  private constructor(options: ServiceProcessOptions, child: ChildProcess) {
    this.service = options.service;
    this.pid = child.pid as number;
    this.#child = child;
    this.#options = options;
    this.exited = once(child, 'exit').then(
      ([code, signal]) => (this.#exit = { code: code as number | null, signal: signal as NodeJS.Signals | null }),
    );
    const guard = spawn('sh', ['-c', GUARD, 'guard', String(this.pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    guard.stdin.on('error', () => undefined);
    void this.exited.then(() => {
      guard.stdin.end('released\n');
    });
  }

  static async start(options: ServiceProcessOptions): Promise<ServiceProcess> {
    const [file, ...command] = SERVICES[options.service];
    const log = await open(options.logFile, 'a');
    try {
      // A group of its own: Ctrl-C reaches us, and we stop it in order.
      const child = spawn(
        process.execPath,
        [
          ...(options.nodeArgs ?? []),
          fileURLToPath(new URL(file, import.meta.url)),
          ...command,
          '--config',
          options.settingsFile,
          ...(options.args ?? []),
        ],
        {
          detached: true,
          stdio: ['ignore', log.fd, log.fd],
        },
      );
      await once(child, 'spawn');
      return new ServiceProcess(options, child);
    } finally {
      await log.close();
    }
  }

  /** How it ended, or undefined while it lives. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, and SIGKILL if it does not drain in time; resolves when it is gone. */
  async stop(): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit;
    this.signal('SIGTERM');
    const enough = new AbortController();
    void this.#options.clock.sleep(DRAIN_MS, enough.signal).then(() => {
      if (!enough.signal.aborted) this.signal('SIGKILL');
    });
    const exit = await this.exited;
    enough.abort();
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Rejects when it ends by itself, with its last words. */
  async failure(): Promise<never> {
    const { code, signal } = await this.exited;
    throw new ChangeoverError(
      'INTERNAL',
      `${this.service} ended by itself (${signal ?? `exit code ${String(code)}`}); its last words:\n${await this.lastWords()}`,
    );
  }

  async lastWords(): Promise<string> {
    const text = await readFile(this.#options.logFile, 'utf8');
    return text.trimEnd().split('\n').slice(-15).join('\n');
  }
}
