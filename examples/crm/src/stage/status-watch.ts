import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { SERVICES } from './service-process.js';

export type CopyState = {
  readonly table: string;
  readonly rows: number;
  readonly estimatedRows: number | null;
  readonly rowsPerSecond: number;
};

/** What we read of one role of `changeover status --json`. */
export type RoleState = {
  readonly role: 'capture' | 'transform' | 'load';
  readonly status: {
    readonly rowsPerSecond: number;
    readonly lagMs: number | null;
    readonly details: Readonly<Record<string, string | number>>;
    /** Tables whose copies are not finished. */
    readonly copies?: readonly CopyState[];
  } | null;
};

/** `changeover status --watch`, as an operator would have it open: what the three roles said last. */
export class StatusWatch implements AsyncDisposable {
  readonly #child: ChildProcess;
  #roles: readonly RoleState[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static start(settingsFile: string): StatusWatch {
    const cli = fileURLToPath(new URL(SERVICES.up[0], import.meta.url));
    // It ends with us: nobody reads what it writes then.
    const child = spawn(process.execPath, [cli, 'status', '--json', '--watch', '--config', settingsFile], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const watch = new StatusWatch(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      watch.#roles = (JSON.parse(line) as { readonly roles: readonly RoleState[] }).roles;
    });
    return watch;
  }

  /** Undefined: it has said nothing yet. */
  role(name: RoleState['role']): RoleState['status'] | undefined {
    return this.#roles.find(({ role }) => role === name)?.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
