import 'reflect-metadata';

import { readFile } from 'node:fs/promises';

import { asChangeoverError } from '@changeover/core';
import { CommandFactory, CommandRunnerService } from 'nest-commander';

import { cliModule } from './cli.module.js';
import { CliSession, processTerminal, type Terminal } from './cli-session.js';
import { INTERRUPTED, isInterruption } from './interruption.js';

const USAGE_EXIT_CODE = 2;

/** Commander has said what is wrong (or shown the help) before it throws this. */
type UsageEnd = { readonly code: string; readonly exitCode: number };

/**
 * Runs the command that `argv` names. Rejects with what the command threw; a wrong usage sets the exit code 2, a
 * command that finished but found errors the exit code 1.
 */
export async function runCli(argv: readonly string[], signal: AbortSignal, terminal: Terminal = processTerminal()): Promise<void> {
  const thrown: unknown[] = [];
  const keep = (error: unknown): void => {
    thrown.push(error);
  };
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest's options are a class in name only
  const app = await CommandFactory.createWithoutRunning(await cliModule(argv.slice(2), new CliSession(terminal, signal)), {
    logger: false,
    cliName: 'changeover',
    enablePositionalOptions: true,
    version: await ownVersion(),
    errorHandler: (error) => {
      throw error;
    },
    serviceErrorHandler: keep,
    outputConfiguration: {
      writeOut: (text) => {
        terminal.out(text);
      },
      writeErr: (text) => {
        terminal.err(text);
      },
    },
  });
  try {
    const runner = app.get(CommandRunnerService);
    // nest-commander tells all commands, but not the one above them: it would take options of theirs for its own.
    (runner['commander'] as { enablePositionalOptions(): unknown }).enablePositionalOptions();
    await runner.run([...argv]);
  } catch (error) {
    keep(error);
  } finally {
    await app.close();
  }
  const [error] = thrown;
  if (error === undefined) return;
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
