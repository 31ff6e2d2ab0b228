import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { CrashPointName } from '@changeover/core';

const CLI = fileURLToPath(new URL('../../apps/cli/bin/changeover.mjs', import.meta.url));

type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly out: string; readonly err: string };

/** `changeover rebuild …` in a process of its own. */
export class RebuildCommand implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = '';
  #err = '';
  #heard: () => void = () => undefined;

  constructor(settingsFile: string, args: readonly string[], crashAt?: CrashPointName) {
    this.#child = spawn(process.execPath, [CLI, 'rebuild', ...args, '--config', settingsFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...(crashAt === undefined ? {} : { CHANGEOVER_CRASH_AT: crashAt }) },
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString();
      this.#heard();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#err += chunk.toString();
      this.#heard();
    });
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#heard();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, out: this.#out, err: this.#err };
    });
  }

  /** Resolves when it says this to standard error; fails with what it said where it ends before. */
  async says(text: string): Promise<void> {
    while (!this.#err.includes(text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`ended without saying ${text}\n${this.#out}${this.#err}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  async interrupt(): Promise<Ended> {
    this.#child.kill('SIGINT');
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** What it printed as JSON; fails with all that it said where it did not end in order. */
export async function done(settingsFile: string, args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await new RebuildCommand(settingsFile, [...args, '--json']).ended;
  if (code !== 0) throw new Error(`rebuild ${args.join(' ')} ended with ${String(code)}\n${out}${err}`);
  return JSON.parse(out);
}
