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
    const before = (await anonymousBytes(process.pid)) as number;
    const block = Buffer.alloc(100e6, 1);
    const after = (await anonymousBytes(process.pid)) as number;
    expect(block).toHaveLength(100e6);
    expect(after - before).toBeGreaterThan(80e6);
  });

  onLinux('is nothing where there is no process', async () => {
    expect(await treeCpuSeconds(2 ** 22 + 1)).toBe(0);
    expect(await anonymousBytes(2 ** 22 + 1)).toBeUndefined();
  });
});
