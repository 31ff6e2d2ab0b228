import { scanLine, tableName, type SampleTables, type TableSchema } from '@changeover/events';

import { isSampled, type Sample } from '../sampled.js';
import { keyOfLine } from './key-of-line.js';

export type SampleOptions = Sample & { readonly tables: SampleTables };

/** What became of the rows of one table that were chosen. */
export type SampledTable = {
  /** Of the target. */
  readonly table: string;
  readonly rows: number;
  readonly chosen: number;
  readonly written: number;
  /** Why the others are not there, most first; `first`: of the first such row the target's key, by column. */
  readonly refused: readonly { readonly reason: string; readonly rows: number; readonly first: Readonly<Record<string, string | null>> }[];
};

/** Bytes of chosen lines that are written at a time. */
const PIECE_BYTES = 256 * 1024;

/** Chooses rows of one table of the target by a hash of their keys (where it has none, of all that they hold), and writes them. */
export class TableSample {
  readonly #table: TableSchema;
  readonly #options: SampleOptions;
  readonly #starts: Int32Array;
  readonly #refused = new Map<string, { rows: number; readonly first: Readonly<Record<string, string | null>> }>();
  #chosen: Buffer[] = [];
  #bytes = 0;
  readonly #counts = { rows: 0, chosen: 0 };

  constructor(table: TableSchema, options: SampleOptions) {
    this.#table = table;
    this.#options = options;
    this.#starts = new Int32Array(table.columns.length + 1);
  }

  /** Whole lines. */
  async add(lines: Buffer): Promise<void> {
    for (let at = 0; at < lines.length;) {
      const { end } = scanLine(lines, at, this.#starts);
      this.#counts.rows++;
      if (isSampled(this.#keyOf(lines, at, end), this.#options)) {
        this.#counts.chosen++;
        this.#bytes += end + 1 - at;
        // Not a view, which would keep all of the piece.
        this.#chosen.push(Buffer.from(lines.subarray(at, end + 1)));
      }
      at = end + 1;
    }
    if (this.#bytes >= PIECE_BYTES) await this.#write();
  }

  async end(): Promise<SampledTable> {
    await this.#write();
    const refused = [...this.#refused].map(([reason, { rows, first }]) => ({ reason, rows, first })).sort((a, b) => b.rows - a.rows);
    const written = refused.reduce((left, { rows }) => left - rows, this.#counts.chosen);
    return { table: tableName(this.#table), ...this.#counts, written, refused };
  }

  async #write(): Promise<void> {
    const lines = Buffer.concat(this.#chosen, this.#bytes);
    [this.#chosen, this.#bytes] = [[], 0];
    for (const { line, reason } of await this.#options.tables.write(this.#table, lines)) {
      const known = this.#refused.get(reason);
      if (known === undefined) this.#refused.set(reason, { rows: 1, first: keyOfLine(this.#table, lines, line) });
      else known.rows++;
    }
  }

  /** A tab stands in no field. */
  #keyOf(lines: Buffer, start: number, end: number): string {
    const { columns } = this.#table;
    const fields = columns.flatMap(({ key }, at) =>
      key ? [lines.toString('utf8', this.#starts[at], (this.#starts[at + 1] as number) - 1)] : [],
    );
    return fields.length === 0 ? lines.toString('utf8', start, end) : fields.join('\t');
  }
}
