import { invariant } from '@changeover/core';
import { CopyTextWriter, keyText, mergeLines, scanLine, type Line, type SourceEvent, type TableSchema } from '@changeover/events';

export type RowsEvent = Extract<SourceEvent, { type: 'rows' }>;

/**
 * The rows of a chunk, with changes laid over them that its snapshot did not show. Each row's changes come in the order
 * of their commits, which per row is also the order in which they become visible, so the outcome is exact; and complete, where
 * an update alone would lack the large values that it left unchanged.
 */
export class ChunkRows {
  readonly #columns: number;
  readonly #keys: readonly number[];
  readonly #starts: Int32Array;
  #rows: Buffer;
  #rowCount: number;
  /** By key; made when the first change comes, which is rarely. */
  #lines: Map<string, Line> | null = null;

  constructor(form: TableSchema, rows: Buffer, rowCount: number) {
    this.#columns = form.columns.length;
    this.#keys = form.columns.flatMap(({ key }, index) => (key ? [index] : []));
    this.#starts = new Int32Array(this.#columns + 1);
    this.#rows = rows;
    this.#rowCount = rowCount;
  }

  /** Changes of rows that are not here, and new rows, leave nothing: the stream has told them. */
  apply({ op, before, rows }: RowsEvent): void {
    if (op === 'c') return;
    const lines = (this.#lines ??= this.#index());
    if (op === 't') {
      lines.clear();
      return;
    }
    for (let at = 0; at < rows.length;) {
      const old = before === 'none' ? null : this.#line(rows, at);
      const key = old === null ? null : this.#keyOf(old);
      if (old !== null) at = old.end + 1;
      if (op === 'd') {
        invariant(key !== null, 'a delete tells what it deletes');
        lines.delete(key);
        continue;
      }
      const now = this.#line(rows, at);
      at = now.end + 1;
      const from = key ?? this.#keyOf(now);
      const found = lines.get(from);
      if (found === undefined) continue;
      const merged = mergeLines(found, now, this.#columns);
      lines.delete(from);
      lines.set(this.#keyOf(merged), merged);
    }
  }

  take(): { readonly rows: Buffer; readonly rowCount: number } {
    if (this.#lines === null) return { rows: this.#rows, rowCount: this.#rowCount };
    const writer = new CopyTextWriter(this.#rows.length + 1);
    for (const { bytes, start, end } of this.#lines.values()) writer.raw(bytes, start, end + 1);
    return { rows: writer.take(), rowCount: this.#lines.size };
  }

  #index(): Map<string, Line> {
    const lines = new Map<string, Line>();
    for (let at = 0; at < this.#rows.length;) {
      const line = this.#line(this.#rows, at);
      lines.set(this.#keyOf(line), line);
      at = line.end + 1;
    }
    return lines;
  }

  #line(bytes: Buffer, start: number): Line {
    return { bytes, start, end: scanLine(bytes, start, this.#starts).end };
  }

  #keyOf({ bytes, start }: Line): string {
    scanLine(bytes, start, this.#starts);
    return keyText(bytes, this.#starts, this.#keys);
  }
}
