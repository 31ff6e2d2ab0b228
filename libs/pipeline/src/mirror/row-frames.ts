import { CopyTextWriter, type Frame, type Line } from '@changeover/events';

const FRAME_BYTES = 64 * 1024;

type RowFrame = Omit<Frame, 'schemaSeq'>;

/** Frames out of rows of one table, each with the row as it was: runs of the same operation, one behind the other. */
export class RowFrames {
  readonly #give: (frame: RowFrame) => void;
  readonly #writer = new CopyTextWriter(FRAME_BYTES + 1024);
  #op: 'c' | 'u' | 'd' = 'c';
  #rows = 0;

  constructor(give: (frame: RowFrame) => void) {
    this.#give = give;
  }

  add(before: Line | null, after: Line | null): void {
    if (before !== null && after !== null && isSame(before, after)) return;
    this.#begin(before === null ? 'c' : after === null ? 'd' : 'u');
    if (before !== null) this.#writer.raw(before.bytes, before.start, before.end + 1);
    if (after !== null) this.#writer.raw(after.bytes, after.start, after.end + 1);
    this.#rows++;
  }

  /** A row that was not there, as a line without its end. */
  append(line: string): void {
    this.#begin('c');
    this.#writer.text(line);
    this.#writer.endRow();
    this.#rows++;
  }

  /** Gives what is left. */
  end(): void {
    if (this.#rows === 0) return;
    this.#give({
      op: this.#op,
      before: this.#op === 'c' ? 'none' : 'full',
      partial: false,
      rowCount: this.#rows,
      rows: this.#writer.take(),
    });
    this.#rows = 0;
  }

  #begin(op: 'c' | 'u' | 'd'): void {
    if (op === this.#op && this.#writer.length < FRAME_BYTES) return;
    this.end();
    this.#op = op;
  }
}

function isSame(a: Line, b: Line): boolean {
  return a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end) === 0;
}
