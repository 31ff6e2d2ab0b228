import { countWords, secondsWords, type Clock } from '@changeover/core';
import { auditLog, type AuditProgress, type LogReport, type LogStream } from '@changeover/events';
import type { CliSettings } from '@changeover/shell';

import type { CliSession, Terminal } from '../cli-session.js';
import { LiveBlock } from '../status/live-block.js';
import { streamName, withLog } from './open-log.js';

/** Findings that are named; the others are counted. */
const MOST_FINDINGS = 1_000;
/** Where nobody watches, a line now and then is enough. */
const [TERMINAL_MS, PLAIN_MS] = [200, 5_000];

/** Reads the log, and says on standard error how far it is. */
export async function runAudit(
  settings: CliSettings,
  which: readonly LogStream[],
  { clock, session }: { readonly clock: Clock; readonly session: CliSession },
): Promise<LogReport> {
  const { terminal, signal } = session;
  const progress = new ProgressLine(terminal, clock);
  const streams = { changes: streamName(settings, 'changes'), writes: streamName(settings, 'writes') };
  const report = await withLog(settings, clock, ({ store }) =>
    auditLog({
      store,
      streams,
      which,
      kept: MOST_FINDINGS,
      signal,
      onProgress: (step) => {
        progress.step(step);
      },
    }),
  );
  progress.clear();
  return report;
}

/** How much has been read, and how long the rest takes. */
export function progressWords({ stream, done, all }: AuditProgress, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const left = all > done && rate > 0 ? `, ${secondsWords((all - done) / rate)} left` : '';
  const percent = Math.min(99, Math.floor((100 * done) / Math.max(1, all)));
  return `reading the log, ${String(percent)} %: ${stream}, ${countWords(done)} of ${countWords(all)} messages${left}`;
}

class ProgressLine {
  readonly #terminal: Terminal;
  readonly #block: LiveBlock;
  readonly #clock: Clock;
  readonly #began: number;
  #shown: number;

  constructor(terminal: Terminal, clock: Clock) {
    const { isTty, columns } = terminal;
    const err = (text: string): void => {
      terminal.err(text);
    };
    this.#terminal = terminal;
    this.#block = new LiveBlock({ isTty, columns, out: err, err });
    this.#clock = clock;
    this.#began = clock.monotonic();
    this.#shown = this.#began;
  }

  /** What is done sooner needs no line. */
  step(progress: AuditProgress): void {
    const now = this.#clock.monotonic();
    const { isTty } = this.#terminal;
    if (now - this.#shown < (isTty ? TERMINAL_MS : PLAIN_MS)) return;
    this.#shown = now;
    const line = progressWords(progress, (now - this.#began) / 1000);
    if (isTty) this.#block.update([line]);
    else this.#terminal.err(`${line}\n`);
  }

  clear(): void {
    if (this.#terminal.isTty) this.#block.update([]);
  }
}
