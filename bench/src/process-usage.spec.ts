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
    const burning = `while (process.cpuUsage().user < 600000); process.stdin.once('data', () => process.exit()); process.stdout.write('burnt');`;
    const child = spawn(process.execPath, ['-e', burning], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const [us, pid] = [process.pid, child.pid as number];
      expect(await childRunning(us, "write('burnt')")).toBe(pid);
      expect(await childRunning(us, 'no such command')).toBeUndefined();
      expect(await ownCpuSeconds(pid)).toBeGreaterThan(0.5);
      const { us: alone } = await cpuByStep({ us: { alone: us } });
      const { us: apart } = await cpuByStep({ us, child: pid });
      const { us: together } = await cpuByStep({ us });
      expect((apart ?? 0) - (alone ?? 0)).toBeLessThan(0.3);
      expect((together ?? 0) - (apart ?? 0)).toBeGreaterThan(0.5);
    } finally {
      child.stdin.write('end');
      await once(child, 'exit');
    }
  });

  it('is told per row, from nothing for what began in between', () => {
    expect(cpuPerRow({ load: 1 }, { load: 1.5, none: null, began: 2 }, 4)).toEqual({ load: 125_000, none: null, began: 500_000 });
  });

  onLinux('is nothing where there is no process', async () => {
    expect(await treeCpuSeconds(2 ** 22 + 1)).toBe(0);
    expect(await anonymousBytes(2 ** 22 + 1)).toBeUndefined();
  });
});
