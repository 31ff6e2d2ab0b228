import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

import { ChangeoverError } from '@changeover/core';

export type OwnedProcessOptions = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Output and errors are appended here. */
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Another user to run as; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Sent when our own process ends without stopping it. */
  readonly orphanSignal: 'QUIT' | 'KILL';
  /** Removed after that. */
  readonly orphanedData?: string | undefined;
};

/**
 * Hears `gone` (the server has ended) and `released` (nothing is left to do). When its input ends before that, our
 * process is gone, by whatever cause, SIGKILL included: then it ends the server and removes its data.
 * $1 pid, $2 signal, $3 directory or empty.
 */
const GUARD = `
server="$1"
while read -r word; do
  case "$word" in gone) server= ;; released) exit 0 ;; esac
done
if [ -n "$server" ]; then
  kill -s "$2" "$server" 2>/dev/null
  waited=0
  # Where nobody reaps it (a container without init) it stays as a zombie, which runs no program.
  runs() { kill -0 "$server" 2>/dev/null && { [ ! -d /proc/self ] || [ -e "/proc/$server/exe" ]; }; }
  while runs && [ "$waited" -lt 100 ]; do sleep 0.1; waited=$((waited + 1)); done
fi
if [ -n "$3" ]; then rm -rf "$3"; fi
`;

/** A server process that cannot outlive ours. It has a session of its own, so Ctrl-C reaches us and not it. */
export class OwnedProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #guard: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, pid: number, guard: ChildProcess) {
    this.pid = pid;
    this.#child = child;
    this.#guard = guard;
    this.#exited = this.alive ? once(child, 'exit') : Promise.resolve();
    // Neither keeps our process alive: a forgotten server ends with it, by the guard.
    child.unref();
    guard.unref();
    (guard.stdin as unknown as { unref(): void }).unref();
  }

  static async spawn(options: OwnedProcessOptions): Promise<OwnedProcess> {
    const log = await open(options.logFile, 'a');
    try {
      const child = spawn(options.command, options.args, {
        cwd: options.cwd,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: { PATH: process.env['PATH'], ...options.environment },
        ...options.user,
      });
      const failure = once(child, 'error') as Promise<[Error]>;
      await Promise.race([once(child, 'spawn'), failure.then(([error]) => cannotRun(options.command, error))]);
      child.on('error', () => undefined);
      const pid = child.pid as number;
      const guard = spawn('sh', ['-c', GUARD, 'guard', String(pid), options.orphanSignal, options.orphanedData ?? ''], {
        detached: true,
        cwd: '/',
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      guard.on('error', () => undefined);
      guard.stdin.on('error', () => undefined);
      return new OwnedProcess(child, pid, guard);
    } finally {
      await log.close();
    }
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it by `signal`, and by SIGKILL when it takes longer than `patienceMs`. Resolves when it is gone; `release` comes then. */
  async end(signal: NodeJS.Signals, patienceMs = 30_000): Promise<void> {
    if (this.alive) {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
      this.#child.ref();
      this.#child.kill(signal);
      await this.#exited;
      clearTimeout(timer);
    }
    // From now on its number may be another's.
    if (this.#guard.stdin?.writable === true) this.#guard.stdin.write('gone\n');
  }

  /** Its data are removed, or have become another process's: nothing is left to clean up when ours ends. */
  release(): void {
    this.#guard.stdin?.end('released\n');
  }

  /** SIGKILL to it and its direct children (PostgreSQL's have sessions of their own); resolves when all are gone. */
  async kill(): Promise<void> {
    // Stopped first, it can start no further child while we look.
    this.#child.kill('SIGSTOP');
    const children = await childrenOf(this.pid);
    for (const pid of children) tryKill(pid, 'SIGKILL');
    await this.end('SIGKILL');
    for (const pid of children) while (tryKill(pid, 0) && !(await isZombie(pid))) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The last lines of a log, for a message. */
export async function endOfFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-5).join(' | ');
}

function cannotRun(command: string, cause: Error): never {
  throw new ChangeoverError('SERVICE_MISSING', `cannot run ${command}: ${cause.message}`, { cause });
}

/** Whether the process was there. */
function tryKill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const table = process.platform === 'linux' ? await linuxProcesses() : await otherProcesses();
  return table.filter((entry) => entry.parent === parent).map((entry) => entry.pid);
}

type ProcessEntry = { readonly pid: number; readonly parent: number };

/** By /proc, because slim images have no `ps`. */
async function linuxProcesses(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(pids.map(async (pid) => ({ pid, parent: Number((await statFields(pid))[1] ?? -1) })));
  return entries.filter((entry) => entry.parent >= 0);
}

async function otherProcesses(): Promise<ProcessEntry[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid, parent]) => ({ pid: pid ?? -1, parent: parent ?? -1 }));
}

/** A killed child whose new parent never reaps (a container without init) stays as a zombie: it is gone all the same. */
async function isZombie(pid: number): Promise<boolean> {
  return process.platform === 'linux' && (await statFields(pid))[0] === 'Z';
}

/** State, parent and what follows in /proc/<pid>/stat; the name before them may itself hold brackets and spaces. */
async function statFields(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .filter((field) => field !== '');
}
