import { asChangeoverError, type ChangeoverError, SystemClock } from '@changeover/core';

import { safeMessage } from '../logging/error-facts.js';

/** How long a process that was told to stop may take to finish what it has begun. */
const DRAIN_MS = 15_000;

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
function failureText(error: ChangeoverError): string {
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
