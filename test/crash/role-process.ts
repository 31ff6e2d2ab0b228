import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { CrashPointName } from '@changeover/core';

export const ROLES = ['capture', 'transform', 'load'] as const;
export type Role = (typeof ROLES)[number];

export type RoleExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** Ends the process ($1) when its input ends before it was released: when the test is gone, by whatever cause. */
const GUARD = 'read -r released || kill -KILL "$1"';

/** The end of what a process said is kept for messages. */
const KEPT_CHARACTERS = 20_000;

/** One of the three processes, as an operator starts it; what it says is kept. */
export class RoleProcess {
  readonly role: Role;
  readonly pid: number;
  readonly exited: Promise<RoleExit>;
  readonly #child: ChildProcess;
  #exit: RoleExit | undefined;
  #output = '';
  #errors = '';

  private constructor(role: Role, child: ChildProcess) {
    this.role = role;
    this.pid = child.pid as number;
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-KEPT_CHARACTERS);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-KEPT_CHARACTERS);
    });
    // `close`, not `exit`: then all it said has arrived.
    this.exited = once(child, 'close').then(
      ([code, signal]) => (this.#exit = { code: code as number | null, signal: signal as NodeJS.Signals | null }),
    );
    const guard = spawn('sh', ['-c', GUARD, 'guard', String(this.pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    guard.stdin.on('error', () => undefined);
    void this.exited.then(() => guard.stdin.end('released\n'));
  }

  static async start(
    role: Role,
    options: { readonly settingsFile: string; readonly crashAt?: `${CrashPointName}:${number}`; readonly takeOver?: boolean },
  ): Promise<RoleProcess> {
    const main = fileURLToPath(new URL(`../../apps/${role}/dist/main.js`, import.meta.url));
    const child = spawn(process.execPath, [main, '--config', options.settingsFile, ...(options.takeOver === true ? ['--take-over'] : [])], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...(options.crashAt === undefined ? {} : { CHANGEOVER_CRASH_AT: options.crashAt }) },
    });
    await once(child, 'spawn');
    return new RoleProcess(role, child);
  }

  get exit(): RoleExit | undefined {
    return this.#exit;
  }

  /** What it wrote to standard error: nothing but how it failed. */
  get errors(): string {
    return this.#errors;
  }

  /** The end of its log. */
  get output(): string {
    return this.#output;
  }

  /** The stable code that it ended with. */
  get code(): string | undefined {
    return /^changeover: ([A-Z_]+):/mu.exec(this.#errors)?.[1];
  }

  /** The end of its log, for a failed test's message. */
  get lastWords(): string {
    return `${this.role} (pid ${String(this.pid)}, ${JSON.stringify(this.#exit ?? 'running')})\n${this.#errors}\n${this.#output.trimEnd().split('\n').slice(-12).join('\n')}`;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM; what it exits with. */
  async stop(): Promise<RoleExit> {
    if (this.#exit === undefined) this.signal('SIGTERM');
    return await this.exited;
  }

  /** SIGSTOP; resolves when the kernel says that it stands. */
  async pause(): Promise<void> {
    this.signal('SIGSTOP');
    for (;;) {
      const stat = await readFile(`/proc/${String(this.pid)}/stat`, 'utf8');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
    }
  }

  resume(): void {
    this.signal('SIGCONT');
  }
}
