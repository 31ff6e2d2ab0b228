import type { Clock } from '@changeover/core';

import type { Terminal } from '../cli-session.js';
import { LiveBlock } from './live-block.js';

/** Where nobody watches, a line now and then is enough. */
const [TERMINAL_MS, PLAIN_MS] = [200, 5_000];

/** A line that says how far something is, beside the results: rewritten in place where somebody watches, else a new one every few seconds. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #block: LiveBlock;
  #shown: number;

  constructor(terminal: Terminal, clock: Clock) {
    const { isTty, columns } = terminal;
    const err = (text: string): void => {
      terminal.err(text);
    };
    this.#terminal = terminal;
    this.#clock = clock;
    this.#block = new LiveBlock({ isTty, columns, out: err, err });
    // Whoever does not watch wants to hear only of what takes long.
    this.#shown = isTty ? -Infinity : clock.monotonic();
  }

  show(line: string): void {
    const { isTty } = this.#terminal;
    const now = this.#clock.monotonic();
    if (now - this.#shown < (isTty ? TERMINAL_MS : PLAIN_MS)) return;
    this.#shown = now;
    if (isTty) this.#block.update([line]);
    else this.#terminal.err(`${line}\n`);
  }

  clear(): void {
    if (this.#terminal.isTty) this.#block.update([]);
  }
}
