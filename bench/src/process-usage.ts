import { readdir, readFile } from 'node:fs/promises';

/** Of Linux on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used, with the children it has waited for. 0 once it is gone. */
async function cpuSeconds(pid: number): Promise<{ readonly parent: number; readonly seconds: number } | undefined> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything; what follows are numbers: state ppid … utime stime cutime cstime are 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
}

/** CPU seconds of a process and its living and ended children (PostgreSQL: of the whole server), to 10 ms; without the living ones that stand `apart`. */
export async function treeCpuSeconds(root: number, apart: ReadonlySet<number> = new Set()): Promise<number> {
  let sum = 0;
  for (const pid of await processes()) {
    const usage = await cpuSeconds(pid);
    if (usage !== undefined && (pid === root || (usage.parent === root && !apart.has(pid)))) sum += usage.seconds;
  }
  return sum;
}

/** CPU seconds of a process without its living children. */
export async function ownCpuSeconds(pid: number): Promise<number> {
  return (await cpuSeconds(pid))?.seconds ?? 0;
}

/** The living child of a process whose command line holds this. */
export async function childRunning(parent: number, command: string): Promise<number | undefined> {
  for (const pid of await processes()) {
    if ((await cpuSeconds(pid))?.parent !== parent) continue;
    const line = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(command)) return pid;
  }
  return undefined;
}

/** Anonymous resident memory in bytes (what the kernel cannot drop), or undefined once the process is gone. */
export async function anonymousBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
  const kilobytes = /^RssAnon:\s+(\d+) kB$/mu.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

async function processes(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((entry) => /^\d+$/u.test(entry)).map(Number);
}
