import { anonymousBytes, treeCpuSeconds } from './process-usage.js';

/** The figures come from /proc. */
const onLinux = process.platform === 'linux' ? it : it.skip;

describe('the usage of a process', () => {
  onLinux('counts the CPU time that it burns', async () => {
    const before = await treeCpuSeconds(process.pid);
    const start = process.cpuUsage();
    while (process.cpuUsage(start).user + process.cpuUsage(start).system < 300_000);
    const burnt = (await treeCpuSeconds(process.pid)) - before;
    expect(burnt).toBeGreaterThan(0.25);
    expect(burnt).toBeLessThan(3);
  });

  onLinux('counts the memory that it touches', async () => {
    // Larger than all else that this process has, so that what a garbage collection gives back meanwhile does not matter.
    const size = 600e6;
    expect(await anonymousBytes(process.pid)).toBeLessThan(size);
    const block = Buffer.alloc(size, 1);
    expect(await anonymousBytes(process.pid)).toBeGreaterThan(size);
    expect(block).toHaveLength(size);
  });

  onLinux('is nothing where there is no process', async () => {
    expect(await treeCpuSeconds(2 ** 22 + 1)).toBe(0);
    expect(await anonymousBytes(2 ** 22 + 1)).toBeUndefined();
  });
});
