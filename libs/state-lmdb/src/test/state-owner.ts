import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../dist/test/state-owner-main.js', import.meta.url));

/** The process that writes for the process; null: there is none. */
export async function writerOf(owner: number): Promise<number | null> {
  for (const pid of await readdir('/proc')) {
    const stat = /^\d+$/u.test(pid) ? await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') : '';
    if (Number(/\) \w (\d+) /u.exec(stat)?.[1]) !== owner) continue;
    if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('"task":"write"')) return Number(pid);
  }
  return null;
}

/** See `state-owner-main.ts`. */
export class StateOwner implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(folder: string, what: 'own' | 'hold') {
    this.#child = spawn(process.execPath, [SCRIPT, folder, what], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.#lines = createInterface(this.#child.stdout as NonNullable<ChildProcess['stdout']>)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** What it says next; undefined: it has ended. */
  async next(): Promise<string | undefined> {
    const line = await this.#lines.next();
    return line.done === true ? undefined : line.value;
  }

  tell(command: string): void {
    this.#child.stdin?.write(`${command}\n`);
  }

  async ask(command: string): Promise<string | undefined> {
    this.tell(command);
    return await this.next();
  }

  /** The process that writes for it. */
  async writerPid(): Promise<number> {
    const writer = await writerOf(this.pid);
    if (writer === null) throw new Error('it has no writer');
    return writer;
  }

  /** Resolves when the kernel says that it stands, whoever stopped it. */
  async stands(): Promise<void> {
    for (;;) {
      const stat = await readFile(`/proc/${String(this.pid)}/stat`, 'utf8');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
    }
  }

  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
    await this.stands();
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL, which also ends one that stands. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
