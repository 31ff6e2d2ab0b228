import type { Writable } from 'node:stream';

/** Tells a person at a terminal, or a log, what happens. A terminal gets one live line that is written over, a log a line every few seconds. */
export class Narrator {
  readonly #out: Writable & { readonly isTTY?: boolean };
  #live = false;
  #liveLines = 0;

  constructor(out: Writable & { readonly isTTY?: boolean }) {
    this.#out = out;
  }

  say(text = ''): void {
    this.#endLive();
    this.#out.write(`${text}\n`);
  }

  title(text: string): void {
    this.say(this.#styled('1', text));
  }

  good(text: string): void {
    this.say(this.#styled('32', text));
  }

  bad(text: string): void {
    this.say(this.#styled('31', text));
  }

  /** Called about once a second with what is true now. */
  live(text: string): void {
    if (this.#out.isTTY === true) {
      this.#out.write(`\r\u001B[K${text}`);
      this.#live = true;
    } else if (this.#liveLines++ % EVERY_SECONDS === EVERY_SECONDS - 1) {
      this.#out.write(`${text}\n`);
    }
  }

  /** Rows of cells; the first column is left-aligned, the others right. */
  table(rows: readonly (readonly string[])[], indent = '  '): void {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
    for (const row of rows) {
      const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)));
      this.say(indent + cells.join('   ').trimEnd());
    }
  }

  #endLive(): void {
    if (this.#live) this.#out.write('\n');
    this.#live = false;
  }

  #styled(style: string, text: string): string {
    return this.#out.isTTY === true ? `\u001B[${style}m${text}\u001B[0m` : text;
  }
}

const EVERY_SECONDS = 5;

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Milliseconds as people read them. */
export const duration = (ms: number): string =>
  Number.isNaN(ms) ? '–' : ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(1)} s`;
