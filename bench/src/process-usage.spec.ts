import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { anonymousBytes, childRunning, ownCpuSeconds, treeCpuSeconds } from './process-usage.js';
import { cpuByStep, cpuPerRow } from './step-cpu.js';

const BLOCK = 300e6;
const CHILD = `process.stdout.write('there'); process.stdin.once('data', () => { globalThis.block = Buffer.alloc(${String(BLOCK)}, 1); process.stdout.write('done'); });`;

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
    // A process of its own: what else this one holds comes and goes.
    const child = spawn(process.execPath, ['-e', CHILD], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const before = (await anonymousBytes(child.pid as number)) ?? 0;
      child.stdin.write('allocate');
      await once(child.stdout, 'data');
      const grown = ((await anonymousBytes(child.pid as number)) ?? 0) - before;
      expect([before > 0, before < BLOCK, grown > 0.9 * BLOCK, grown < 1.2 * BLOCK]).toEqual([true, true, true, true]);
    } finally {
      child.kill();
    }
  });

  onLinux('tells what a child burns apart where that is asked for', async () => {
    const burning = `process.stdin.once('data', () => process.exit()); const end = Date.now() + 400; while (Date.now() < end); process.stdout.write('burnt');`;
    const alone = process.pid;
    const before = { ...(await cpuByStep({ us: alone })), ...(await cpuByStep({ ours: { alone } })) };
    const child = spawn(process.execPath, ['-e', burning], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const pid = child.pid as number;
      expect(await childRunning(process.pid, "write('burnt')")).toBe(pid);
      expect(await childRunning(process.pid, 'no such command')).toBeUndefined();
      const burnt = await ownCpuSeconds(pid);
      expect(burnt).toBeGreaterThan(0.05);
      const [together, apart, ours] = [
        cpuPerRow(before, await cpuByStep({ us: alone }), 1),
        cpuPerRow(before, await cpuByStep({ us: alone, child: pid }), 1),
        cpuPerRow(before, await cpuByStep({ ours: { alone } }), 1),
      ].map(({ us, ours: own }) => ((us ?? own) as number) / 1e6) as [number, number, number];
      expect(together - apart).toBeGreaterThan(0.9 * burnt - 0.03);
      expect(apart - ours).toBeLessThan(0.5 * burnt);
      expect(cpuPerRow({}, { none: null, began: 2 }, 4)).toEqual({ none: null, began: 500_000 });
    } finally {
      child.stdin.write('end');
      await once(child, 'exit');
    }
  });

  onLinux('is nothing where there is no process', async () => {
    expect(await treeCpuSeconds(2 ** 22 + 1)).toBe(0);
    expect(await anonymousBytes(2 ** 22 + 1)).toBeUndefined();
  });
});
