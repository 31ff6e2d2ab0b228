import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { ChangeoverError, type Clock } from '@changeover/core';

import { Deadline } from './deadline.js';
import { SERVICES } from './service-process.js';

/** Runs one `changeover` command to its end and gives its standard output. INTERNAL with what it said if it fails. */
export async function changeoverCommand(
  args: readonly string[],
  options: { readonly settingsFile: string; readonly signal?: AbortSignal; readonly onStarted?: (pid: number) => void },
): Promise<string> {
  const cli = fileURLToPath(new URL(SERVICES.up[0], import.meta.url));
  const child = spawn(process.execPath, [cli, ...args, '--config', options.settingsFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (child.pid !== undefined) options.onStarted?.(child.pid);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  if (code === 0) return output;
  throw new ChangeoverError(
    'INTERNAL',
    `changeover ${args.join(' ')} ended with exit code ${String(code)}:\n${`${errors}\n${output}`.trim()}`,
  );
}

export type BarrierOptions = {
  readonly settingsFile: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
};

/** Asks for a barrier behind the last commit and resolves when it is in the target: then so is all that was committed before. */
export async function waitForBarrier({ settingsFile, clock, signal, timeoutMs }: BarrierOptions): Promise<void> {
  using deadline = new Deadline(timeoutMs, signal, clock);
  try {
    await changeoverCommand(['barrier', '--wait'], { settingsFile, signal: deadline.signal });
  } catch (cause) {
    if (!deadline.signal.aborted || signal.aborted) throw cause;
    throw new ChangeoverError('INTERNAL', `the barrier did not arrive within ${String(timeoutMs / 1_000)} s`, { cause });
  }
}
