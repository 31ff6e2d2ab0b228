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

/** CPU seconds of a process and its living and ended children (PostgreSQL: of the whole server), to 10 ms. */
export async function treeCpuSeconds(root: number): Promise<number> {
  let sum = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/u.test(entry)) continue;
    const pid = Number(entry);
    const usage = await cpuSeconds(pid);
    if (usage !== undefined && (pid === root || usage.parent === root)) sum += usage.seconds;
  }
  return sum;
}

/** Anonymous resident memory in bytes (what the kernel cannot drop), or undefined once the process is gone. */
export async function anonymousBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
  const kilobytes = /^RssAnon:\s+(\d+) kB$/mu.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
