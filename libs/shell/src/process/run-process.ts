import { parseArgs } from 'node:util';

import { asChangeoverError, type ChangeoverError, SystemClock } from '@changeover/core';
import type { Role } from '@changeover/control-postgres';

import { safeMessage } from '../logging/error-facts.js';
import { Log } from '../logging/log.js';
import { readSettings } from '../settings/read-settings.js';
import type { SettingsOf } from '../settings/schema.js';
import type { StartRole } from './start-role.js';

/** How long a process that was told to stop may take to finish what it has begun. */
const DRAIN_MS = 15_000;

const USAGE = `[--config <changeover.json>] [--take-over]

  --config      the settings file (default: $CHANGEOVER_CONFIG, else changeover.json)
  --take-over   start although another process has this role: its sessions are ended and it is fenced
  --help        this text
`;

/** The whole of a role's `main.ts`: reads the settings, runs the role until a signal or an error ends it, and exits. */
export async function runRoleProcess<A extends Role>(role: A, start: StartRole<SettingsOf<A>>): Promise<void> {
  const args = readArguments(role);
  if (args === null) return;
  await runProcess(async (signal) => {
    const { settings, file } = await readSettings(role, args.config === undefined ? {} : { file: args.config });
    const log = Log.open({ level: settings.logging.level, migration: settings.migration, role });
    log.info('starting', { file });
    const running = await start(settings, { log, signal, takeOver: args.takeOver });
    try {
      await Promise.race([running.done, aborted(signal)]);
    } finally {
      await running.stop();
    }
  });
}

/**
 * Runs `work` and exits: 0 (or process.exitCode) when it resolves, 1 with one clear message on standard error when it rejects. SIGINT and SIGTERM abort
 * its signal; a second one, or a drain that takes too long, ends the process at once. Nothing else may end it and look like success: a mapping is
 * a program of somebody else, which may call process.exit, or wait for what never comes.
 */
export async function runProcess(work: (signal: AbortSignal) => Promise<void>): Promise<never> {
  const stop = new AbortController();
  process.on('exit', () => {
    if (meant) return;
    process.stderr.write(
      'changeover: ended before it was done: something called process.exit, or waited for what never comes (the mapping?)\n',
    );
    process.exitCode = 1;
  });
  const onSignal = (): void => {
    if (stop.signal.aborted) exitProcess(130);
    stop.abort();
    void new SystemClock().sleep(DRAIN_MS).then(() => {
      process.stderr.write('changeover: did not stop in time; what was not finished is taken up at the next start\n');
      exitProcess(1);
    });
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    await work(stop.signal);
    return exitProcess(process.exitCode);
  } catch (cause) {
    const error = asChangeoverError(cause);
    // Told to stop while it waited for somebody: there is nothing to complain about.
    if (stop.signal.aborted && error.policy === 'retry') return exitProcess(0);
    process.stderr.write(failureText(error));
    return exitProcess(1);
  }
}

let meant = false;

/** Ends the process under {@link runProcess} on purpose. */
export function exitProcess(code: typeof process.exitCode): never {
  meant = true;
  process.exit(code);
}

/** What a person reads when it ends badly: code, what happened, what to do. */
export function failureText(error: ChangeoverError): string {
  return `changeover: ${error.code}: ${safeMessage(error)}\n  ${error.nextStep}\n`;
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}

function readArguments(role: Role): { readonly config?: string; readonly takeOver: boolean } | null {
  const options = {
    config: { type: 'string' },
    'take-over': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ options, strict: true });
    if (!values.help) return { takeOver: values['take-over'], ...(values.config === undefined ? {} : { config: values.config }) };
    process.stdout.write(`changeover-${role} ${USAGE}`);
    return null;
  } catch {
    // The parser's message quotes the argument; usage says more.
    process.stderr.write(`changeover-${role} ${USAGE}`);
    process.exit(2);
  }
}
