import type { Terminal } from '../cli-session.js';

const CLEAR_BELOW = '\u001B[0J';

/** Lines at the foot of the terminal that are rewritten in place, with other lines above them. */
export class LiveBlock {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  update(lines: readonly string[]): void {
    this.#redraw('', lines);
  }

  /** Writes finished lines above the block. */
  above(text: string): void {
    this.#redraw(text, this.#lines);
  }

  #redraw(above: string, lines: readonly string[]): void {
    const back = this.#lines.length === 0 ? '' : `\u001B[${String(this.#lines.length)}F${CLEAR_BELOW}`;
    // A line that wraps would take two rows, and the next redraw would go up too little.
    const cut = lines.map((line) => line.slice(0, Math.max(20, this.#terminal.columns - 1)));
    this.#terminal.out(`${back}${above}${cut.map((line) => `${line}\n`).join('')}`);
    this.#lines = lines;
  }
}
