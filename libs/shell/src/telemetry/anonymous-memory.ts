import { readFile } from 'node:fs/promises';

/**
 * Bytes of memory that belong to this process alone: RssAnon on Linux, because LMDB's and other files' pages in it are the
 * kernel's to take back. Elsewhere all resident memory.
 */
export async function anonymousMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? process.memoryUsage.rss() : Number(kilobytes) * 1024;
}
