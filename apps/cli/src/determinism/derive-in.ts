import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { ChangeoverError, type Clock, type ErrorCode, type ErrorFacts } from '@changeover/core';
import type { TableSchema } from '@changeover/events';
import { ENVIRONMENT } from '@changeover/shell';

import type { Surroundings } from './surroundings.js';

/** Rows of a table, whole lines of COPY text. */
export type TableRows = { readonly table: TableSchema; readonly rows: Uint8Array };

export type DerivationTask = {
  readonly migration: string;
  /** The mapping's file: it is loaded where it is derived, as it is a program as well. */
  readonly mapping: string | undefined;
  /** Empty, and of nobody else. */
  readonly folder: string;
  readonly maxStateBytes: number;
  readonly sample: readonly TableRows[];
};

/** What the process says: one after the other, `done` at last. */
export type DerivationAnswer =
  | { readonly mapping: string }
  | TableRows
  | 'done'
  | { readonly failed: { readonly code: ErrorCode; readonly message: string; readonly facts: ErrorFacts } };

/** What came out. */
export type Derived = { readonly mapping: string; readonly tables: readonly TableRows[] };

/** Built by `tsc -b`; the way to it is the same from the sources. */
const SCRIPT = fileURLToPath(new URL('../../dist/determinism/derivation-process.js', import.meta.url));
/** A sample is derived in seconds. */
const PATIENCE_MS = 120_000;

/**
 * Derives a sample in a process of its own with these surroundings. Rejects with what the process met; MAPPING_INVALID if it ended by itself or never comes to
 * its end; with the signal's reason when that aborts. The process is gone then.
 */
export async function deriveIn(
  surroundings: Surroundings,
  task: DerivationTask,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Derived> {
  const { timeZone, locale } = surroundings;
  const child = fork(SCRIPT, [JSON.stringify(surroundings)], {
    env: { ...ENVIRONMENT, NODE_OPTIONS: '', TZ: timeZone, LANG: locale, LC_ALL: locale },
    execArgv: [],
    serialization: 'advanced',
    // A mapping may print what it likes: it is no word of ours.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    // It never was one.
    child.once('error', () => child.pid === undefined && resolve());
  });
  const over = new AbortController();
  let mapping = '';
  const tables: TableRows[] = [];
  try {
    return await new Promise<Derived>((resolve, reject) => {
      const fail = (what: string): void => reject(new ChangeoverError('MAPPING_INVALID', what));
      child.on('message', (answer: DerivationAnswer) => {
        if (answer === 'done') resolve({ mapping, tables });
        else if ('mapping' in answer) mapping = answer.mapping;
        else if ('table' in answer) tables.push(answer);
        else reject(new ChangeoverError(answer.failed.code, answer.failed.message, { facts: answer.failed.facts }));
      });
      child.once('error', reject);
      child.once('exit', (code, by) => fail(`a process that derived a sample has ended (${String(by ?? code)}) before it was done`));
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: over.signal });
      if (signal.aborted) reject(signal.reason as Error);
      void clock.sleep(PATIENCE_MS, over.signal).then(() => fail(`a sample was not derived within ${String(PATIENCE_MS / 1000)} s`));
      child.send(task, (error) => {
        if (error !== null) reject(error);
      });
    });
  } finally {
    over.abort();
    child.kill('SIGKILL');
    await ended;
  }
}
