import { readFile } from 'node:fs/promises';

import { asChangeoverError } from '@changeover/core';

import { calledCommands } from './called-commands.js';
import { CliSession, processTerminal, type Terminal } from './cli-session.js';
import { programOf } from './command.js';
import { INTERRUPTED, isInterruption } from './interruption.js';

const USAGE_EXIT_CODE = 2;

/** Commander has said what is wrong (or shown the help) before it throws this. */
type UsageEnd = { readonly code: string; readonly exitCode: number };

/**
 * Runs the command that `argv` names. Rejects with what the command threw; a wrong usage sets the exit code 2, a
 * command that finished but found errors the exit code 1.
 */
export async function runCli(argv: readonly string[], signal: AbortSignal, terminal: Terminal = processTerminal()): Promise<void> {
  const commands = await calledCommands(argv.slice(2));
  const program = programOf(commands, await ownVersion(), new CliSession(terminal, signal));
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    end(error, signal, terminal);
  }
}

/** Throws what is to be complained about. */
function end(error: unknown, signal: AbortSignal, terminal: Terminal): void {
  // Commands that have more to say of it do so themselves.
  if (isInterruption(error, signal)) {
    terminal.err('changeover: interrupted\n');
    process.exitCode = INTERRUPTED;
    return;
  }
  if (!isUsageEnd(error)) throw asChangeoverError(error);
  if (error.exitCode !== 0) process.exitCode = USAGE_EXIT_CODE;
}

async function ownVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return version;
}

function isUsageEnd(error: unknown): error is UsageEnd {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith('commander.');
}
