import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { ChangeoverError, type Clock } from '@changeover/core';

import { Deadline } from './deadline.js';
import { SERVICES } from './service-process.js';

type CommandOptions = {
  readonly settingsFile: string;
  readonly signal?: AbortSignal;
  readonly onStarted?: (pid: number) => void;
  /** Whether one that found something (exit code 1, with a report) has not failed. */
  readonly mayFind?: boolean;
};

/** Runs one `changeover` command to its end and gives its standard output. INTERNAL with what it said if it fails. */
export async function changeoverCommand(args: readonly string[], options: CommandOptions): Promise<string> {
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
  if (code === 0 || (options.mayFind === true && code === 1 && output !== '')) return output;
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

/** What `changeover verify` found. */
export type TargetVerification = {
  readonly equal: boolean;
  /** The record of `changes` at which both ends were compared. */
  readonly seq: number;
  /** Rows that should be there, those of the list of held rows among them. */
  readonly rows: number;
  readonly heldMs: number;
  /** The first thousand of each table. */
  readonly differences: readonly { readonly table: string; readonly kind: string; readonly columns: readonly string[] }[];
};

/** As `changeover verify --json` prints it. */
type VerifyReport = Pick<TargetVerification, 'equal' | 'seq' | 'heldMs'> & {
  readonly tables: readonly {
    readonly table: string;
    readonly expected: number;
    readonly differences: readonly Omit<TargetVerification['differences'][number], 'table'>[];
  }[];
};

/** Compares every row of the target with what should be there. INTERNAL with what it said if it could not. */
export async function verifyTarget(options: Pick<CommandOptions, 'settingsFile' | 'signal'>): Promise<TargetVerification> {
  const report = JSON.parse(await changeoverCommand(['verify', '--json'], { ...options, mayFind: true })) as VerifyReport;
  const { equal, seq, heldMs, tables } = report;
  return {
    ...{ equal, seq, heldMs },
    rows: tables.reduce((sum, { expected }) => sum + expected, 0),
    differences: tables.flatMap(({ table, differences }) => differences.map(({ kind, columns }) => ({ table, kind, columns }))),
  };
}
